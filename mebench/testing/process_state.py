"""The settings of a process that nobody but its owner may change, and how each is put back."""

from __future__ import annotations

import contextlib
import decimal
import gc
import locale
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import _C

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: in the words of a message.
        read: returns its value, which can be compared.
        write: puts a value back; None where nothing can be put back.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None = None


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}


def _set_environment(values: dict[str, str]) -> None:
    for key in _environment().keys() - values.keys():
        del os.environ[key]
    os.environ.update(values)


def _set_path(values: list[str]) -> None:
    sys.path[:] = values


def _set_signals(handlers: list[Any]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(_SIGNALS, handlers, strict=True):
            signal.signal(number, handler)


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]


def _hook_tables() -> list[dict[int, Any]]:
    tables = vars(torch.nn.modules.module)
    return [tables[name] for name in sorted(tables) if name.startswith("_global_") and isinstance(tables[name], dict)]


def _global_hooks() -> list[dict[int, Any]]:
    return [dict(table) for table in _hook_tables()]


def _set_global_hooks(values: list[dict[int, Any]]) -> None:
    for table, value in zip(_hook_tables(), values, strict=True):
        table.clear()
        table.update(value)


def _tf32() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


SETTINGS = (
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch's default device", torch.get_default_device),
    Setting("whether gradients are on", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("inference mode", torch.is_inference_mode_enabled),
    Setting("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting("deterministic mode", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    Setting("matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    Setting("TF32", _tf32),
    Setting("hooks of all modules", _global_hooks, _set_global_hooks),
    Setting("modes of torch functions", lambda: _C._len_torch_function_stack() + _C._len_torch_dispatch_stack()),
    Setting("autocast", lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    Setting("NumPy's error handling", np.geterr, lambda values: np.seterr(**values)),
    Setting("the working directory", Path.cwd, os.chdir),
    Setting("the environment", _environment, _set_environment),
    Setting("the import path", lambda: list(sys.path), _set_path),
    Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("the exception hook", lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook)),
    Setting("the garbage collector", gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    Setting("signal handlers", lambda: [signal.getsignal(one) for one in _SIGNALS], _set_signals),
    Setting("threads", threading.active_count),
    Setting("child processes", lambda: len(multiprocessing.active_children())),
    Setting("warning filters", lambda: list(warnings.filters), _set_filters),
    Setting("the locale", lambda: locale.setlocale(locale.LC_ALL)),
    Setting("decimal's precision", lambda: decimal.getcontext().prec),
)


def settings() -> dict[str, Any]:
    """The value of every setting by its name."""
    return {one.name: one.read() for one in SETTINGS}


def changed_settings(before: dict[str, Any]) -> list[str]:
    """The names of the settings that are not as they were."""
    now = settings()
    return [name for name in before if now[name] != before[name]]


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Put settings, and the definitions of mebench and torch, back after the block, as far as that can be done."""
    before, defined = settings(), definitions()
    try:
        yield
    finally:
        changed = changed_settings(before)
        for one in SETTINGS:
            if one.write is not None and one.name in changed:
                one.write(before[one.name])
        for name, (owner, thing) in redefined(defined).items():
            setattr(owner, name.rpartition(".")[2], thing)


Definitions = dict[str, tuple[Any, Any]]
"""Functions and classes by their full name, each with what it is an attribute of."""


def definitions() -> Definitions:
    """The functions, classes and methods of mebench, and of torch where an attack could gain by another."""
    found: Definitions = {}
    for name, module in list(sys.modules.items()):
        mine = name.partition(".")[0] == "mebench" or name.startswith(("torch.nn.", "torch.optim."))
        if module is None or not (mine or name in ("torch", "torch.autograd")):
            continue
        for owner_name, owner in ((name, module), *_classes(name, module, mine)):
            for key, value in list(vars(owner).items()):
                if isinstance(value, (FunctionType, type, property, staticmethod, classmethod)):
                    found[f"{owner_name}.{key}"] = (owner, value)
    return found


def redefined(before: Definitions) -> Definitions:
    """What is not what it was; the definitions of before."""
    return {name: (owner, thing) for name, (owner, thing) in before.items() if _now(owner, name) is not thing}


def _now(owner: Any, name: str) -> Any:
    return vars(owner).get(name.rpartition(".")[2])


def _classes(name: str, module: ModuleType, mine: bool) -> list[tuple[str, type]]:
    found = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name] if mine else []
    extra = [torch.Tensor, torch.nn.Module, torch.Generator] if name == "torch" else []
    return [(f"{one.__module__}.{one.__qualname__}", one) for one in (*found, *extra)]
