"""Which code made the trials of a row: whether it was the same for all of them, and is what is here now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mebench.api.plurals import counted
from mebench.registry.catalogue import registry
from mebench.registry.code import Code, changes
from mebench.registry.parts import plugin_code
from mebench.results.leaderboard.read.trials import TrialRecord


def code_flags(trials: Sequence[TrialRecord]) -> set[str]:
    """``mixed-code`` and ``other-code``, as far as they hold of finished trials that differ in their seed alone."""
    known = [trial for trial in trials if trial.code]
    flags = {"mixed-code"} if list(_mixtures(known)) else set()
    return flags | ({"other-code"} if any(_changed(trial) for trial in known) else set())


def code_notes(rows: Sequence[Sequence[TrialRecord]]) -> Iterator[str]:
    """Name the codes behind both flags, each once for all rows."""
    seeds: dict[str, int] = defaultdict(int)
    for trials in rows:
        known = [trial for trial in trials if trial.code]
        yield from _mixtures(known)
        for change in (change for trial in known for change in _changed(trial)):
            seeds[change] += 1
    for change, count in seeds.items():
        yield f"other code, {counted(count, 'trial')}: {change}"


def _changed(trial: TrialRecord) -> list[str]:
    return changes(trial.code or {}, plugin_code(trial.spec, registry()))


def _mixtures(trials: Sequence[TrialRecord]) -> Iterator[str]:
    """A line for each part that is not of one code in all trials."""
    codes: dict[str, list[Code]] = defaultdict(list)
    for trial in trials:
        for part, code in (trial.code or {}).items():
            if not any(code.is_same(other) for other in codes[part]):
                codes[part].append(code)
    for part, different in codes.items():
        if len(different) > 1:
            first = different[0]
            others = [code.told_from(first) for code in different[1:]]
            yield f"mixed code: {part} is of {' and '.join([first.told_from(different[1]), *others])} in one row"
