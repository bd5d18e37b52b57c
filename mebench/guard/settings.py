"""The settings of a process that code of others can change for everybody: one table, for trials and for the kit.

`mebench.guard.process_state` compares those that are read fast at every call into a plugin, and puts them back. The
conformance kit compares all of them, before and after a run.
"""

from __future__ import annotations

import decimal
import functools
import gc
import locale
import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import _C

from mebench.api.files import umask

_get_handler: Callable[[int], Any] = getattr(signal, "_signal", signal).getsignal  # ten times as fast as its wrapper
_DENORMAL = 1e-310
"""A number that is 0 in arithmetic that flushes denormal ones."""


@dataclass(frozen=True)
class Setting:
    """One setting of the process.

    Attributes:
        words: what it is, after "changed".
        read: returns its value, which can be compared.
        restore: puts back what ``read`` returned; None where nothing can.
        each_call: whether it is read so fast that every call into a plugin compares it.
    """

    words: str
    read: Callable[[], Any]
    restore: Callable[[Any], object] | None = None
    each_call: bool = True


def _attribute(owner: Any, name: str, words: str) -> Setting:
    return Setting(words, functools.partial(getattr, owner, name), functools.partial(setattr, owner, name))


def _handler(number: signal.Signals) -> Setting:
    def restore(handler: Any) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(number, handler)

    return Setting(f"the handler of {number.name}", functools.partial(_get_handler, number), restore)


def _autocast(device: str, words: str) -> Setting:
    read = functools.partial(torch.is_autocast_enabled, device)
    return Setting(f"autocast on the {words}", read, functools.partial(torch.set_autocast_enabled, device))


def _set_device(name: str) -> None:
    torch.set_default_device(None if name == "cpu" else name)


def _flushes_denormals() -> bool:
    return _DENORMAL * 0.5 == 0.0


def _set_collector(enabled: bool) -> None:
    gc.enable() if enabled else gc.disable()


_HOOKS: tuple[dict[int, Any], ...] = tuple(
    table
    for name, table in vars(torch.nn.modules.module).items()
    if name.startswith("_global_") and name.endswith("hooks")
)


def _remove_hooks(lengths: tuple[int, ...]) -> None:
    for table, length in zip(_HOOKS, lengths, strict=True):
        for key in list(table)[length:]:
            del table[key]


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}


def _set_environment(values: dict[str, str]) -> None:
    for key in _environment().keys() - values.keys():
        del os.environ[key]
    os.environ.update(values)


def _set_path(values: list[str]) -> None:
    sys.path[:] = values


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]


RANDOM_SEED = Setting("torch's random seed", torch.initial_seed, torch.manual_seed)

SETTINGS = (
    Setting("the working directory", os.getcwd, os.chdir),
    Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("torch's default device", lambda: torch.empty(0).device.type, _set_device),
    Setting("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("torch's inference mode", torch.is_inference_mode_enabled),  # only who entered it can leave it
    Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    RANDOM_SEED,
    Setting(
        "torch's deterministic mode", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    Setting("torch's anomaly mode", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Setting("torch's matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    Setting("torch's use of oneDNN", _C._get_mkldnn_enabled, _C._set_mkldnn_enabled),
    Setting("whether denormal numbers are flushed to 0", _flushes_denormals, torch.set_flush_denormal),
    _autocast("cpu", "CPU"),
    _autocast("cuda", "GPU"),
    _attribute(torch.backends.cuda.matmul, "allow_tf32", "torch's TF32 setting of products"),
    _attribute(torch.backends.cudnn, "allow_tf32", "torch's TF32 setting of convolutions"),
    _attribute(torch.backends.cudnn, "enabled", "torch.backends.cudnn.enabled"),
    _attribute(torch.backends.cudnn, "benchmark", "torch.backends.cudnn.benchmark"),
    _attribute(torch.backends.cudnn, "deterministic", "torch.backends.cudnn.deterministic"),
    Setting("the hooks of all torch modules", lambda: tuple(map(len, _HOOKS)), _remove_hooks),
    Setting("NumPy's error handling", np.geterr, lambda values: np.seterr(**values)),
    Setting("the garbage collector", gc.isenabled, _set_collector),
    Setting("the garbage collector's thresholds", gc.get_threshold, lambda values: gc.set_threshold(*values)),
    Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("the file mode creation mask", umask, os.umask),
    _handler(signal.SIGTERM),
    _handler(signal.SIGINT),
    Setting(
        "modes of torch functions",
        lambda: _C._len_torch_function_stack() + _C._len_torch_dispatch_stack(),
        each_call=False,
    ),
    Setting("the environment", _environment, _set_environment, each_call=False),
    Setting("the import path", lambda: list(sys.path), _set_path, each_call=False),
    Setting("the exception hook", lambda: sys.excepthook, lambda hook: setattr(sys, "excepthook", hook), False),
    Setting("threads", threading.active_count, each_call=False),
    Setting("child processes", lambda: len(multiprocessing.active_children()), each_call=False),
    Setting("warning filters", lambda: list(warnings.filters), _set_filters, each_call=False),
    Setting("the locale", lambda: locale.setlocale(locale.LC_ALL), each_call=False),
    Setting("decimal's precision", lambda: decimal.getcontext().prec, each_call=False),
)
"""The working directory comes first: it is the one that cannot be read where it has been deleted."""
