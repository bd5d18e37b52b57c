"""Benchmark files: reading them, checking them, and saying all that is wrong at once."""

from __future__ import annotations

from mebench.plan.file.load import load_benchmark, select_profile
from mebench.plan.file.schema import Benchmark, Profile

__all__ = ["Benchmark", "Profile", "load_benchmark", "select_profile"]
