"""Is what is scored what was trained?"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from mebench.guard.diagnostics import problem
from mebench.models.weights import logits_of, weights_hash
from mebench.testing.faults import require
from mebench.testing.session import Session
from mebench.testing.shared import finished
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.gradient_probe import gradient_quality

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_state_dict_hooks")


def trains_the_clone_it_was_given(target: AttackUnderTest) -> str | None:
    """The clone starts as the context gives it and stays that network: its weights alone make its answers."""
    session = Session(target)
    given = session.stage.initial_clone()
    require(
        weights_hash(session.attack.learner.clone.state_dict()) == weights_hash(given.state_dict()),
        "its clone does not start with the initial weights that every attack of the seed is given",
    )
    session = finished(target)
    clone = session.attack.learner.clone
    require(type(clone) is type(given), f"its clone is a {type(clone).__name__}, not the given {type(given).__name__}")
    require(_shapes(clone) == _shapes(given), "its clone has other weights than the network that it was given")
    hooked = [name for name, module in clone.named_modules() if any(getattr(module, hooks) for hooks in _HOOKS)]
    require(not hooked, f"its clone has hooks, on {', '.join(name or 'itself' for name in hooked)}")
    given.load_state_dict(clone.state_dict())
    inputs = torch.rand(40, *session.stage.spec.shape)
    same = torch.equal(_answers(clone, inputs), _answers(given, inputs))
    require(same, "its clone answers otherwise than a network of the same weights: something else is at work in it")
    return None


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def _answers(network: nn.Module, inputs: Tensor) -> Tensor:
    mode = network.training
    network.eval()
    logits = logits_of(network, inputs)
    network.train(mode)
    return logits


def is_measured_unnoticed(target: AttackUnderTest) -> str | None:
    """Evaluating the clone and its gradients, and asking for diagnostics, between turns changes nothing."""
    stage = Stage()
    plain = finished(target, stage)
    measured = Session(target, stage)
    for _ in measured.turns():
        clone = measured.attack.learner.clone
        _answers(clone, torch.full((5, *stage.spec.shape), 0.5))
        gradient_quality(measured.attack.strategy, clone, stage.victim())
        _check_diagnostics(measured.attack.strategy.diagnostics())
    require(plain.fingerprint == measured.fingerprint, "its result depends on how often it is evaluated")
    return None


def _check_diagnostics(told: Any) -> None:
    """A trial writes what is not finite as null, for a run may diverge; where none does, it is an error."""
    wrong = problem(told)
    require(not wrong, f"its diagnostics returned {wrong}")
    odd = [name for name, value in told.items() if value is not None and not math.isfinite(value)]
    require(not odd, f"its diagnostics are not finite: {', '.join(odd)}")
