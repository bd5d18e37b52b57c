"""For each setting of the process, something that an attack could do to it."""

from __future__ import annotations

import builtins
import decimal
import gc
import locale
import logging
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from mebench.guard.setting import Setting, is_still, value_of
from mebench.guard.settings import SETTINGS


def nothing(*arguments: Any, **more: Any) -> None:
    """Takes the place of something."""


def _allow_fewer_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))


def _hooks_of_saved_tensors() -> None:
    torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor).__enter__()


def _another_engine() -> None:
    quantized = torch.backends.quantized
    quantized.engine = next(one for one in quantized.supported_engines if one not in (quantized.engine, "none"))


def _compilers() -> None:
    config = sys.modules["torch.fx.experimental._config"]
    config.translation_validation = not config.translation_validation  # type: ignore[attr-defined]


ACTS: dict[str, Callable[[], Any]] = {
    "the working directory": lambda: os.chdir("/"),
    "NumPy's error handling": lambda: np.seterr(all="raise"),
    "NumPy's handler of errors": lambda: np.seterrcall(nothing),
    "the garbage collector's thresholds": lambda: gc.set_threshold(1),
    "the recursion limit": lambda: sys.setrecursionlimit(5000),
    "the switch interval": lambda: sys.setswitchinterval(1.0),
    "the file mode creation mask": lambda: os.umask(0o777),
    "the handler of SIGTERM": lambda: signal.signal(signal.SIGTERM, nothing),
    "the handler of SIGINT": lambda: signal.signal(signal.SIGINT, nothing),
    "environment variables": lambda: os.environ.update(ANOTHER="1", PATH="nowhere"),
    "filters of warnings": lambda: warnings.simplefilter("error"),
    "decimal arithmetic": lambda: setattr(decimal.getcontext(), "rounding", decimal.ROUND_UP),
    "the import path": lambda: sys.path.insert(0, "/nowhere"),
    "the finders of modules": lambda: sys.meta_path.insert(0, sys.meta_path[-1]),
    "the hooks of the import path": lambda: sys.path_hooks.insert(0, sys.path_hooks[-1]),
    "modules that were imported": lambda: sys.modules.update(json=sys),
    "sys.dont_write_bytecode": lambda: setattr(sys, "dont_write_bytecode", not sys.dont_write_bytecode),
    "sys.argv": lambda: setattr(sys, "argv", ["another"]),
    "hooks of tracing": lambda: threading.setprofile(nothing),
    "logging": lambda: logging.disable(logging.CRITICAL),
    "handlers of signals": lambda: signal.signal(signal.SIGUSR1, nothing),
    "blocked signals": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1}),
    "timers": lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 1e6),
    "limits of resources": _allow_fewer_files,
    "the processors that may be used": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    "the priority of the process": lambda: os.nice(1),
    "the garbage collector's callbacks": lambda: gc.callbacks.append(nothing),
    "objects that are not collected": gc.freeze,
    "the start method of processes": lambda: multiprocessing.set_start_method("forkserver", force=True),
    "the time limit of connections": lambda: socket.setdefaulttimeout(12.0),
    "the locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C"),
    "how NumPy prints arrays": lambda: np.set_printoptions(precision=2),
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's default device": lambda: torch.set_default_device("meta"),
    "modes of torch functions": lambda: TorchFunctionMode().__enter__(),
    "modes of torch operations": lambda: TorchDispatchMode().__enter__(),
    "torch's number of threads": lambda: torch.set_num_threads(3),
    "torch's random seed": lambda: torch.manual_seed(torch.initial_seed() ^ 1),
    "torch's deterministic mode": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "torch's anomaly mode": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "torch's matmul precision": lambda: torch.set_float32_matmul_precision("high"),
    "autocast's type on the CPU": lambda: torch.set_autocast_dtype("cpu", torch.float16),
    "autocast's type on the GPU": lambda: torch.set_autocast_dtype("cuda", torch.bfloat16),
    "torch.backends.cudnn.benchmark_limit": lambda: setattr(torch.backends.cudnn, "benchmark_limit", 3),
    "torch.backends.cudnn.depthwise_kernel": lambda: setattr(torch.backends.cudnn, "depthwise_kernel", "cudnn"),
    "torch.backends.opt_einsum.strategy": lambda: setattr(torch.backends.opt_einsum, "strategy", "optimal"),
    "torch.backends.quantized.engine": _another_engine,
    "the order of torch's attention kernels": lambda: torch._C._set_sdp_priority_order([2, 1, 0, 3, 4]),
    "the hooks of all torch modules": lambda: torch.nn.modules.module.register_module_forward_hook(nothing),
    "torch's hooks of saved tensors": _hooks_of_saved_tensors,
    "transforms of torch.func": lambda: torch._C._functorch._vmap_increment_nesting(2, "error"),
    "levels of forward differentiation": torch.autograd.forward_ad.enter_dual_level,
    "torch's preferred linalg library": lambda: torch.backends.cuda.preferred_linalg_library("magma"),
    "torch's preferred blas library": lambda: torch.backends.cuda.preferred_blas_library("cublaslt"),
    "the settings of torch's compilers": _compilers,
    "how torch prints tensors": lambda: torch.set_printoptions(precision=2),
}
"""What is done to a setting, by its words. Those that are on or off are switched, and hooks replaced, without any."""
FIXED = ("torch's inference mode", "torch's number of threads between operations", "the current GPU")
"""What only a new process can have otherwise, or a machine that has it."""


def act(setting: Setting) -> None:
    """Change a setting as an attack would."""
    value = value_of(setting)
    if setting.words in ACTS:
        ACTS[setting.words]()
    elif isinstance(value, bool):
        setting.restore(not value)  # type: ignore[misc]
    elif isinstance(value, str):  # a precision
        setting.restore("none" if value == "ieee" else "ieee")  # type: ignore[misc]
    else:
        assert callable(value), f"tests/helpers/changes.py does not say how to change {setting.words}"
        setting.restore(nothing)  # type: ignore[misc]


CHANGEABLE = {one.words: one for one in SETTINGS if one.when != "kit" and one.words not in FIXED}


def change(words: str, *, device: str, on_progress: Any, should_stop: Any) -> bool:
    """A job that changes a setting, and returns whether that is so."""
    before = value_of(CHANGEABLE[words])
    act(CHANGEABLE[words])
    return not is_still(CHANGEABLE[words], before)


def replace_functions(payload: None, *, device: str, on_progress: Any, should_stop: Any) -> None:
    """A job that replaces functions that all share."""
    torch.Tensor.add = nothing  # type: ignore[assignment]
    torch.nn.functional.relu = nothing  # type: ignore[assignment]
    builtins.open = nothing  # type: ignore[assignment]


class UNDOABLE:
    """What cannot be put back."""

    value = 0
