"""In which ways a victim may be given: said once, for benchmark files and for Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mebench.api.plurals import counted

SOURCES = ("network", "factory", "torchscript", "victim")
"""What a victim's network comes from; ``victim`` is a registered one."""
ITSELF = ""
"""The place of a problem that is the whole victim's, and no key's."""
Problem = tuple[str, str]
"""A key, or `ITSELF`, and what is wrong there: ``must ...`` or a sentence."""


def wrongly_given(victim: Mapping[str, Any]) -> Iterator[Problem]:
    """Say what is wrong with the keys of a victim.

    Args:
        victim: what is given by the keys of a benchmark file; None is as good as left out.
    """
    given = {key for key, value in victim.items() if value is not None}
    sources = [key for key in SOURCES if key in given]
    weights = [key for key in ("training", "weights") if key in given]
    if len(sources) != 1:
        but = f", not {' and '.join(sources)}" if sources else ""
        yield ITSELF, f"must have one of {', '.join(SOURCES[:-1])} and {SOURCES[-1]}{but}"
    elif sources == ["victim"]:
        yield from ((key, "a registered victim brings this along") for key in weights)
    elif sources == ["torchscript"] and weights:
        yield weights[0], "a torchscript victim brings its own weights"
    elif len(weights) > 1:
        yield ITSELF, "must have training or weights, not both"
    elif sources == ["network"] and not weights:
        yield ITSELF, "must have training or weights"
    if len({"mean", "std"} & given) == 1:
        yield ITSELF, "must have both mean and std, or neither"


def wrong_length(key: str, values: Sequence[float], channels: int) -> Iterator[Problem]:
    """Say whether a normalisation lacks a number per channel, or has one too many."""
    if len(values) != channels:
        wanted = f"{counted(channels, 'number')}, one per channel"
        yield key, f"must have {wanted}, not {len(values)}"


def line_of(name: str, problem: Problem) -> str:
    """A problem of a victim that no file holds, in a line."""
    key, text = problem
    return f"victim {name!r}: {key}: {text}" if key else f"victim {name!r} {text}"
