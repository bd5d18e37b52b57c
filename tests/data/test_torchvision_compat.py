"""torchvision beside any build of torch, tried for real in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mebench.api.errors import MebenchError
from mebench.data import torchvision_compat


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


FRESH = """
import sys
from mebench.data.datasets import load_dataset
from mebench.api.spec import Component
load_dataset(Component('fashion-mnist-10k'), 'test')
print('torchvision' in sys.modules)

from mebench.data.torchvision_compat import import_torchvision
tv = import_torchvision()
import torch, torchvision.transforms.v2 as v2, torchvision.utils
x = v2.Compose([v2.RandomCrop(24), v2.Resize(32)])(torch.rand(2, 3, 32, 32))
print(tv.models.resnet18()(x).shape, torchvision.utils.make_grid(x).shape, tv.datasets.CIFAR10.__name__)
assert import_torchvision() is tv
"""


@pytest.fixture(scope="module")
def fresh():
    """What a fresh process prints."""
    answer = run(FRESH)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


def test_embedded_data_and_idx_files_need_no_torchvision(fresh):
    assert fresh[0] == "False"


def test_data_sets_transforms_models_and_grids_work_in_a_fresh_process(fresh):
    assert fresh[1] == "torch.Size([2, 1000]) torch.Size([3, 36, 70]) CIFAR10"


def test_it_works_after_a_plain_import_was_tried():
    answer = run(
        "try:\n    import torchvision\nexcept RuntimeError as error:\n    pass\n"
        "from mebench.data.torchvision_compat import import_torchvision\n"
        "print(import_torchvision().datasets.SVHN.__name__)\n"
    )
    assert answer.stdout.strip() == "SVHN", answer.stderr


def test_a_missing_torchvision_is_one_clear_line(monkeypatch):
    torchvision_compat.import_torchvision()
    torchvision_compat.import_torchvision.cache_clear()
    monkeypatch.delitem(sys.modules, "torchvision")
    monkeypatch.setattr(torchvision_compat.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MebenchError, match="torchvision is not installed; run `pip install torchvision`"):
        torchvision_compat.import_torchvision()


def test_a_torchvision_that_does_not_fit_names_the_torch_version(monkeypatch):
    import torch

    def fail(name):
        raise RuntimeError("operator torchvision::new_one does not exist")

    torchvision_compat.import_torchvision.cache_clear()
    monkeypatch.setattr(torchvision_compat.importlib, "import_module", fail)
    with pytest.raises(MebenchError, match=f"torch {torch.__version__}.*new_one".replace("+", r"\+")):
        torchvision_compat.import_torchvision()
