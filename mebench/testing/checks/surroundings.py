"""Does the attack leave everything but its clone as it found it?"""

from __future__ import annotations

import contextlib
import decimal
import gc
import io
import locale
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from mebench.testing.audit import audited
from mebench.testing.faults import require
from mebench.testing.session import Session
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest


def keeps_to_itself(target: AttackUnderTest) -> str | None:
    """It reads no file of victims or data, writes none, starts no process, connects nowhere, searches no memory."""
    target.entry.load()
    stage = Stage(budget=100)
    _warm_up(stage)
    with audited(target.package) as seen:
        Session(target, stage).run()
    require(not seen, "; ".join(seen))
    return None


def _warm_up(stage: Stage) -> None:
    """Make torch and mebench import and write what they do at first use, which is not the attack's doing."""
    stage.victim(), stage.pool()
    clone = stage.initial_clone()
    for optimizer in (torch.optim.SGD(clone.parameters(), lr=0.1), torch.optim.Adam(clone.parameters())):
        clone(torch.zeros(2, *stage.spec.shape)).sum().backward()
        optimizer.step()


def leaves_global_state_as_found(target: AttackUnderTest) -> str | None:
    """No setting of the process is changed: seeds, types, gradients, threads, folder, environment, signals."""
    Session(target, Stage(budget=100)).run()  # what is imported or built at first use is no change of a setting
    before = _settings()
    try:
        session = Session(target, Stage(budget=100))
        _require_same(before, "while it is built")
        for _ in session.turns():
            _require_same(before, "in a turn")
        require(_drawn_after(target, 11) != _drawn_after(target, 12), "seeds a global random generator")
    finally:
        _put_back(before)
    return None


def _require_same(before: dict[str, Any], when: str) -> None:
    now = _settings()
    changed = [name for name in before if now[name] != before[name]]
    require(not changed, f"changes {', '.join(changed)} {when}")


def _settings() -> dict[str, Any]:
    """What must stay, by what it is called."""
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "whether gradients are on": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autograd's anomaly detection": torch.is_anomaly_enabled(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
        "TF32": (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32),
        "autocast": torch.is_autocast_enabled("cpu"),
        "NumPy's error handling": np.geterr(),
        "the working directory": Path.cwd(),
        "the environment": {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
        "the import path": list(sys.path),
        "the recursion limit": sys.getrecursionlimit(),
        "the exception hook": sys.excepthook,
        "the garbage collector": gc.isenabled(),
        "signal handlers": [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)],
        "threads": threading.active_count(),
        "child processes": len(multiprocessing.active_children()),
        "warning filters": len(warnings.filters),
        "the locale": locale.setlocale(locale.LC_ALL),
        "decimal's precision": decimal.getcontext().prec,
    }


def _put_back(before: dict[str, Any]) -> None:
    """Undo what would spoil the checks that follow."""
    torch.set_default_dtype(before["torch's default dtype"])
    torch.set_grad_enabled(before["whether gradients are on"])
    torch.set_num_threads(before["torch's number of threads"])
    os.chdir(before["the working directory"])


def _drawn_after(target: AttackUnderTest, seed: int) -> tuple[float, float]:
    """What the global generators draw after a run in which they started elsewhere."""
    session = Session(target, Stage(budget=60))
    torch.manual_seed(seed)
    np.random.seed(seed)
    session.run()
    return float(torch.rand(1)), float(np.random.random())


def leaves_mebench_unpatched(target: AttackUnderTest) -> str | None:
    """No function, class or method of mebench's or torch's is replaced by another."""
    Session(target, Stage(budget=60)).run()
    before = dict(_definitions())
    Session(target, Stage(budget=100)).run()
    now = dict(_definitions())
    changed = sorted(name for name, (_, thing) in before.items() if name in now and now[name][1] is not thing)
    for name in changed:  # so that the checks that follow run on the real thing
        owner, thing = before[name]
        setattr(owner, name.rpartition(".")[2], thing)
    require(not changed, f"replaces {', '.join(changed)}")
    return None


def _definitions() -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Functions and classes by their full name, each with what it is an attribute of."""
    for name, module in list(sys.modules.items()):
        mine = name.partition(".")[0] == "mebench"
        if module is None or not (mine or name in ("torch", "torch.nn.functional", "torch.autograd")):
            continue
        for owner_name, owner in ((name, module), *_classes(name, module, mine)):
            for key, value in list(vars(owner).items()):
                if isinstance(value, (FunctionType, type, property, staticmethod, classmethod)):
                    yield f"{owner_name}.{key}", (owner, value)


def _classes(name: str, module: ModuleType, mine: bool) -> list[tuple[str, type]]:
    found = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name] if mine else []
    extra = [torch.Tensor, torch.nn.Module, torch.Generator] if name == "torch" else []
    return [(f"{one.__module__}.{one.__qualname__}", one) for one in (*found, *extra)]


def prints_nothing(target: AttackUnderTest) -> str | None:
    """It writes nothing to standard output, which belongs to the table or the JSON that the user asked for."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        Session(target, Stage(budget=60)).run()
    written = out.getvalue().strip()
    require(not written, f"prints {written.splitlines()[0][:60]!r}" if written else "")
    return None
