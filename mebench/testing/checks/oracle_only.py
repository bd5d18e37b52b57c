"""Is the oracle the attack's only source?"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import Explanation, InputSpec, Response, ResponseChannel, Victim
from mebench.api.spec import Component
from mebench.models.networks.build import build_network
from mebench.oracle.links import Link
from mebench.oracle.oracle import BudgetedOracle
from mebench.testing.faults import fail, require
from mebench.testing.session import Session
from mebench.testing.stage import real_images, trained_stage, trained_victim
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.examination import Examination

PLACEBO_BUDGET = 400
PLACEBO_LIMIT = 0.35
"""Fidelity. Without answers from the victim attacks stay under 0.2; weights or labels from elsewhere give 0.7."""
SAME_IMAGE = {"generator": 0.1, "pool": 0.01}
"""Root mean square difference of two images in [0, 1], below which one is taken to be the other. Generated images are
0.24 away from any real one, and images of the victim's own domain 0.025 from each other."""


def asks_only_through_the_oracle(target: AttackUnderTest) -> str | None:
    """The victim runs inside `oracle.query` and in explanations only, and nothing private of the oracle is touched."""
    for channel in target.channel_entries:
        session = Session(target, channel=channel).run()
        offences = session.watch.offences
        require(not offences, f"channel {channel.name}: {'; '.join(offences)}")
    return None


def keeps_no_victim(target: AttackUnderTest) -> str | None:
    """Nothing that strategy and learner hold leads to the victim, other than through the oracle or an explanation."""
    session = Session(target).run()
    secret = {tensor.data_ptr() for tensor in session.victim.state_dict().values()}
    for start in (session.attack.strategy, session.attack.learner):
        for path, thing in reachable(start, type(start).__name__):
            if isinstance(thing, Victim):
                fail(f"{path} is the victim")
            if isinstance(thing, Tensor) and thing.numel() and thing.data_ptr() in secret:
                fail(f"{path} is a tensor of the victim's")
    return None


def reachable(start: object, name: str) -> Iterator[tuple[str, Any]]:
    """Yield everything that an object leads to by attributes, items and closures, and how."""
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [(name, start)]
    while waiting:
        path, thing = waiting.pop()
        if id(thing) in seen or isinstance(
            thing, (BudgetedOracle, Explanation, Response, ResponseChannel, ModuleType, type)
        ):
            continue
        seen.add(id(thing))
        yield path, thing
        waiting += _inside(path, thing)


def _inside(path: str, thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        yield from ((f"{path}[{key!r}]", value) for key, value in thing.items())
    elif isinstance(thing, (list, tuple, set, frozenset)):
        yield from ((f"{path}[{index}]", value) for index, value in enumerate(thing))
    elif isinstance(thing, functools.partial):
        yield from ((f"{path}({index})", value) for index, value in enumerate((thing.func, *thing.args)))
    elif isinstance(thing, MethodType):
        yield f"{path}.__self__", thing.__self__
    elif isinstance(thing, FunctionType):
        cells = thing.__closure__ or ()
        named = zip(thing.__code__.co_freevars, cells, strict=True)
        yield from ((f"{path}.{name}", _content(cell)) for name, cell in named)
    elif isinstance(thing, Tensor):
        yield f"{path}.grad_fn", thing.grad_fn
    elif not isinstance(thing, (str, bytes, int, float, BuiltinFunctionType)):
        yield from ((f"{path}.{key}", value) for key, value in getattr(thing, "__dict__", {}).items())
        slots = getattr(type(thing), "__slots__", ())
        yield from ((f"{path}.{key}", getattr(thing, key, None)) for key in slots if isinstance(slots, tuple))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


class _StrangersChannel(Link):
    """Asks a stranger in the victim's place."""

    def __init__(self, inner: ResponseChannel, spec: InputSpec) -> None:
        super().__init__(inner)
        self._stranger: Any = _Stranger(spec)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return the stranger's answer."""
        return super().answer(self._stranger, inputs, explain)


class _Stranger(nn.Module):
    """Answers in the victim's place. No `Victim`, so that whoever looks for one finds the real one."""

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        self._network = build_network(Component("mlp", {}), spec, 99).requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = 4 * self._network(inputs)
        return logits


def knows_nothing_without_answers(target: AttackUnderTest) -> str | None:
    """Where a stranger answers in the victim's place, the clone does not come to agree with the victim.

    Whatever the clone then knows of the victim it has from elsewhere: weights found in memory or in a cache, labelled
    data, weights that came with the plugin.
    """
    stage = trained_stage(PLACEBO_BUDGET)
    session = Session(target, stage, wrap=lambda channel: _StrangersChannel(channel, stage.spec)).run()
    prepared = trained_victim()
    exam = Examination.of(prepared.victim, prepared.test_inputs, prepared.test_labels)
    fidelity = exam.score(session.attack.learner.clone).fidelity
    require(
        fidelity < PLACEBO_LIMIT,
        f"agrees with the victim on {fidelity:.0%} of test inputs without a single answer of the victim's",
    )
    return None


def asks_no_images_of_the_victim(target: AttackUnderTest) -> str | None:
    """No query is an image that the victim was trained or is tested on, or of the same data set but not of the pool."""
    family = target.entry.family
    session = Session(target, trained_stage(PLACEBO_BUDGET)).run()
    queries = torch.cat(session.watch.asked)
    images = real_images(pool=family == "pool")
    distance = torch.cdist(queries.flatten(1), images.flatten(1)).amin(1) / session.stage.spec.size**0.5
    stolen = int((distance < SAME_IMAGE[family]).sum())
    require(not stolen, f"{stolen} of {len(queries)} queries are images of the victim's data set that it was not given")
    return None
