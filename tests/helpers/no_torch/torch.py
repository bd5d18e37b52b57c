"""In torch's place, for processes that test the engine and compute nothing: torch itself takes seconds to import."""

from __future__ import annotations

_threads = {"operations": 1, "side by side": 1}


def set_num_threads(number: int) -> None:
    _threads["operations"] = number


def get_num_threads() -> int:
    return _threads["operations"]


def set_num_interop_threads(number: int) -> None:
    _threads["side by side"] = number


def get_num_interop_threads() -> int:
    return _threads["side by side"]
