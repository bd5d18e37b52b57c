"""Does the attack leave everything but its clone as it found it?"""

from __future__ import annotations

import contextlib
import io
import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mebench.guard.definitions import Definitions
from mebench.testing.audit import audited
from mebench.testing.faults import require
from mebench.testing.process_state import changed_settings, settings
from mebench.testing.session import Session
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest


@dataclass(frozen=True)
class _FirstRun:
    """What the first run of an attack in this process did, import included; what it keeps, it does only then.

    Attributes:
        seen: what was asked of machine and interpreter.
        replaced: names of functions and classes that are not what they were.
    """

    seen: tuple[str, ...]
    replaced: tuple[str, ...]


_FIRST_RUNS: dict[tuple[str, str], _FirstRun] = {}


def _first_run(target: AttackUnderTest) -> _FirstRun:
    key = (target.name, target.entry.target)
    if key not in _FIRST_RUNS:
        stage = Stage(budget=100)
        _warm_up(stage)
        before = Definitions()
        with audited(target.package) as seen:
            Session(target, stage).run()
        _FIRST_RUNS[key] = _FirstRun(tuple(seen), tuple(before.replaced()))
    return _FIRST_RUNS[key]


def _warm_up(stage: Stage) -> None:
    """Make torch and mebench import and write what they do at first use, which is not the attack's doing."""
    stage.victim(), stage.pool()
    clone = stage.initial_clone()
    for optimizer in (torch.optim.SGD(clone.parameters(), lr=0.1), torch.optim.Adam(clone.parameters())):
        clone(torch.zeros(2, *stage.spec.shape)).sum().backward()
        optimizer.step()


def keeps_to_itself(target: AttackUnderTest) -> str | None:
    """It reads no file of victims or data, writes none, starts no process, connects nowhere, searches no memory."""
    seen = _first_run(target).seen
    require(not seen, "; ".join(seen))
    return None


def leaves_mebench_unpatched(target: AttackUnderTest) -> str | None:
    """No function, class or method of mebench's, torch's, NumPy's or Python's is replaced by another."""
    replaced = _first_run(target).replaced
    require(not replaced, f"replaces {', '.join(replaced)}")
    return None


def leaves_global_state_as_found(target: AttackUnderTest) -> str | None:
    """No setting of the process is changed: seeds, types, gradients, threads, folder, environment, signals."""
    stage = Stage(budget=100)
    _warm_up(stage)
    before = settings()
    session = Session(target, stage)
    _require_same(before, "while it is built")
    for _ in session.turns():
        _require_same(before, "in a turn")
    first, second = _drawn_after(target, 11), _drawn_after(target, 12)
    seeded = [library for library in first if first[library] == second[library]]
    require(not seeded, f"seeds the global random generator of {', '.join(seeded)}")
    return None


def _require_same(before: list[Any], when: str) -> None:
    changed = changed_settings(before)
    require(not changed, f"changes {', '.join(changed)} {when}")


def _drawn_after(target: AttackUnderTest, seed: int) -> dict[str, float]:
    """What the global generators draw after a run in which they started elsewhere."""
    session = Session(target, Stage(budget=60))
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    session.run()
    return {"torch": float(torch.rand(1)), "NumPy": float(np.random.random()), "Python": random.random()}


def prints_nothing(target: AttackUnderTest) -> str | None:
    """It writes nothing to standard output, which belongs to the table or the JSON that the user asked for."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Session(target, Stage(budget=60)).run()
    written = out.getvalue().strip()
    require(not written, f"prints {written.splitlines()[0][:60]!r}" if written else "")
    return None
