"""Module names that the documentation taught before version 0.1 was released, forwarded until 0.2."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

GOES_WITH = "0.2"
"""The version without the old names."""
OLD = {
    "mebench.learners": "mebench.toolkit",
    "mebench.losses": "mebench.toolkit",
    "mebench.schedules": "mebench.toolkit",
    "mebench.reservoir": "mebench.toolkit",
    "mebench.deepfool": "mebench.toolkit",
    "mebench.adversarial": "mebench.toolkit",
    "mebench.early_stopping": "mebench.toolkit",
    "mebench.device_copies": "mebench.toolkit",
    "mebench.network_modes": "mebench.toolkit",
    "mebench.strategies": "mebench.toolkit",
    "mebench.strategies.generator": "mebench.toolkit",
    "mebench.strategies.zeroth_order": "mebench.toolkit",
    "mebench.strategies.explained": "mebench.toolkit",
    "mebench.strategies.pool": "mebench.toolkit",
    "mebench.strategies.k_center": "mebench.toolkit",
    "mebench.networks": "mebench.toolkit",
    "mebench.networks.generator": "mebench.toolkit",
    "mebench.metrics": "mebench",
    "mebench.entry": "mebench",
    "mebench.errors": "mebench.api.errors",
    "mebench.hookspecs": "mebench",
    "mebench.parameter": "mebench",
    "mebench.randomness": "mebench.api.random_streams",
    "mebench.channels": "mebench.oracle.channels.answers",
    "mebench.explanations": "mebench.oracle.channels.explanations",
    "mebench.networks.precision": "mebench.toolkit",
    "mebench.networks.compiling": "mebench.toolkit",
}
"""Each module that is gone, and the package that has its public names now."""
RENAMED = {
    "mebench.device_copies.sent": "to_device",
    "mebench.schedules.constant": "constant_schedule",
    "mebench.schedules.cosine": "cosine_schedule",
    "mebench.schedules.steps": "step_schedule",
}


class _Forwarding(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of `OLD`, asked last of all finders."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name in OLD else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        old, new = module.__name__, OLD[module.__name__]

        def get(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            now = RENAMED.get(f"{old}.{name}", name)
            found = getattr(importlib.import_module(new), now)
            said = f"{old}.{name} is {new}.{now}; the old name goes with mebench {GOES_WITH}"
            warnings.warn(said, DeprecationWarning, stacklevel=2)
            return found

        module.__getattr__ = get  # type: ignore[method-assign]


def forward_old_names() -> None:
    """Let the old module names be imported, with a warning where one of their names is used."""
    if not any(isinstance(finder, _Forwarding) for finder in sys.meta_path):
        sys.meta_path.append(_Forwarding())
