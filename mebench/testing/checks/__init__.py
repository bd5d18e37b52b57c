"""Every check, in the order in which they are run. A check is a function of what is checked; its docstring is what it
proves.

It returns nothing, or one line that the author should read though the check has passed. It raises `CheckFailed` or
`CheckSkipped` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import AttackEntry
from mebench.registry.entry import Entry
from mebench.testing.checks import (
    budget,
    channels,
    construction,
    defences,
    detectors,
    draws,
    learning,
    oracle_only,
    parts,
    recoveries,
    repeatable,
    scored,
    settings,
)
from mebench.testing.checks import surroundings as around
from mebench.testing.links.targets import DefenceUnderTest, DetectorUnderTest, RecoveryUnderTest
from mebench.testing.target import AttackUnderTest, UnderTest

Check = Callable[[Any], str | None]
"""What a check is: called with what is checked, e.g. an `AttackUnderTest`, it returns a warning or None, or raises
`CheckFailed` or `CheckSkipped`."""

CHECKS: tuple[Check, ...] = (
    around.keeps_to_itself,  # first: what an attack reads once and keeps, it opens only in its first run
    construction.registers_without_torch,
    construction.builds_from_defaults,
    construction.parameters_round_trip,
    construction.declares_what_it_accepts,
    construction.every_choice_works,
    channels.accepts_declared_channels,
    channels.refuses_other_channels,
    channels.gets_answers_without_graph,
    budget.stays_within_budget,
    budget.spends_the_whole_budget,
    budget.learns_from_a_ragged_last_batch,
    oracle_only.asks_only_through_the_oracle,
    oracle_only.keeps_no_victim,
    oracle_only.knows_nothing_without_answers,
    oracle_only.asks_no_images_of_the_victim,
    scored.trains_the_clone_it_was_given,
    scored.is_measured_unnoticed,
    repeatable.repeats_for_a_seed,
    repeatable.differs_for_another_seed,
    repeatable.draws_from_named_streams,
    repeatable.resumes_from_every_turn,
    settings.proposes_valid_queries,
    settings.works_on_other_inputs,
    settings.survives_certain_answers,
    around.leaves_global_state_as_found,
    around.leaves_mebench_unpatched,
    around.prints_nothing,
    learning.beats_noise,
)
"""What `mebench check` and `parametrize_with_checks` run of attacks."""

_METADATA: tuple[Check, ...] = (
    construction.registers_without_torch,
    parts.part_builds_from_defaults,
    construction.parameters_round_trip,
    construction.declares_what_it_accepts,
)
DEFENCE_CHECKS: tuple[Check, ...] = (
    *_METADATA,
    defences.answers_validly,
    defences.works_on_other_inputs,
    defences.keeps_the_class_it_says,
    defences.answers_alike_in_any_batches,
    defences.leaves_what_it_is_given,
    draws.draws_nothing_untold,
    draws.answers_repeats_alike,
    draws.draws_afresh,
    defences.resumes_half_way,
    parts.fits_repeatably,
    defences.tells_its_mechanism,
    defences.moves_answers_with_its_knob,
    parts.costs_what_it_declares,
)
"""What they run of defences. Since version 1.8."""
RECOVERY_CHECKS: tuple[Check, ...] = (
    *_METADATA,
    recoveries.asks_what_it_charges,
    recoveries.recovers_valid_answers,
    recoveries.recovers_on_other_inputs,
    recoveries.leaves_the_clone_as_it_is,
    recoveries.leaves_answers_as_given,
    recoveries.does_no_harm,
    recoveries.recovers_explanations,
    recoveries.recovers_repeatably,
    recoveries.resumes_half_way_through,
)
"""What they run of recoveries. Since version 1.8."""
DETECTOR_CHECKS: tuple[Check, ...] = (
    *_METADATA,
    detectors.scores_validly,
    detectors.scores_on_other_inputs,
    detectors.scores_alike_in_any_batches,
    detectors.scores_repeatably,
    detectors.watches_clients_apart,
    detectors.leaves_queries_as_given,
    detectors.resumes_watching,
    parts.fits_repeatably,
    parts.costs_what_it_declares,
)
"""What they run of detectors. Since version 1.8."""


@dataclass(frozen=True)
class Kit:
    """The checks of one kind of entry.

    Attributes:
        kind: of entries.
        target: what stands for one of them before the checks.
        checks: in the order in which they are run.
    """

    kind: type[Entry]
    target: type[UnderTest]
    checks: tuple[Check, ...]


KITS = (
    Kit(AttackEntry, AttackUnderTest, CHECKS),
    Kit(DefenceEntry, DefenceUnderTest, DEFENCE_CHECKS),
    Kit(RecoveryEntry, RecoveryUnderTest, RECOVERY_CHECKS),
    Kit(DetectorEntry, DetectorUnderTest, DETECTOR_CHECKS),
)
"""All that can be checked."""


def kit_of(target: UnderTest) -> Kit:
    """The kit of what is checked."""
    return next(kit for kit in KITS if isinstance(target, kit.target))


def summary(check: Check) -> str:
    """The first line of a check's docstring."""
    return (check.__doc__ or "").strip().splitlines()[0]
