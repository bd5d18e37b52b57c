"""Whether two tensors, or two states, are the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mebench.models.state_file import load_state, save_state

PLAY = 1e-4
"""Difference that the order of a sum may make."""


def alike(first: Tensor, second: Tensor) -> bool:
    """Whether two tensors differ by no more than rounding; NaN is like NaN."""
    return first.shape == second.shape and torch.allclose(first, second, rtol=PLAY, atol=PLAY, equal_nan=True)


def unlike_rows(first: Tensor, second: Tensor) -> int:
    """Rows in which two tensors of one shape differ by more than rounding."""
    same = torch.isclose(first, second, rtol=PLAY, atol=PLAY, equal_nan=True)
    return int((~same.flatten(1).all(1)).sum()) if first.dim() > 1 else int((~same).sum())


def difference(first: Any, second: Any, where: str) -> str:
    """Where two states of tensors, numbers, strings, lists and dicts differ in a bit; empty if nowhere."""
    if type(first) is not type(second):
        return where
    if isinstance(first, Tensor):
        same = first.dtype == second.dtype and first.shape == second.shape and bool(_equal(first, second).all())
        return "" if same else where
    if isinstance(first, Mapping):
        if list(first) != list(second):
            return where
        return next(filter(None, (difference(first[key], second[key], f"{where}[{key!r}]") for key in first)), "")
    if isinstance(first, (list, tuple)):
        if len(first) != len(second):
            return where
        pairs = enumerate(zip(first, second, strict=True))
        return next(filter(None, (difference(*pair, f"{where}[{number}]") for number, pair in pairs)), "")
    return "" if first == second or (first != first and second != second) else where


def _equal(first: Tensor, second: Tensor) -> Tensor:
    same = first == second
    return same | (first.isnan() & second.isnan()) if first.is_floating_point() else same


def through_a_file(state: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What is read again of a state that was written."""
    save_state(folder / "state", state)
    return load_state(folder / "state")
