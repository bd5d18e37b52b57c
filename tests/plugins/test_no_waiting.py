"""Turns of the loop queue work for an accelerator and never wait for it.

They run on PyTorch's device ``meta``, whose tensors have shapes and no values: whoever reads a value there fails at
that line, as a GPU would stall there. It is no CPU, so that all code takes the path of an accelerator. Copies between
devices, which ``meta`` allows, are watched for: without ``non_blocking`` they wait as well.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mebench_controls.attacks import NoiseStrategy
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from trials import resolved, tiny_trial

from mebench.api.contract import InputSpec, Oracle, Victim
from mebench.api.errors import InvalidQueryError
from mebench.api.spec import Component, TrialSpec
from mebench.models.networks.build import build_network
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.registry.entries import ChannelEntry, NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import Trial, run_trial

META = torch.device("meta")
IMAGES = InputSpec((1, 16, 16), 10)
SMALL = {"batch_size": 8, "generator_width": 4, "noise_dim": 8}
CASES = {
    "dfme": ("dfme", "probability", SMALL),
    "dfme kl, rounded": ("dfme", {"name": "probability", "decimals": 2, "top_k": 3}, {**SMALL, "loss": "kl"}),
    "dfme, exact clone": ("dfme", "probability", {**SMALL, "clone_gradient": "exact", "directions": 2}),
    "megex": ("megex", "vg", SMALL),
    "megex sg": ("megex", {"name": "sg", "samples": 3}, SMALL),
    "megex ig": ("megex", {"name": "ig", "steps": 3}, SMALL),
    "megex as printed": ("megex", "vg", {**SMALL, "contraction": "as-printed"}),
    "int": ("int", {"name": "ig", "steps": 3}, SMALL),
    "default-grad": ("default-grad", "white-box", SMALL),
    "maze": ("maze", "probability", {**SMALL, "directions": 2, "replay_steps": 2, "replay_size": 12}),
    "dast": ("dast", "probability", {**SMALL, "batch_size": 12}),
    "disguide": ("disguide", "probability", {**SMALL, "replay_steps": 2, "ring": 12}),
    "disguide, labels": ("disguide", "label", {**SMALL, "replay_steps": 1}),
    "dual-students": ("dual-students", "probability", {**SMALL, "clone_steps": 2}),
    "dual-students, average": (
        "dual-students",
        "probability",
        {**SMALL, "score": "ema", "clone_steps": 1, "ema_every": 1},
    ),
    "random-generator": ("random-generator", "probability", SMALL),
    "wandering-generator": ("wandering-generator", "probability", SMALL),
    "noise": ("noise", "probability", {"batch_size": 8}),
}


class NoWaiting(TorchDispatchMode):
    """Refuses copies between devices that wait for each other."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        where = {one.device.type for one in tree_leaves((args, kwargs, result)) if _counts(one)}
        waits = not kwargs.get("non_blocking") and not (func is torch.ops.aten.copy_.default and args[2:] == (True,))
        assert len(where) < 2 or not waits, f"{func} copies between {' and '.join(sorted(where))} and waits"
        return result


