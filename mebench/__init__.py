"""mebench: compare model-extraction attacks on the same victim, channel and enforced query budget.

The public names are imported lazily: ``import mebench`` never imports torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from mebench.api.version import VERSION

__version__ = VERSION

_PUBLIC = {
    "API_VERSION": "mebench.api.version",
    "Attack": "mebench.api.contract",
    "AttackContext": "mebench.api.contract",
    "AttackEntry": "mebench.registry.entries",
    "BudgetExceededError": "mebench.api.errors",
    "ChannelEntry": "mebench.registry.entries",
    "Dataset": "mebench.data.dataset",
    "DatasetEntry": "mebench.registry.entries",
    "Evidence": "mebench.trial.metrics.examination",
    "Explanation": "mebench.api.contract",
    "InputSpec": "mebench.api.contract",
    "InvalidQueryError": "mebench.api.errors",
    "Learner": "mebench.api.contract",
    "LearnerEntry": "mebench.registry.entries",
    "Lexicon": "mebench.data.text.words",
    "MebenchError": "mebench.api.errors",
    "MetricEntry": "mebench.registry.entries",
    "MetricOutput": "mebench.registry.entries",
    "NetworkEntry": "mebench.registry.entries",
    "NetworkEvidence": "mebench.trial.metrics.examination",
    "Oracle": "mebench.api.contract",
    "Parameter": "mebench.registry.parameter",
    "QueryLedger": "mebench.oracle.ledger",
    "QueryStrategy": "mebench.api.contract",
    "ReportEntry": "mebench.registry.entries",
    "Response": "mebench.api.contract",
    "ResponseChannel": "mebench.api.contract",
    "StrategyEntry": "mebench.registry.entries",
    "TextDataset": "mebench.data.text.dataset",
    "Victim": "mebench.api.contract",
    "VictimEntry": "mebench.registry.entries",
    "hookimpl": "mebench.registry.hooks",
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
