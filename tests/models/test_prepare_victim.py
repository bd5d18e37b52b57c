"""Preparing victims: training is seeded, normalisation sits inside, and a user's own are checked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import skip_checksums, write_cifar10, write_image_folder, write_svhn
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.models.networks.build import build_network
from mebench.models.victims.cache import entries
from mebench.models.victims.loading import prepare_victim
from mebench.models.weights import weights_hash

DATA = Component("fashion-mnist-10k", {"rows": [0, 300]})
TRAINED = VictimSpec(
    "toy", DATA, network=Component("mlp", {"hidden": [16]}), training=TrainingRecipe(epochs=1, batch_size=64)
)
OWN = VictimSpec("mine", Component("fashion-mnist-10k"))


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def lenet(size=28, classes=10):
    return build_network(Component("lenet5"), InputSpec((1, size, size), classes), 5)


def test_training_leaves_the_global_random_state_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    prepare_victim(TRAINED)
    assert torch.equal(torch.rand(4), expected)


def test_the_global_random_state_does_not_change_a_victim(tmp_path, monkeypatch):
    """With dropout too, which draws from it."""
    (tmp_path / "dropping.py").write_text(
        "from torch import nn\n"
        "def make():\n    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))\n"
    )
    spec = replace(TRAINED, network=None, factory="dropping:make")
    hashes = []
    for seed in (1, 2):
        monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / f"cache{seed}"))
        torch.manual_seed(seed)
        hashes.append(prepare_victim(spec).weights_hash)
    assert hashes[0] == hashes[1]


def test_the_seed_changes_a_victim():
    assert prepare_victim(TRAINED).weights_hash != prepare_victim(replace(TRAINED, seed=1)).weights_hash


def test_rows_choose_training_images_and_the_test_images_stay_whole():
    prepared = prepare_victim(TRAINED)
    assert len(prepared.test_labels) == 2000
    assert prepared.test_inputs.shape == (2000, 1, 28, 28)
    other = prepare_victim(replace(TRAINED, data=Component("fashion-mnist-10k", {"rows": [300, 600]})))
    assert other.source == "trained now"
    assert other.data_hash != prepared.data_hash


def test_the_accuracy_is_that_of_the_victim_on_all_test_inputs():
    prepared = prepare_victim(replace(TRAINED, training=TrainingRecipe(epochs=8, batch_size=32, learning_rate=0.01)))
    right = prepared.victim(prepared.test_inputs).argmax(1) == prepared.test_labels
    assert prepared.accuracy == pytest.approx(right.double().mean().item())
    assert prepared.accuracy > 0.6


def test_a_victim_is_frozen_and_in_eval_mode():
    prepared = prepare_victim(replace(TRAINED, network=Component("small-cnn", {"width": 2})))
    assert not any(module.training for module in prepared.victim.modules())
    assert not any(value.requires_grad for value in prepared.victim.parameters())


def test_image_size_resizes_training_and_test_images():
    prepared = prepare_victim(replace(TRAINED, image_size=(12, 10)))
    assert prepared.spec == InputSpec((1, 12, 10), 10)
    assert prepared.test_inputs.shape == (2000, 1, 12, 10)


def test_normalisation_sits_inside_the_victim_and_not_in_its_file(tmp_path):
    save_file(lenet().state_dict(), tmp_path / "w.safetensors")
    plain = replace(OWN, network=Component("lenet5"), weights="w.safetensors")
    raw, normalised = prepare_victim(plain), prepare_victim(replace(plain, mean=(0.28,), std=(0.35,)))
    inputs = raw.test_inputs[:5]
    torch.testing.assert_close(normalised.victim(inputs), raw.victim((inputs - 0.28) / 0.35))
    assert raw.weights_hash == normalised.weights_hash


def test_normalisation_is_used_in_training_too():
    prepared = prepare_victim(replace(TRAINED, mean=(0.28,), std=(0.35,)))
    again = prepare_victim(replace(TRAINED, mean=(0.28,), std=(0.35,)))
    assert again.source == "cache"
    assert torch.equal(prepared.victim(prepared.test_inputs[:3]), again.victim(prepared.test_inputs[:3]))
    assert prepared.weights_hash != prepare_victim(TRAINED).weights_hash


@pytest.mark.parametrize(("name", "write"), [("cifar10", write_cifar10), ("svhn", write_svhn)])
def test_colour_victims_train_on_files_in_the_published_format(tmp_path, monkeypatch, name, write):
    skip_checksums(monkeypatch)
    data = Component(name, {"root": str(write(tmp_path / name, train=200, test=40))})
    recipe = TrainingRecipe(epochs=4, batch_size=32, optimizer="sgd", learning_rate=0.05, augment="crop-flip")
    spec = VictimSpec(
        "colour",
        data,
        network=Component("resnet34", {"width": 4}),
        training=recipe,
        mean=(0.49, 0.48, 0.45),
        std=(0.2, 0.2, 0.2),
    )
    prepared = prepare_victim(spec)
    assert prepared.spec == InputSpec((3, 32, 32), 10)
    assert prepare_victim(spec).source == "cache"


@pytest.mark.parametrize("own", [False, True])
def test_pictures_reach_a_victim_resized_once_and_its_record_says_to_what(tmp_path, own):
    folder = write_image_folder(tmp_path / "mine", size=40)
    data = Component("image-folder", {"root": str(folder)})
    spec = VictimSpec("folder", data, (40, 40), network=Component("mlp", {"hidden": [4]}))
    if own:
        network = build_network(spec.network, InputSpec((3, 40, 40), 2), 0)
        save_file(network.state_dict(), tmp_path / "w.safetensors")
        prepared = prepare_victim(replace(spec, weights="w.safetensors"))
    else:
        prepared = prepare_victim(replace(spec, training=TrainingRecipe(epochs=1)))
        assert entries()[0][1]["input_shape"] == [3, 40, 40]
    stored = sorted(np.asarray(Image.open(file)).transpose(2, 0, 1).tobytes() for file in folder.glob("test/*/*.png"))
    assert sorted((255 * one).round().byte().numpy().tobytes() for one in prepared.test_inputs) == stored


def test_a_victim_of_another_size_is_another_victim(tmp_path):
    data = Component("image-folder", {"root": str(write_image_folder(tmp_path / "mine", size=40))})
    spec = VictimSpec("folder", data, None, Component("mlp", {"hidden": [4]}), TrainingRecipe(epochs=1))
    hashes = [prepare_victim(replace(spec, image_size=size)).data_hash for size in (None, (40, 40), (24, 24))]
    assert len(set(hashes)) == 3


def test_a_registered_network_with_a_users_weights(tmp_path):
    network = lenet()
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    prepared = prepare_victim(replace(OWN, network=Component("lenet5"), weights=str(tmp_path / "w.safetensors")))
    assert prepared.source == "user's weights"
    assert prepared.weights_hash == weights_hash(network.state_dict())
    inputs = prepared.test_inputs[:4]
    torch.testing.assert_close(prepared.victim(inputs), network.eval()(inputs))
    right = network(prepared.test_inputs).argmax(1) == prepared.test_labels
    assert prepared.accuracy == pytest.approx(right.double().mean().item())


FACTORY = """
import torch
from torch import nn

