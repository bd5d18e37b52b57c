"""Checks of the ``profiles`` of a benchmark file: do attack, channel, pool and budget fit together?"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mebench.plan.file.checker import Checker, Resolved, items, listed, mapping
from mebench.plan.file.link_checks import check_links, check_rows
from mebench.plan.file.positions import Location
from mebench.plan.file.wording import written
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, NetworkEntry


@dataclass
class Used:
    """What the profiles of a file use.

    Attributes:
        victims: names of victims.
        variants: variants by attack.
        channels: labels of channels by attack, e.g. ``vg(score=logit)``.
        unclear: attacks of which a row could not be read, so that their variants are not all known; and ``victims``.
    """

    victims: set[str] = field(default_factory=set)
    variants: dict[str, set[str]] = field(default_factory=dict)
    channels: dict[str, set[str]] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)


def check_profiles(checker: Checker) -> Used:
    """Check every profile, and return what they use."""
    used = Used()
    profiles = mapping(checker.content.get("profiles"))
    for name, profile in profiles.items():
        checker.name(("profiles", name))
        _Profile(checker, used, ("profiles", name), mapping(profile)).check()
    default = checker.content.get("default_profile")
    checker.one_of(profiles, ("default_profile",), default, "unknown profile")
    return used


@dataclass(frozen=True)
class _Grid:
    """What a run multiplies its attacks with; texts, since any of it may be wrong."""

    victims: tuple[str, ...]
    budgets: tuple[str, ...]
    clone: str
    pool: str
    tracks: tuple[str, ...]
    defences: tuple[str, ...]
    recoveries: tuple[str, ...]
    watched: str

    def points(self, attack: AttackEntry) -> list[tuple[str, ...]]:
        """One point per row that an attack makes."""
        pool = self.pool if attack.family == "pool" else ""
        place = (self.victims, self.budgets, (self.clone,), (pool,), self.tracks, self.defences, self.recoveries)
        return list(itertools.product(*place, (self.watched,)))


class _Profile:
    """The checks of one profile.

    ``_rows`` holds where each row of the leaderboard was seen first: two trials of one row would be mixed.
    """

    def __init__(self, checker: Checker, used: Used, location: Location, content: Mapping[str, Any]) -> None:
        self._checker = checker
        self._used = used
        self._location = location
        self._content = content
        self._victims = mapping(checker.content.get("victims"))
        self._runs = listed(content.get("runs"))
        self._rows: dict[tuple[Any, ...], Location] = {}

    def check(self) -> None:
        self._checker.no_repeats((*self._location, "references"), self._content.get("references"))
        self._checker.no_repeats((*self._location, "seeds"), self._content.get("seeds"))
        self._checker.no_repeats((*self._location, "tracks"), self._content.get("tracks"))
        for index, run in enumerate(self._runs):
            self._run((*self._location, "runs", index), mapping(run))
        names = {name for run in self._runs for name in _attack_names(mapping(run))}
        for name in mapping(mapping(self._content.get("speed")).get("queries_per_second")):
            location = (*self._location, "speed", "queries_per_second", name)
            known = sorted(names)
            self._checker.one_of(known, location, name, "no run of this profile has the attack", at_key=True)

    def _run(self, location: Location, run: Mapping[str, Any]) -> None:
        for key in ("victims", "budgets", "seeds", "references", "tracks"):
            self._checker.no_repeats((*location, key), run.get(key))
        for index, name in items(run.get("victims")):
            self._used.victims.add(str(name))
            if not self._checker.one_of(self._victims, (*location, "victims", index), name, "unknown victim"):
                self._used.unclear.add("victims")
        if not isinstance(run.get("victims"), list):
            self._used.unclear.add("victims")
        clone = self._checker.named(NetworkEntry, run.get("clone"), (*location, "clone"))
        pool = self._checker.named(DatasetEntry, run.get("pool"), (*location, "pool"), reserved=("name", "prior"))
        if pool:
            check_rows(self._checker, (*location, "pool"), *pool)
        defences, recoveries = check_links(self._checker, location, run)
        grid = _Grid(
            tuple(map(str, listed(run.get("victims")))),
            tuple(map(str, listed(run.get("budgets")))),
            clone[0].label(clone[1]) if clone else "",
            f"{pool[0].label(pool[1])} {mapping(run.get('pool')).get('prior')}" if pool else "",
            tuple(map(str, listed(run.get("tracks") or self._content.get("tracks") or ["native"]))),
            tuple(defences),
            tuple(recoveries),
            f"{run.get('clients', 1)} {run.get('on_alarm', 'audit')}" if run.get("detectors") else "",
        )
        for index, attack in items(run.get("attacks")):
            here = (*location, "attacks", index)
            row = self._attack(here, mapping(attack), has_pool=run.get("pool") is not None)
            if row:
                self._repeats(here, [(row[0].name, *row[1:], *point) for point in grid.points(row[0])])
        self._budgets(location, run)

    def _attack(
        self, location: Location, attack: Mapping[str, Any], has_pool: bool
    ) -> tuple[AttackEntry, str, str] | None:
        """Check an attack and note its use; return it with variant and channel if all of it can be read."""
        name = attack.get("attack")
        entry = self._checker.entry(AttackEntry, name, (*location, "attack"))
        channel = self._checker.named(ChannelEntry, attack.get("channel"), (*location, "channel"))
        variants = self._used.variants.setdefault(str(name), set())
        resolved = None
        if entry is not None:
            given = mapping(attack.get("parameters"))
            resolved = self._checker.parameters(entry, given, (*location, "parameters"))
            self._fits(location, entry, channel, has_pool)
        if entry is None or resolved is None or channel is None:
            self._used.unclear.add(str(name))
            return None
        variant = str(attack.get("variant") or entry.variant(resolved[1]))
        answered = channel[0].label(channel[1])
        variants.add(variant)
        self._used.channels.setdefault(entry.name, set()).add(answered)
        return entry, variant, answered

    def _fits(
        self, location: Location, attack: AttackEntry, channel: Resolved[ChannelEntry] | None, has_pool: bool
    ) -> None:
        """Check that channel and precision give what the attack needs, and that a pool is there if it needs one."""
        given = channel[0].gives if channel else attack.needs
        if attack.float32 and self._content.get("bf16") is True:
            text = f"{attack.name} takes differences over small steps, which need float32: leave it out, or bf16: true"
            self._checker.add((*location, "attack"), text)
        lacking = " and ".join(sorted(attack.needs - given))
        if lacking and channel:
            fit = ", ".join(self._checker.registry.channels_for(attack.needs)) or "none is installed"
            text = f"{attack.name} needs {lacking}, which {channel[0].name} does not give. Channels that do: {fit}"
            self._checker.add((*location, "channel"), text)
        if attack.family == "pool" and not has_pool:
            text = f"{attack.name} needs a pool: give the run one, e.g. pool: {{name: ..., prior: public}}"
            self._checker.add((*location, "attack"), text)

    def _repeats(self, location: Location, rows: list[tuple[Any, ...]]) -> None:
        """Check that no earlier attack makes the same row of the leaderboard."""
        firsts = [self._rows.setdefault(row, location) for row in rows]
        other = next((first for first in firsts if first != location), None)
        if other:
            text = f"is the same row as {written(other)}: remove one, or give it a variant of its own"
            self._checker.add(location, text)

    def _budgets(self, location: Location, run: Mapping[str, Any]) -> None:
        names = _attack_names(run)
        attacks = [entry for entry in self._checker.registry.entries(AttackEntry) if entry.name in names]
        largest = max(attacks, key=lambda entry: entry.minimum_budget, default=None)
        for index, budget in items(run.get("budgets")):
            if largest and type(budget) is int and 1 <= budget < largest.minimum_budget:
                text = f"must be at least {largest.minimum_budget} for {largest.name}, not {budget}"
                self._checker.add((*location, "budgets", index), text)


def _attack_names(run: Mapping[str, Any]) -> set[str]:
    """The attacks that a run names, known or not."""
    return {str(mapping(attack).get("attack")) for attack in listed(run.get("attacks"))}