class NoListsCopied(TorchFunctionMode):
    """Refuses to make tensors of numbers on an accelerator: they are made on the CPU and copied."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made_there = torch.device(kwargs.get("device") or "cpu").type != "cpu"
        assert func not in (torch.tensor, torch.as_tensor) or not made_there, f"{func.__name__} copies and waits"
        return func(*args, **kwargs)


def _counts(value: Any) -> bool:
    """Whether it is a tensor with values to copy; a single number of the CPU is handed over with the work itself."""
    return isinstance(value, Tensor) and (value.device.type != "cpu" or value.ndim > 0)


@pytest.fixture
def asked_generators(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """Where random generators were made; all of them really are on the CPU, since ``meta`` has none."""
    asked, real = [], torch.Generator

    class OnTheCpu(real):
        def __new__(cls, device: Any = "cpu") -> torch.Generator:
            asked.append(torch.device(device))
            return real()

    monkeypatch.setattr(torch, "Generator", OnTheCpu)
    return asked


def prepared() -> PreparedVictim:
    """An untrained convolutional victim without values."""
    network = build_network(resolved(Component("lenet5"), NetworkEntry), IMAGES, 0)
    inputs, labels = torch.rand(20, *IMAGES.shape, device=META), torch.zeros(20, dtype=torch.int64, device=META)
    return PreparedVictim(Victim(network.to(META), IMAGES), IMAGES, 0.9, "", "", "made", inputs, labels, 1)


def spec_of(attack: str, channel: Any, parameters: dict[str, Any]) -> TrialSpec:
    named = {"name": channel} if isinstance(channel, str) else dict(channel)
    spec = tiny_trial(attack, budget=100_000, parameters=parameters)
    clone = resolved(Component("lenet5"), NetworkEntry)
    return replace(spec, channel=resolved(Component(named.pop("name"), named), ChannelEntry), clone=clone)


def trial_of(case: str, folder: Path) -> Trial:
    spec = spec_of(*CASES[case])
    return Trial(spec, TrialFolder.of(folder, spec), prepared(), META)


@pytest.mark.parametrize("case", CASES)
def test_no_turn_waits_for_an_accelerator(case: str, tmp_path: Path, asked_generators: list[torch.device]) -> None:
    trial = trial_of(case, tmp_path)
    next(trial.loop)
    with NoWaiting(), NoListsCopied():
        for _ in range(11):
            next(trial.loop)
            assert not trial.chain.problem()
            trial.progress()
    assert trial.chain.ledger.spent >= 12 * 8
    assert {weight.device for weight in trial.attack.learner.clone.parameters()} == {META}


def test_noise_and_directions_are_drawn_where_the_trial_is(
    tmp_path: Path, asked_generators: list[torch.device]
) -> None:
    trial = trial_of("megex sg", tmp_path / "megex")
    del asked_generators[:]
    next(trial.loop)
    assert asked_generators == [META]  # SmoothGrad's noise
    trial = trial_of("dfme", tmp_path / "dfme")
    next(trial.loop)
    streams = set(trial.random.state_dict()["streams"])
    assert streams == {"noise@meta", "directions@meta", "generator-weights@cpu"}


def test_what_checks_have_found_but_not_told_outlives_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU that is taken for an accelerator, where the outcome of checks is read at evaluations only."""
    monkeypatch.setattr("mebench.oracle.oracle._reads_at_once", lambda device: False)
    whole = NoiseStrategy.propose

    def too_bright(self: NoiseStrategy, oracle: Oracle, clone: nn.Module) -> Tensor:
        return whole(self, oracle, clone) + (32 <= oracle.spent < 48)

    monkeypatch.setattr(NoiseStrategy, "propose", too_bright)
    spec = tiny_trial("noise", parameters={"batch_size": 16}, budget=320)
    prepare_victim(spec.victim)
    folder = TrialFolder.of(tmp_path, spec)
    asked = iter([False] * 3 + [True])  # it stops after the third turn; the next evaluation is after the fourth
    assert run_trial(spec, folder, should_stop=lambda: next(asked)) == "stopped"
    with pytest.raises(InvalidQueryError, match="values outside"):
        run_trial(spec, folder)


def test_what_would_wait_is_found() -> None:
    numbers = torch.rand(4, device=META)
    for read in (
        lambda: float(numbers.sum()),
        lambda: bool((numbers > 0).any()),
        lambda: numbers.nonzero(),
        lambda: numbers[numbers > 0],
        lambda: numbers.tolist(),
        lambda: numbers.cpu(),
    ):
        with NoWaiting(), pytest.raises((RuntimeError, NotImplementedError)):
            read()
    for copy in (
        lambda: torch.ones(4).to(META),
        lambda: numbers.copy_(torch.ones(4)),
        lambda: torch.tensor([1, 2], device=META),
        lambda: numbers[torch.tensor([0, 1])],
    ):
        with NoWaiting(), NoListsCopied(), pytest.raises(AssertionError, match="and waits"):
            copy()
    with NoWaiting(), NoListsCopied():
        torch.ones(4).to(META, non_blocking=True)
        numbers.mul_(torch.tensor(2.0))
