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
    "AttackEntry": "mebench.registry",
    "BudgetExceededError": "mebench.errors",
    "ChannelEntry": "mebench.registry",
    "Dataset": "mebench.data.dataset",
    "DatasetEntry": "mebench.registry",
    "Evidence": "mebench.metrics",
    "Explanation": "mebench.api",
    "InputSpec": "mebench.api",
    "InvalidQueryError": "mebench.errors",
    "Learner": "mebench.api",
    "LearnerEntry": "mebench.registry",
    "Lexicon": "mebench.data.text.words",
    "MebenchError": "mebench.errors",
    "MetricEntry": "mebench.registry",
    "MetricOutput": "mebench.registry",
    "NetworkEntry": "mebench.registry",
    "NetworkEvidence": "mebench.metrics",
    "Oracle": "mebench.oracle",
    "Parameter": "mebench.registry",
    "QueryLedger": "mebench.oracle",
    "QueryStrategy": "mebench.api",
    "ReportEntry": "mebench.registry",
    "Response": "mebench.api",
    "ResponseChannel": "mebench.api",
    "StrategyEntry": "mebench.registry",
    "TextDataset": "mebench.data.text.dataset",
    "Victim": "mebench.api",
    "VictimEntry": "mebench.registry",
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
