"""Pytest within a test, in this very process, which has imported torch: another would take two seconds for that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

_WITHOUT = ("cacheprovider", "xdist", "benchmark", "timeout", "faulthandler", "unraisableexception")
"""Plugins that write files, or set what belongs to the process and so to the outer pytest."""


class _Outcomes:
    """Counts what came of tests."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        kinds = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        found = {kind: len(terminalreporter.stats.get(kind, ())) for kind in kinds}
        self.counts = {kind: count for kind, count in found.items() if count}


def outcomes_of(*paths: Path) -> dict[str, int]:
    """Run the tests of files or folders; return how many had each outcome, such as ``{"passed": 3}``."""
    outcomes, before = _Outcomes(), set(sys.modules)
    words = [word for name in _WITHOUT for word in ("-p", f"no:{name}")]
    try:
        pytest.main([*words, "--import-mode=importlib", *map(str, paths)], plugins=[outcomes])
    finally:
        for name in sys.modules.keys() - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(Path(file).is_relative_to(path) for path in paths):
                del sys.modules[name]
    return outcomes.counts
