"""What tells networks apart is what they compute with, and not only what their own state_dict() says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, PluginFaultError
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.guard.call import Guard
from mebench.models.networks.build import _check_kept, build_network
from mebench.models.victims.loading import prepare_victim
from mebench.models.weights import network_hash, weights_hash

DATA = Component("fashion-mnist-10k", {"rows": [0, 200]})
SPEC = VictimSpec("mine", DATA, factory="mine:make")


class Shifted(nn.Module):
    """A linear layer and a shift, which is a parameter, a buffer or a plain tensor."""

    def __init__(self, shift, kind="buffer"):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        nn.init.ones_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        value = torch.full((2,), float(shift))
        if kind == "plain":
            self.shift = value
        elif kind == "parameter":
            self.shift = nn.Parameter(value)
        else:
            self.register_buffer("shift", value, persistent=kind != "not persistent")


class Secret(Shifted):
    """Its state_dict() keeps the shift back."""

    def state_dict(self, *args, **kwargs):
        return {key: value for key, value in super().state_dict(*args, **kwargs).items() if "shift" not in key}


class Rounded(Shifted):
    """Its state_dict() says all, but no more than a digit of it."""

    def state_dict(self, *args, **kwargs):
        return {key: value.round() for key, value in super().state_dict(*args, **kwargs).items()}


class Noted(Shifted):
    """It has state beside its tensors."""

    def __init__(self, note):
        super().__init__(0)
        self.note = note

    def get_extra_state(self):
        return self.note

    def set_extra_state(self, state):
        self.note = state


@pytest.mark.parametrize("kind", ["buffer", "not persistent", "plain", "parameter"])
@pytest.mark.parametrize("network", [Shifted, Secret, Rounded])
def test_networks_that_compute_with_other_tensors_have_other_hashes(network, kind):
    one, same, other = (network_hash(nn.Sequential(network(shift, kind))) for shift in (0.1, 0.1, 0.2))
    assert one == same != other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"scale": torch.zeros(2000)}, {"scale": torch.cat([torch.zeros(1999), torch.ones(1)])}),
        (np.zeros(2000), np.concatenate([np.zeros(1000), np.ones(1), np.zeros(999)])),
        ({"steps": [1, 2]}, {"steps": [1, 3]}),
        ("a", "b"),
    ],
)
def test_state_beside_the_tensors_counts(one, other):
    assert network_hash(Noted(one)) == network_hash(Noted(one)) != network_hash(Noted(other))


def test_where_an_object_lies_in_memory_does_not_count():
    assert network_hash(Noted(object())) == network_hash(Noted(object()))


def whole(shift=0.5):
    """A network behind another, one layer of which is there twice."""
    inner = Shifted(shift)
    return nn.Sequential(inner, nn.BatchNorm1d(2), inner)


class Unwrapped(nn.Module):
    """Its state_dict() is that of what it wraps."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def state_dict(self, *args, **kwargs):
        return self.inner.state_dict(*args, **kwargs)


class Copied(Shifted):
    """Its state_dict() is a copy."""

    def state_dict(self, *args, **kwargs):
        return {key: value.clone() for key, value in super().state_dict(*args, **kwargs).items()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "network",
    [
        whole,
        lambda: Unwrapped(whole()),
        lambda: Copied(1),
        lambda: nn.LSTM(3, 2),
        lambda: nn.utils.weight_norm(nn.Linear(3, 2)),
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)),
        lambda: torch.jit.script(nn.Sequential(nn.Linear(3, 2))),
        lambda: torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(3, 2)), {nn.Linear}, torch.qint8),
    ],
)
def test_a_network_whose_state_dict_says_all_has_the_hash_of_its_state_dict(network):
    made = network()
    assert network_hash(made) == weights_hash(made.state_dict())


@pytest.mark.parametrize("name", ["lenet5", "mlp", "resnet8", "plain-cnn"])
def test_networks_of_mebench_have_the_hash_of_their_state_dict(name):
    network = build_network(Component(name), InputSpec((1, 28, 28), 10), 1)
    assert network_hash(network) == weights_hash(network.state_dict())


