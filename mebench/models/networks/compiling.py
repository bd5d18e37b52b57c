"""``compile: true`` of a profile: networks that run through ``torch.compile``; and who else reads a network's code."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext
from mebench.api.errors import ConfigurationError

COMPILERS = ("g++", "c++", "clang++")
"""What compiled code for a CPU is made with."""


RECURSION_LIMIT = 2000
"""What torch.compile raises Python's to, where it is lower."""


def make_ready_to_compile() -> None:
    """Change for the whole process what compiling would change in the middle of an attack's call."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))


def compiled(network: nn.Module, context: AttackContext) -> Callable[..., Tensor]:
    """Return what calls a network: compiled where the trial asks for it, the network itself otherwise.

    Parameters, state dict and mode stay those of ``network``. Each new batch size is compiled anew, so that attacks
    should compile what always sees the same.

    Raises:
        ConfigurationError: there is no C++ compiler, which a CPU needs.
    """
    if not context.compile:
        return network
    if context.device.type == "cpu" and not any(map(shutil.which, COMPILERS)):
        raise ConfigurationError(
            f"compile: true needs a C++ compiler, and none of {', '.join(COMPILERS)} is there: install one, or leave "
            "compile out"
        )
    # The compiler's threads, and the one that watches its progress bars, would outlive the call.
    importlib.import_module("torch._inductor.config").compile_threads = 1  # type: ignore[attr-defined]
    with contextlib.suppress(ImportError):
        importlib.import_module("tqdm").tqdm.monitor_interval = 0
    call: Callable[..., Tensor] = torch.compile(network, dynamic=False)
    return call


def watched() -> bool:
    """Whether a compiler, a tracer or a transform of `torch.func` looks on, which see into PyTorch's functions only."""
    return (
        torch.compiler.is_compiling()
        or torch._C._get_tracing_state() is not None
        or torch._C._functorch.peek_interpreter_stack() is not None
    )
