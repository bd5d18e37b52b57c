"""The only way to the victim: the oracle, its account, the channels, and what watches them."""

from __future__ import annotations

import warnings
from typing import Any

_OLD = ("Oracle", "QueryLedger")


def __getattr__(name: str) -> Any:
    """Forward the two names that were here before version 0.2."""
    if name not in _OLD:
        raise AttributeError(f"module 'mebench.oracle' has no attribute {name!r}")
    from mebench.api.contract import Oracle
    from mebench.oracle.ledger import QueryLedger

    said = f"mebench.oracle.{name} is mebench.{name} since mebench 0.2; the old name goes with 0.3"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    return {"Oracle": Oracle, "QueryLedger": QueryLedger}[name]