def test_a_network_without_tensors_has_no_hash():
    assert network_hash(nn.Flatten()) == ""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the module of the factory anew; it is another module for the next victim."""
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    count = iter(range(9))

    def written(code):
        name = f"mine_{next(count)}_{tmp_path.name}"
        (tmp_path / f"{name}.py").write_text(f"import torch\nfrom torch import nn\n{code}")
        return f"{name}:make"

    return written


HIDING = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)
        self.register_buffer("calls", torch.tensor({start}), persistent={persistent})
    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.layer(x.flatten(1)) * {used}
    {more}
def make():
    torch.manual_seed(0)
    return Net()
"""
KEEPS_BACK = (
    "def state_dict(self, *a, **k): return {n: v for n, v in super().state_dict(*a, **k).items() if n != 'calls'}\n"
    "    def load_state_dict(self, state, strict=True): return super().load_state_dict(state, strict=False)"
)


@pytest.mark.parametrize(("persistent", "more"), [(False, ""), (True, KEEPS_BACK)])
def test_victims_that_differ_in_a_buffer_that_their_state_dict_leaves_out_are_two(write, persistent, more):
    hashes = []
    for start in (1.0, 1.0, 2.0):
        code = HIDING.format(start=start, persistent=persistent, used="self.calls", more=more)
        hashes.append(prepare_victim(replace(SPEC, factory=write(code))).weights_hash)
    assert hashes[0] == hashes[1] != hashes[2]


TRAINED = replace(SPEC, training=TrainingRecipe(epochs=1, batch_size=100))


@pytest.mark.parametrize(("persistent", "more"), [(False, ""), (True, KEEPS_BACK)])
def test_a_trained_victim_that_its_state_dict_does_not_keep_whole_is_one_line(write, persistent, more):
    code = HIDING.format(start=1.0, persistent=persistent, used="self.calls", more=more)
    with pytest.raises(ConfigurationError, match=r"leaves out calls, and without it answers otherwise: make it a para"):
        prepare_victim(replace(TRAINED, factory=write(code)))


def test_a_trained_victim_whose_answers_do_not_depend_on_what_is_left_out_is_kept(write):
    spec = replace(TRAINED, factory=write(HIDING.format(start=1.0, persistent=False, used="1", more="")))
    first, again = prepare_victim(spec), prepare_victim(spec)
    assert (first.source, again.source) == ("trained now", "cache")
    assert first.weights_hash == again.weights_hash


class Counting(nn.Module):
    """It counts what it is trained on, and answers by the count."""

    def __init__(self, persistent, used=True):
        super().__init__()
        self.layer, self.used = nn.Linear(4, 3), used
        self.register_buffer("count", torch.ones(()), persistent=persistent)

    def forward(self, inputs):
        if self.training:
            self.count += len(inputs)
        return self.layer(inputs) * (self.count if self.used else 1)


class Fixed(Counting):
    """What its state_dict() leaves out stays as it was made."""

    def forward(self, inputs):
        return self.layer(inputs) * self.count


class Mute(Counting):
    """Its state_dict() keeps a parameter back."""

    def state_dict(self, *args, **kwargs):
        return {key: value for key, value in super().state_dict(*args, **kwargs).items() if key != "layer.bias"}

    def load_state_dict(self, state, strict=True):
        return super().load_state_dict(state, strict=False)


@pytest.mark.parametrize(("network", "name"), [(Counting(False), "count"), (Mute(True), "layer.bias")])
def test_a_plugins_network_that_its_state_dict_does_not_keep_whole_is_named(network, name):
    with pytest.raises(PluginFaultError, match=rf"^network mine: its state_dict\(\), .* leaves out {name}, without"):
        _check_kept(network, torch.rand(2, 4), Guard("network mine"))


@pytest.mark.parametrize("network", [Counting(True), Counting(False, used=False), Fixed(False), whole()])
def test_a_plugins_network_that_is_kept_whole_is_as_it_was(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    _check_kept(network, torch.rand(2, 4), Guard("network mine"))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