def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

def five():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 5))

def infinite():
    class Infinite(nn.Module):
        def forward(self, x):
            return torch.full((len(x), 10), float("inf"))
    return Infinite()

def pair():
    class Pair(nn.Module):
        def forward(self, x):
            return x, x
    return Pair()

def not_a_network():
    return 3

def broken():
    raise ValueError("no such file\\nsecond line")
"""


@pytest.fixture
def factories(tmp_path, monkeypatch):
    """A module in the current folder, under a name that no other test has imported."""
    name = f"factories_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    return name


def test_a_factory_in_the_current_folder_with_safetensors_weights(tmp_path, factories):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    save_file(network.state_dict(), tmp_path / "w.safetensors")
    prepared = prepare_victim(replace(OWN, factory=f"{factories}:linear", weights="w.safetensors"))
    torch.testing.assert_close(prepared.victim(prepared.test_inputs), network(prepared.test_inputs))
    assert prepared.network_parameters == 7850


def test_a_factorys_file_is_part_of_the_key_of_a_victim_trained_from_it(tmp_path, factories):
    spec = replace(TRAINED, network=None, factory=f"{factories}:linear")
    assert prepare_victim(spec).source == "trained now"
    assert prepare_victim(spec).source == "cache"
    (tmp_path / f"{factories}.py").write_text(FACTORY + "\n# changed\n")
    assert prepare_victim(spec).source == "trained now"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("freeze", [False, True])
def test_a_torchscript_victim_answers_and_gives_input_gradients(tmp_path, freeze):
    network = lenet().eval()
    script = torch.jit.trace(network, torch.zeros(1, 1, 28, 28))
    script = torch.jit.freeze(script) if freeze else script
    torch.jit.save(script, str(tmp_path / "v.pt"))
    prepared = prepare_victim(replace(OWN, torchscript="v.pt"))
    inputs = prepared.test_inputs[:4].clone().requires_grad_()
    logits = prepared.victim(inputs)
    torch.testing.assert_close(logits, network(prepared.test_inputs[:4]), rtol=1e-4, atol=1e-4)
    (gradient,) = torch.autograd.grad(logits.sum(), inputs)
    assert gradient.abs().sum() > 0
    assert not any(value.requires_grad for value in prepared.victim.parameters())
    assert prepared.weights_hash == hashlib.sha256((tmp_path / "v.pt").read_bytes()).hexdigest()[:16]
    normalised = prepare_victim(replace(OWN, torchscript="v.pt", mean=(0.3,), std=(0.4,)))
    expected = network((prepared.test_inputs[:4] - 0.3) / 0.4)
    torch.testing.assert_close(normalised.victim(prepared.test_inputs[:4]), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        ("{}:five", r"must return logits of shape \(2, 10\) for 2 inputs of 10 classes, not torch.float32 \(2, 5\)"),
        ("{}:infinite", "logits that are not finite"),
        ("{}:pair", "not tuple"),
        ("{}:not_a_network", "returned int, not a torch.nn.Module"),
        ("{}:broken", r"failed: ValueError: no such file second line \(factories_.*\.py, line 27\)$"),
        ("{}:missing", "failed: AttributeError: .*missing"),
        ("no_such_module:make", "failed: ModuleNotFoundError: No module named 'no_such_module'"),
        ("no_colon", "must be `module:callable`, not 'no_colon'"),
    ],
)
def test_a_factory_that_cannot_be_used_is_one_clear_line(factories, factory, problem):
    with pytest.raises(ConfigurationError, match=problem) as caught:
        prepare_victim(replace(OWN, factory=factory.format(factories)))
    assert "'mine'" in str(caught.value)
    assert "\n" not in str(caught.value)


FAULTY = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(784, 10)
    def forward(self, x):
        return self.lin(x.flatten(1))
class Fits(Net):
    def train(self, data, labels): ...
class Flag(Net):
    def __init__(self):
        super().__init__()
        self.train = True
class Inner(Net):
    def __init__(self):
        super().__init__()
        self.inner = Fits()
class Pairs(Net):
    def forward(self, x):
        return self.lin(x.view(2, 784))
class Half(Net):
    def __init__(self):
        super().__init__()
        self.half()
"""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Fits", r"cannot be put into eval mode: TypeError: .*'labels': torch calls train\(False\) of every module"),
        ("Flag", "cannot be put into eval mode: TypeError: 'bool' object is not callable"),
        ("Inner", "cannot be put into eval mode: TypeError: .*'labels'"),
        ("Pairs", r"'mine' (cannot|fails) .*shape '\[2, 784\]' is invalid"),
        ("Half", r"fails on .*dtype.* \(its weights are float16, its inputs float32: cast them"),
    ],
)
def test_a_network_that_fails_is_named_and_no_internal_error(tmp_path, name, problem):
    module = f"faulty_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(FAULTY)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        prepare_victim(replace(OWN, factory=f"{module}:{name}"))
    assert "victim 'mine'" in str(caught.value)
    assert "\n" not in str(caught.value)


