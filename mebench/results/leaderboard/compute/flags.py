"""Flags: what a reader must know before believing a row, each with what raises it, what it means, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mebench.oracle.label_spread import COLLAPSED_BELOW
from mebench.results.leaderboard.model import Row

FEW_SEEDS = 3
DISAGREEMENT = 0.15


@dataclass(frozen=True)
class Flag:
    """One flag's line in the legend."""

    name: str
    raised_if: str
    means: str
    do: str


FLAGS: dict[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            "random-victim",
            "the victim answers the same input otherwise when it is asked again",
            "no clone can be expected to agree with it more often than it does with itself, which its own row shows",
            "look for dropout or noise that stays on in eval mode; if the service is random, compare with its own row",
        ),
        Flag(
            "batch-dependent-victim",
            "the victim answers an input otherwise when it is asked that input alone",
            "an attack's answers depend on what it asks together, which no service's do",
            "look for a batch norm without running statistics, or a module that stays in training mode",
        ),
        Flag(
            "victim-at-chance",
            "the victim is right at most 1.5 times as often as one that names the most frequent class",
            "there is nothing to steal: the row says nothing about the attack",
            "look at the range and the normalisation of its inputs, and at the order of its classes",
        ),
        Flag(
            "collapsed",
            "a seed's accuracy is at most 1.5 times chance",
            "the clone answers with nearly one class; the mean is of failed and good runs",
            "read per_seed; do not rerun until it looks good: collapses are part of the result",
        ),
        Flag(
            "diverged",
            "a seed's clone gave numbers that are not finite, or its training ended in a query that is not",
            "the attack's training is not stable in this configuration",
            "lower the learning rate in a new variant; keep this row",
        ),
        Flag(
            "queries-collapsed",
            f"the labels of a seed's training queries, in either half of the budget, spread over fewer than "
            f"{COLLAPSED_BELOW} effective classes",
            "the strategy asks nearly one class: the clone hardly sees the others",
            "look at mebench plot --kind rounds and --metric query_label_entropy; keep this row",
        ),
        Flag(
            "unexplained-passes",
            "in a seed, the victim computed rows, forward or back, that no query or explanation explains",
            "somebody asked the victim past the oracle, so that more may have been learnt than the budget allows",
            "do not believe the row; log.txt says how many rows there were; read the attack's code, and the channel's",
        ),
        Flag(
            "victims-weights",
            "all weights of a seed's clone are the victim's, bit for bit, and were not when it began",
            "the weights were copied, not learnt: queries do not lead to the same bits",
            "do not believe the row; read the attack's code",
        ),
        Flag(
            "mixed-code",
            "a part of two seeds, such as the attack, was of different code",
            "the mean is over two programs of one name",
            "`run` runs anew what was made by other code than is here now; the notes name both",
        ),
        Flag(
            "other-code",
            "a part of a seed was of other code than is here now under its name",
            "the row is of an older or newer program, such as a plugin before it was edited",
            "`run` runs it anew; or install the code that the notes name",
        ),
        Flag(
            "white-box",
            "the channel gives logits and exact gradients",
            "a ceiling for what a gradient can bring, not an attack: no service answers like this",
            "do not rank it among attacks; see how near they come to it",
        ),
        Flag(
            "few-seeds",
            f"fewer than {FEW_SEEDS} seeds finished",
            "the interval is very wide or missing: ranks may be luck",
            "run with --seeds 5",
        ),
        Flag(
            "unspent-budget",
            "a seed spent fewer queries than its budget, by at least what a row costs",
            "the attack stopped early, so it is compared at a smaller budget than the others",
            "compare at the queries shown, or give a budget that it can spend",
        ),
        Flag(
            "seeds-disagree",
            f"accuracy differs between seeds by more than {DISAGREEMENT * 100:.0f} points",
            "the mean describes no run that happened",
            "read per_seed, add seeds, look at the curves",
        ),
        Flag(
            "better-than-supervised",
            "accuracy is above the supervised bound of the same victim and clone",
            "a lucky run, a weak bound, or test data leaking into the attack",
            "check the pool against the test set (mebench data overlap) before believing it",
        ),
        Flag(
            "reduced-scale",
            "the profile is smaller than the paper's (budget, networks, data or seeds)",
            "good for comparing rows here, not for comparing with the paper",
            "run with --profile paper",
        ),
        Flag(
            "as-printed",
            "the variant follows a formula as the paper prints it, known to be in error",
            "it measures the misprint, not the method",
            "read the attack's card; compare with the corrected variant",
        ),
        Flag(
            "tf32",
            "TF32 arithmetic was allowed",
            "differences at small steps measure rounding noise",
            "run again without tf32",
        ),
        Flag(
            "settings-differ",
            "another row has the same names but other parameters",
            "the rows are different experiments; the notes say which parameters differ",
            "compare the spec.json of their trials, or remove one",
        ),
    )
}
"""Every flag that mebench raises, in the order of tables."""
OF_VICTIMS = frozenset({"random-victim", "batch-dependent-victim", "victim-at-chance"})
"""Those that are of a victim, and so of its own row too."""


def row_flags(
    row: Row, raised_by_trials: Iterable[str], reduced_scale: bool, tf32: bool, row_costs: float = 1
) -> tuple[str, ...]:
    """Return the flags of a row, in the order of the legend; those of plugins that it does not know come last.

    Args:
        row: without flags.
        raised_by_trials: what its trials say.
        reduced_scale, tf32: of its benchmark, and of its trials.
        row_costs: queries for which its attack gets one answer; what is left of a budget below that cannot be spent.
    """
    accuracies = [one.accuracy for one in row.per_seed]
    own = {
        "few-seeds": row.seeds < FEW_SEEDS,
        "unspent-budget": any(row.budget - one.queries >= row_costs for one in row.per_seed),
        "seeds-disagree": bool(accuracies) and max(accuracies) - min(accuracies) > DISAGREEMENT,
        "reduced-scale": reduced_scale,
        "as-printed": "as-printed" in row.variant,
        "tf32": tf32,
    }
    return ordered({*raised_by_trials, *(name for name, raised in own.items() if raised)})


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Sort flags as the legend does."""
    known = list(FLAGS)
    return tuple(sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name)))


def legend(rows: Iterable[Row]) -> list[Flag]:
    """The flags that rows show."""
    return [
        FLAGS.get(name, Flag(name, "the trial raised it", "see the attack's card", "see the trial's log.txt"))
        for name in ordered(name for row in rows for name in row.flags)
    ]
