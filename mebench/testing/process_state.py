"""The settings of a process, and the definitions of mebench, torch and others, before and after a run of an attack."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from mebench.guard.definitions import Definitions
from mebench.guard.setting import is_still, put_all_back, value_of
from mebench.guard.settings import RANDOM_SEED, SETTINGS

COMPARED = tuple(one for one in SETTINGS if one is not RANDOM_SEED)
"""A run is seeded by the kit itself, which compares what the generators draw after it."""


def settings() -> list[Any]:
    """The value of every setting that is compared."""
    return [value_of(one) for one in COMPARED]


def changed_settings(before: list[Any]) -> list[str]:
    """The names of the settings that are not as they were."""
    return [one.words for one, value in zip(COMPARED, before, strict=True) if not is_still(one, value)]


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Put settings, and the definitions of mebench, torch and others, back after the block, as far as possible."""
    before, definitions = settings(), Definitions()
    try:
        yield
    finally:
        put_all_back(zip(COMPARED, before, strict=True))
        definitions.put_back()