MOVES = """
import os
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.lin = nn.Linear(784, 10)
    def forward(self, x):
        os.chdir("/")
        return self.lin(x.flatten(1))
"""


def test_a_network_that_moves_to_another_folder_when_it_is_asked_is_refused_and_is_put_back(tmp_path):
    """It does so at the first question, and nothing is to be seen of it at the next."""
    module = f"moves_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(MOVES)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="'mine', whenever it is asked, changed the working directory"):
            prepare_victim(replace(OWN, factory=f"{module}:Net"))
        assert Path.cwd() == tmp_path


def test_a_factorys_network_that_cannot_be_trained_is_named(tmp_path, factories):
    with pytest.raises(ConfigurationError, match="victim 'toy' cannot be trained: "):
        prepare_victim(replace(TRAINED, network=None, factory=f"{factories}:pair"))


def test_a_device_that_is_not_there_is_one_clear_line(factories):
    for device, problem in (("meta:x", "be moved to meta:x"), ("nowhere", "be moved to nowhere")):
        with pytest.raises(ConfigurationError, match=f"'mine' cannot {problem}"):
            prepare_victim(replace(OWN, factory=f"{factories}:linear"), device=device)


def test_a_network_for_another_image_size_is_one_clear_line(factories):
    with pytest.raises(ConfigurationError, match=r"'mine' fails on inputs of shape \(2, 1, 20, 20\): .*mat1 and mat2"):
        prepare_victim(replace(OWN, factory=f"{factories}:linear", image_size=(20, 20)))


