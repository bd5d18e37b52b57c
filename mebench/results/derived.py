"""The numbers of results that no metric measures: they are read off the curve, the ledger, the clock or other rows."""

from __future__ import annotations

from mebench.registry.card import MetricCard, Number

GOALS = (50, 80, 90, 95)
"""Percent of the victim's accuracy, to which queries are counted."""
GOAL_KEYS = {f"queries_to_{goal}": goal for goal in GOALS}
"""The goal of each key of results that counts queries to one."""


def _queries_to(name: str, goal: int) -> Number:
    return Number(
        name,
        better="lower",
        card=MetricCard(
            title=f"To {goal} %",
            formula=f"queries at the first evaluation from which on accuracy(f) >= {goal / 100} * accuracy(v) on the "
            "rest of the curve; mean over seeds, censored where a seed never gets there",
            range="1 to the budget; greater than what was spent where censored",
            misleads="evaluations are far apart: it is known to the next evaluation only; and not comparable where "
            "censored. On a part of the test set (test_inputs of the curve) an evaluation is off by up to 1.6 points",
            unit="queries",
            form=",.0f",
            tolerance=0.2,
            relative=True,
            about=f"queries until the clone has {goal} % of the victim's accuracy for good; > if a seed did not get "
            "there",
        ),
    )


DERIVED = (
    Number(
        "normalised_accuracy",
        card=MetricCard(
            title="Of victim",
            formula="accuracy(f) / accuracy(v)",
            range="0 to 1 / accuracy(v)",
            misleads="victims differ much in accuracy: 0.9 of a weak victim is easier than 0.9 of a strong one",
            unit="fraction",
            form=".2f",
            about="accuracy / the victim's accuracy",
        ),
    ),
    Number(
        "auc",
        card=MetricCard(
            title="AUC",
            formula="area under accuracy over log10(queries), by trapezoids between the first and the last "
            "evaluation, divided by that range",
            range="0 to 1",
            misleads="budgets or first evaluations differ: compare at equal budgets and evaluations only; all but the "
            "last may be on a part of the test set, larger for attacks that learn longer (test_inputs of the curve)",
            unit="fraction",
            form=".2f",
            tolerance=0.02,
            about="mean accuracy over orders of magnitude of queries",
        ),
    ),
    *(_queries_to(name, goal) for name, goal in GOAL_KEYS.items()),
    Number(
        "queries_to_maximum",
        better="lower",
        card=MetricCard(
            title="To maximum",
            formula="queries at the evaluation with the highest accuracy of the run, the first of equal ones; mean "
            "over seeds",
            range="0 to the budget",
            misleads="always: it is chosen on test data, and a clone that stops learning early has a low one; "
            "evaluations before the last may be on a part of the test set. Only for comparison with papers that "
            "report it",
            unit="queries",
            form=",.0f",
            about="the key queries_to_maximum of leaderboard.json",
        ),
    ),
    Number(
        "rank",
        better="lower",
        card=MetricCard(
            title="Rank",
            formula="1 + number of rows of the same key that are better by a paired t test over seeds, and by more "
            "than the size of the test set explains, Holm-corrected at 5 %; rank_last: number of rows less those "
            "that are worse in the same sense",
            range="1 to the number of rows of the key",
            misleads="there are few seeds: then nothing is apart and every row may have every place",
            unit="place",
            about="best and last place in the block that seeds leave open",
        ),
    ),
    Number(
        "best_on_test",
        card=MetricCard(
            title="Best on test",
            formula="highest accuracy of any evaluation of the run; all but the last may be on a part of the test set",
            range="0 to 1",
            misleads="always: it is chosen on test data, and the highest of several samples is too high by chance. "
            "Only for comparison with papers that report it",
            unit="fraction",
        ),
    ),
    Number(
        "queries",
        better="neither",
        card=MetricCard(
            title="Spent",
            formula="rows that the oracle answered, whatever for",
            range="0 to the budget",
            misleads="explanations have a price of their own: see explanations in the ledger, and cost",
            unit="queries",
            form=",.0f",
            about="mean queries",
        ),
    ),
    Number(
        "victim_forward",
        better="neither",
        card=MetricCard(
            title="Forward",
            long_title="Victim forward",
            formula="rows that the victim computed forward for answers and explanations",
            range="the queries spent, and up",
            misleads="an explanation that the attack contracts costs fewer passes here than one that a service sends "
            "in full",
            unit="rows",
            form=",.0f",
            about="rows that the victim computed, mean over seeds",
        ),
    ),
    Number(
        "victim_backward",
        better="neither",
        card=MetricCard(
            title="Backward",
            long_title="Victim backward",
            formula="rows that went back through the victim for explanations",
            range="0 and up",
            misleads="as for forward passes: contracted explanations cost one pass, full ones as many as there are "
            "classes",
            unit="rows",
            form=",.0f",
            about="rows that it took gradients of",
        ),
    ),
    Number(
        "seconds",
        better="lower",
        card=MetricCard(
            title="Time",
            long_title="Time, s",
            formula="wall time of the trial over all of its sessions, evaluations included",
            range="0 and up",
            misleads="machines, threads or neighbours differ: it is no property of the attack",
            unit="seconds",
            about="mean wall time of a trial, in seconds",
        ),
    ),
    Number(
        "queries_per_second",
        card=MetricCard(
            title="Per second",
            long_title="Queries/s",
            formula="queries spent / wall time",
            range="0 and up",
            misleads="as for wall time",
            unit="queries per second",
            about="mean queries per second, all included",
        ),
    ),
    Number(
        "cost",
        better="lower",
        card=MetricCard(
            title="Cost",
            formula="queries / 1000 * price of the channel + explanations / 1000 * price + hours * price of the "
            "computer",
            range="0 and up; unknown without a price sheet",
            misleads="prices are old, or the sheet leaves the computer out",
            unit="money",
            about="mean over seeds, by the benchmark's price sheet",
        ),
    ),
)
"""Each with its card, in the order of docs/metrics.md."""
