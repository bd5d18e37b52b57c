"""Every check, in the order in which they are run. A check is a function of an attack; its docstring is what it proves.

It returns nothing, or one line that the author should read though the check has passed. It raises `CheckFailed` or
`CheckSkipped` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from mebench.testing.checks import budget, channels, construction, learning, oracle_only, repeatable, scored, settings
from mebench.testing.checks import surroundings as around
from mebench.testing.target import AttackUnderTest

Check = Callable[[AttackUnderTest], str | None]
"""What a check is: called with an attack, it returns a warning or None, or raises `CheckFailed` or `CheckSkipped`."""

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
"""What `mebench check` and `parametrize_with_checks` run."""


def summary(check: Check) -> str:
    """The first line of a check's docstring."""
    return (check.__doc__ or "").strip().splitlines()[0]
