"""A victim in a TorchScript file, which holds its network and its weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from mebench.api.errors import ConfigurationError, reason
from mebench.models.utf8_paths import utf8_path
from mebench.models.victims.file_kinds import kind_of


class Scripted(nn.Module):
    """A TorchScript module as an ordinary one: script modules refuse ``requires_grad_``, frozen ones ``eval`` too.

    Args:
        script: as loaded; put into eval mode if it still has a mode.
    """

    def __init__(self, script: nn.Module) -> None:
        super().__init__()
        self.script = script
        if hasattr(script, "training"):
            script.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the script returns."""
        outputs: Tensor = self.script(inputs)
        return outputs

    def train(self, mode: bool = True) -> Scripted:
        """Stay in eval mode."""
        self.training = False
        return self


def load_torchscript(path: Path, name: str, device: torch.device | str) -> Scripted:
    """Load a TorchScript file.

    Args:
        path: of a file that is there.
        name: of the victim, for errors.
        device: where it is loaded to: its constants cannot be moved later.

    Raises:
        ConfigurationError: it is something else, or cannot be loaded here; the message says what it is.
    """
    try:
        kind = kind_of(path)
        if kind is not None and kind.family != "torchscript":
            advice = kind.advice and f": {kind.advice}"
            raise ConfigurationError(f"victim {name!r}: {path} is not a TorchScript file, but {kind.words}{advice}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice to its authors, not to our users
            with utf8_path(path) as file:
                loaded = cast(Any, torch.jit).load(str(file), map_location=torch.device(device))
            return Scripted(cast(nn.Module, loaded))
    except (RuntimeError, ValueError, OSError) as error:
        what = "is not a TorchScript file" if kind is None else "is a TorchScript file that cannot be loaded here"
        raise ConfigurationError(f"victim {name!r}: {path} {what} ({reason(error)})") from None
