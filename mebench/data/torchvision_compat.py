"""The one place where torchvision is imported.

The torchvision wheel of the package index is built for a CUDA torch. Beside a CPU build of torch its C library cannot
be loaded; then ``import torchvision`` fails, because it attaches shape rules to the operators ``torchvision::nms`` and
``torchvision::qnms`` that the C library would have defined. Declaring the two (without an implementation) lets data
sets, transforms, models and image grids work; box operators and ``torchvision.io`` stay unavailable.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import torch

from mebench.api.errors import MebenchError

_SCHEMA = "{}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("nms", "qnms")
_keep_alive: list[torch.library.Library] = []  # the declarations vanish with the object that made them


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision, also beside a CPU build of torch.

    Raises:
        MebenchError: torchvision is not installed, or does not fit the installed torch.
    """
    if "torchvision" not in sys.modules:
        _declare_missing_operators()
    try:
        importlib.import_module("torchvision.datasets")
        return importlib.import_module("torchvision")
    except Exception as error:  # whatever a mismatched build raises
        raise MebenchError(
            f"torchvision cannot be imported beside torch {torch.__version__} ({type(error).__name__}: {error}); "
            "install the torchvision that was released with this torch"
        ) from error


def _declare_missing_operators() -> None:
    """Declare the operators that torchvision's C library would define, if that library cannot be loaded."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise MebenchError("torchvision is not installed; run `pip install torchvision`")
    for library in Path(spec.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(str(library))
            return
        except OSError:
            continue
    declared = torch.library.Library("torchvision", "FRAGMENT")
    for name in _OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            declared.define(_SCHEMA.format(name))
    _keep_alive.append(declared)
