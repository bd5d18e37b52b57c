"""The ground: the contract with plugins, what a trial is, errors, random streams, progress. No room lies below it.

The names of `mebench.api.contract` can be imported from here as well; that alone imports torch.
"""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Import a name of the contract on first use."""
    contract = importlib.import_module("mebench.api.contract")  # `from` would ask this function for it, for ever
    if name not in contract.__all__:
        raise AttributeError(f"module 'mebench.api' has no attribute {name!r}")
    return getattr(contract, name)