def drop_one(tensors):
    del tensors["fc2.bias"]


def rename_all(tensors):
    for key in list(tensors):
        tensors[f"module.{key}"] = tensors.pop(key)


def reshape_one(tensors):
    tensors["fc2.weight"] = torch.zeros(7, 84)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (drop_one, "does not fit the network: missing: fc2.bias$"),
        (rename_all, "missing: conv1.bias, conv1.weight, conv2.bias and 7 more; unexpected: module.conv1.bias"),
        (reshape_one, r"shapes: fc2.weight has shape \(7, 84\) where \(10, 84\) is needed"),
    ],
)
def test_weights_that_do_not_fit_name_the_keys(tmp_path, change, problem):
    tensors = dict(lenet().state_dict())
    change(tensors)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match=problem):
        prepare_victim(replace(OWN, network=Component("lenet5"), weights="w.safetensors"))


def test_pickled_weights_are_never_loaded(tmp_path):
    torch.save(lenet().state_dict(), tmp_path / "w.pt")
    with pytest.raises(ConfigurationError, match=r"not a usable safetensors file.*convert pickled weights"):
        prepare_victim(replace(OWN, network=Component("lenet5"), weights="w.pt"))


def test_a_file_that_is_no_torchscript_is_one_clear_line(tmp_path):
    (tmp_path / "v.pt").write_bytes(b"hello")
    with pytest.raises(ConfigurationError, match=r"v\.pt is not a TorchScript file"):
        prepare_victim(replace(OWN, torchscript="v.pt"))


@pytest.mark.parametrize("change", [{"torchscript": "no.pt"}, {"network": Component("lenet5"), "weights": "no.st"}])
def test_a_missing_file_is_one_clear_line(change):
    with pytest.raises(ConfigurationError, match=r"victim 'mine': no.*: no such file"):
        prepare_victim(replace(OWN, **change))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, "victim 'mine' must have one of network, factory, torchscript and victim$"),
        ({"factory": "a:b", "torchscript": "v.pt"}, "not factory and torchscript"),
        ({"network": Component("lenet5")}, "victim 'mine' must have training or weights$"),
        (
            {"torchscript": "v.pt", "weights": "w"},
            "'mine': weights: a torchscript victim brings its own",
        ),
        (
            {"torchscript": "v.pt", "training": TrainingRecipe()},
            "training: a torchscript victim brings its own",
        ),
        ({"network": Component("mlp"), "weights": "w", "training": TrainingRecipe()}, "training or weights, not both"),
    ],
)
def test_a_victim_is_given_in_exactly_one_way(change, problem):
    with pytest.raises(ConfigurationError, match=problem):
        prepare_victim(replace(OWN, **change))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mean": (0.5,)}, "victim '.*' must have both mean and std, or neither"),
        ({"mean": (0.5, 0.5, 0.5), "std": (1.0, 1.0, 1.0)}, "mean: must have 1 number, one per channel, not 3"),
        ({"mean": (0.5,), "std": (0.0,)}, "std: must be positive, not 0.0"),
    ],
)
def test_a_normalisation_that_does_not_fit_is_an_error(change, problem):
    with pytest.raises(ConfigurationError, match=problem):
        prepare_victim(replace(TRAINED, **change))


def test_a_training_that_diverges_is_an_error_and_is_not_cached():
    wild = TrainingRecipe(epochs=2, batch_size=64, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(ConfigurationError, match="'toy': its training diverged; lower the learning rate"):
        prepare_victim(replace(TRAINED, training=wild))
    assert entries() == []


@pytest.mark.slow
def test_lenet5_learns_the_embedded_images_in_two_epochs():
    recipe = TrainingRecipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.04)
    data = Component("fashion-mnist-10k")
    prepared = prepare_victim(VictimSpec("lenet5", data, (32, 32), Component("lenet5"), recipe))
    assert prepared.accuracy > 0.75  # 77.9, 78.1 and 79.0 % with three seeds
