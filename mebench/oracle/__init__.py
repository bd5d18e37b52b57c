"""The only way to the victim: the oracle, its account, the channels, and what watches them."""

from __future__ import annotations

import warnings
from typing import Any

_OLD = ("Oracle", "QueryLedger")


def __getattr__(name: str) -> Any:
    """Forward the two names that were here before version 0.1 was released."""
    if name not in _OLD:
        raise AttributeError(f"module 'mebench.oracle' has no attribute {name!r}")
    from mebench.api.contract import Oracle
    from mebench.api.old_names import GOES_WITH
    from mebench.oracle.ledger import QueryLedger

    said = f"mebench.oracle.{name} is mebench.{name}; the old name goes with mebench {GOES_WITH}"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    return {"Oracle": Oracle, "QueryLedger": QueryLedger}[name]
