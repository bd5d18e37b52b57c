"""What an owner can do against extraction: defences on answers, on inputs and on explanations."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import DefenceEntry, hookimpl
from mebench_defences.answer_entries import MODELS, NOISES, TRUNCATIONS
from mebench_defences.other_entries import INPUTS, MAPS


@hookimpl
def mebench_api_version() -> tuple[int, int]:
    """The version that has defences."""
    return (1, 8)


@hookimpl
def mebench_defences() -> Sequence[DefenceEntry]:
    """All of them."""
    return (*TRUNCATIONS, *NOISES, *MODELS, *INPUTS, *MAPS)
