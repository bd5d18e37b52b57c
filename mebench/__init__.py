"""mebench: compare model-extraction attacks on the same victim, channel and enforced query budget.

The public names are imported lazily: ``import mebench`` never imports torch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "API_VERSION": "mebench.api_version",
    "Attack": "mebench.api",
    "AttackContext": "mebench.api",
    "AttackEntry": "mebench.entry",
    "BudgetExceededError": "mebench.errors",
    "ChannelEntry": "mebench.entry",
    "Dataset": "mebench.data.dataset",
    "DatasetEntry": "mebench.entry",
    "Evidence": "mebench.metrics",
    "Explanation": "mebench.api",
    "InputSpec": "mebench.api",
    "InvalidQueryError": "mebench.errors",
    "Learner": "mebench.api",
    "LearnerEntry": "mebench.entry",
    "Lexicon": "mebench.data.text.words",
    "MebenchError": "mebench.errors",
    "MetricEntry": "mebench.entry",
    "MetricOutput": "mebench.entry",
    "NetworkEntry": "mebench.entry",
    "NetworkEvidence": "mebench.metrics",
    "Oracle": "mebench.oracle",
    "Parameter": "mebench.parameter",
    "QueryLedger": "mebench.oracle",
    "QueryStrategy": "mebench.api",
    "ReportEntry": "mebench.entry",
    "Response": "mebench.api",
    "ResponseChannel": "mebench.api",
    "StrategyEntry": "mebench.entry",
    "TextDataset": "mebench.data.text.dataset",
    "Victim": "mebench.api",
    "VictimEntry": "mebench.entry",
    "hookimpl": "mebench.hookspecs",
    "word_list": "mebench.data.text.words",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mebench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted([*globals(), *_PUBLIC])
