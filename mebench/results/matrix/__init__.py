"""The matrix of defences and attacks: what each attacker gets behind each defence, the worst case, and its cost."""

from __future__ import annotations

from mebench.results.matrix.compute import Estimate, Line, Matrix, matrices
from mebench.results.matrix.formats import FORMATS

__all__ = ["FORMATS", "Estimate", "Line", "Matrix", "matrices"]
