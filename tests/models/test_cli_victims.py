"""`mebench victims`."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner
from data_files import write_image_folder
from safetensors.torch import save_file

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.cli import main
from mebench.cli.victims import victims
from mebench.models.networks.build import build_network
from mebench.models.victims.cache import victims_dir

GUESSING = "note: victim 'any.pt' is hardly better than guessing"


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(victims, arguments)


@pytest.fixture
def weights(tmp_path):
    network = build_network(Component("lenet5"), InputSpec((1, 32, 32), 10), 5)
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    return network


EVALUATE = ("evaluate", "--network", "lenet5", "--weights", "w.safetensors", "--data", "fashion-mnist-10k")


def test_evaluate_prints_accuracy_and_hash_of_a_users_victim(weights):
    result = run(*EVALUATE, "--image-size", "32", "32")
    assert result.exit_code == 0, result.output
    assert "accuracy 0." in result.output
    assert "on 2,000 test images of fashion-mnist-10k, 61,706 parameters" in result.output
    assert "(user's weights)" in result.output


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_evaluate_takes_torchscript_and_normalisation(tmp_path, weights):
    torch.jit.save(torch.jit.trace(weights.eval(), torch.zeros(1, 1, 32, 32)), str(tmp_path / "v.pt"))
    options = ("--data", "fashion-mnist-10k", "--image-size", "32", "32", "--mean", "0.3", "--std", "0.3")
    result = run("evaluate", "--torchscript", "v.pt", *options)
    assert result.exit_code == 0, result.output
    assert "v.pt: accuracy" in result.output


@pytest.fixture
def folder(tmp_path):
    """Images of 40 x 40 pixels, and a victim of any size that looks at them."""
    torch.jit.save(torch.jit.script(AnySize()), str(tmp_path / "any.pt"))
    return write_image_folder(tmp_path / "mine", size=40)


class AnySize(torch.nn.Module):
    """Two logits of images of any size."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (B, 2)."""
        return torch.stack([inputs.mean((1, 2, 3)), inputs.amax((1, 2, 3))], 1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_evaluate_says_what_a_victim_was_given_and_that_nobody_has_said_which_size_it_takes(folder, capsys):
    own = ["victims", "evaluate", "--torchscript", "any.pt", "--data", "image-folder", "--root", str(folder)]
    own += ["--outputs", "logits"]
    assert main(own) == 0
    said = capsys.readouterr()
    assert said.out.startswith("classes of image-folder: 0 cat, 1 dog\n")
    assert said.out.rstrip().endswith(", given 3 x 32 x 32, returns logits (user's weights)")
    assert said.err.splitlines() == [
        "note: victim 'any.pt': its images, of 40 x 40, are resized to 32 x 32, the `size` of image-folder; "
        "give an image_size if it takes another",
        GUESSING,
    ]
    assert main([*own, "--image-size", "40", "40"]) == 0
    said = capsys.readouterr()
    assert said.out.rstrip().endswith("given 3 x 40 x 40, returns logits (user's weights)")
    assert said.err.splitlines() == [GUESSING]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_images_that_are_of_the_size_of_their_data_set_need_no_note(tmp_path, folder, capsys):
    write_image_folder(tmp_path / "small", size=32)
    own = ["victims", "evaluate", "--torchscript", "any.pt", "--outputs", "logits"]
    assert main([*own, "--data", "image-folder", "--root", "small"]) == 0
    assert capsys.readouterr().err.splitlines() == [GUESSING]


def test_evaluate_without_a_victim_says_how_to_give_one():
    error = run("evaluate", "--data", "fashion-mnist-10k").exception
    assert isinstance(error, ConfigurationError)
    assert "--torchscript" in str(error)


def test_an_empty_cache_is_said_so():
    assert run("list").output.strip() == f"no trained victims in {victims_dir()}"


BENCHMARK = """
name: tiny
profiles:
  quick:
    scale: reduced
    runs:
      - victims: [toy]
        clone: mlp
        budgets: [100]
        attacks: [{attack: noise, channel: probability}]
victims:
  toy:
    data: {name: fashion-mnist-10k, rows: [0, 300]}
    network: mlp
    training: {epochs: 2, batch_size: 64}
"""


def test_train_fills_the_cache_and_list_shows_it(tmp_path):
    (tmp_path / "tiny.yaml").write_text(BENCHMARK)
    result = run("train", "tiny.yaml")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "toy: accuracy 0." in result.output
    assert "(trained now)" in result.output
    assert "(cache)" in run("train", "tiny.yaml").output
    (header, _, line) = run("list").output.splitlines()
    assert header.split() == ["name", "network", "data", "accuracy", "size", "trained", "folder"]
    assert line.split()[:3] == ["toy", "mlp", "fashion-mnist-10k"]
    assert str(victims_dir()) in line


def test_list_shows_a_damaged_victim(tmp_path):
    (victims_dir() / "toy-0123456789").mkdir(parents=True)
    assert "damaged" in run("list").output


def test_listing_imports_no_torch():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom mebench.cli.victims import victims\n"
        "assert CliRunner().invoke(victims, ['list']).exit_code == 0\nprint('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
