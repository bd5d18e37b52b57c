"""A card for every metric: how it is computed, in which range, which direction is better, and when it misleads.

One table for `mebench info METRIC`, docs/metrics.md, reports and comparisons. "Better" is the attacker's view.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Unit = Literal["fraction", "nats", "queries", "rows", "seconds", "queries per second", "money", "place"]


@dataclass(frozen=True)
class MetricCard:
    """What a reader must know of a metric.

    Attributes:
        name: the key of rows; also of ``per_seed`` where seeds have it.
        title: as in tables.
        formula: in words or symbols; N test inputs, c classes, v the victim, f the clone.
        range: of values, ends included.
        better: the direction in which the attack is stronger, or ``neither``.
        misleads: when it says less than it seems to.
        unit: of the number.
        detail: whether only a wide table shows it.
    """

    name: str
    title: str
    formula: str
    range: str
    better: Literal["higher", "lower", "neither"]
    misleads: str
    unit: Unit = "fraction"
    detail: bool = False


ADVERSARIAL = {"fgsm": "FGSM", "bim": "BIM", "pgd": "PGD"}
"""Attacks by which adversarial examples are made on a clone, with their titles."""
_MADE = "x' is the {attack} example of x made on f, {goal}, within epsilon of x in every value"
_UNKNOWN = "0 to 1; unknown if a logit of the clone is not finite"
_MASKED = (
    "the clone is so sure of its labels that its gradients vanish: it seems to give nothing away. Epsilon, steps and "
    "inputs differ: rates of other ones cannot be compared, and with a large epsilon any change fools. With 1,000 "
    "inputs its standard error is up to 1.6 points"
)


def _transfer_cards(attack: str, title: str) -> Iterator[MetricCard]:
    """The four rates of one attack; v(x) is the victim's label."""
    away = _MADE.format(attack=title, goal="away from v(x)")
    towards = _MADE.format(attack=title, goal="towards the target class t")
    yield MetricCard(
        f"transfer_{attack}",
        f"{title}-U",
        f"#{{x: v(x) = label(x), v(x') != v(x)}} / #{{x: v(x) = label(x)}}; {away}",
        _UNKNOWN,
        "higher",
        _MASKED,
    )
    yield MetricCard(
        f"transfer_{attack}_targeted",
        f"{title}-T",
        f"#{{x: v(x) = label(x) != t, v(x') = t}} / #{{x: v(x) = label(x) != t}}; {towards}",
        _UNKNOWN,
        "higher",
        f"one class is taken for all: others may be nearer or farther. And when {_MASKED}",
    )
    yield MetricCard(
        f"transfer_{attack}_plain",
        f"{title}-U plain",
        f"#{{x: v(x') != v(x)}} / N, also where v(x) was wrong; {away}",
        _UNKNOWN,
        "higher",
        "the victim is weak: a label that was wrong anyway and changes counts as a success. Only for comparison with "
        f"papers that count so; see transfer_{attack}",
        detail=True,
    )
    yield MetricCard(
        f"transfer_{attack}_targeted_plain",
        f"{title}-T plain",
        f"#{{x: v(x) != t, v(x') = t}} / #{{x: v(x) != t}}, also where v(x) was wrong; {towards}",
        _UNKNOWN,
        "higher",
        "the victim is weak: an input of the target class that it mislabels and then gets right counts as a success. "
        f"Only for comparison with papers that count so; see transfer_{attack}_targeted",
        detail=True,
    )


_QUERIES_TO = (
    "queries at the first evaluation from which on accuracy(f) >= {share} * accuracy(v) on the rest of the curve; mean "
    "over seeds, censored where a seed never gets there"
)

CARDS: dict[str, MetricCard] = {
    card.name: card
    for card in (
        MetricCard(
            "accuracy",
            "Accuracy",
            "#{x: f(x) = label(x)} / N of the last clone on the test set",
            "0 to 1",
            "higher",
            "classes are unbalanced, or the victim itself is weak: a clone can beat its victim by ignoring it",
        ),
        MetricCard(
            "fidelity",
            "Fidelity",
            "#{x: f(x) = v(x)} / N on the test set (papers: fidelity, agreement)",
            "0 to 1",
            "higher",
            "the victim is very accurate: then it is nearly accuracy again, and says nothing of the victim's mistakes",
        ),
        MetricCard(
            "normalised_accuracy",
            "Of victim",
            "accuracy(f) / accuracy(v)",
            "0 to 1 / accuracy(v)",
            "higher",
            "victims differ much in accuracy: 0.9 of a weak victim is easier than 0.9 of a strong one",
        ),
        MetricCard(
            "fidelity_on_errors",
            "On errors",
            "#{x: f(x) = v(x) != label(x)} / #{x: v(x) != label(x)}",
            "0 to 1; unknown if the victim never errs",
            "higher",
            "the victim errs on few inputs: with 50 errors its standard error is up to 7 points",
        ),
        MetricCard(
            "kl",
            "KL",
            "mean over x of sum_j v_j(x) log(v_j(x) / f_j(x)), natural logarithm, full probabilities of both",
            "0 and up; unknown if a logit is not finite",
            "lower",
            "the clone learnt from labels: it cannot know the victim's confidence, and a few inputs on which it is "
            "sure and wrong make the mean",
            "nats",
        ),
        MetricCard(
            "total_variation",
            "TV",
            "mean over x of sum_j |v_j(x) - f_j(x)| / 2, full probabilities of both",
            "0 to 1; unknown if a logit is not finite",
            "lower",
            "victim and clone are both nearly sure everywhere: then it is 1 - fidelity",
        ),
        *(card for attack, title in ADVERSARIAL.items() for card in _transfer_cards(attack, title)),
        MetricCard(
            "auc",
            "AUC",
            "area under accuracy over log10(queries), by trapezoids between the first and the last evaluation, divided "
            "by that range",
            "0 to 1",
            "higher",
            "budgets or first evaluations differ: compare at equal budgets and evaluations only; all but the last may "
            "be on a part of the test set, the same for all attacks (test_inputs of the curve)",
        ),
        *(
            MetricCard(
                f"queries_to_{goal}",
                f"To {goal} %",
                _QUERIES_TO.format(share=goal / 100),
                "1 to the budget; greater than what was spent where censored",
                "lower",
                "evaluations are far apart: it is known to the next evaluation only; and not comparable where "
                "censored. On a part of the test set (test_inputs of the curve) an evaluation is off by up to 1.6 "
                "points",
                "queries",
            )
            for goal in (50, 80, 90, 95)
        ),
        MetricCard(
            "queries_to_maximum",
            "To maximum",
            "queries at the evaluation with the highest accuracy of the run, the first of equal ones; mean over seeds",
            "0 to the budget",
            "lower",
            "always: it is chosen on test data, and a clone that stops learning early has a low one; evaluations "
            "before the last may be on a part of the test set. Only for comparison with papers that report it",
            "queries",
        ),
        MetricCard(
            "rank",
            "Rank",
            "1 + number of rows of the same key that are better by a paired t test over seeds, Holm-corrected at 5 %; "
            "rank_last: number of rows less those that are worse in the same sense",
            "1 to the number of rows of the key",
            "lower",
            "there are few seeds: then nothing is apart and every row may have every place",
            "place",
        ),
        MetricCard(
            "best_on_test",
            "Best on test",
            "highest accuracy of any evaluation of the run; all but the last may be on a part of the test set",
            "0 to 1",
            "higher",
            "always: it is chosen on test data, and the highest of several samples is too high by chance. Only for "
            "comparison with papers that report it",
        ),
        MetricCard(
            "queries",
            "Spent",
            "rows that the oracle answered, whatever for",
            "0 to the budget",
            "neither",
            "explanations have a price of their own: see explanations in the ledger, and cost",
            "queries",
        ),
        MetricCard(
            "victim_forward",
            "Forward",
            "rows that the victim computed forward for answers and explanations",
            "the queries spent, and up",
            "neither",
            "an explanation that the attack contracts costs fewer passes here than one that a service sends in full",
            "rows",
        ),
        MetricCard(
            "victim_backward",
            "Backward",
            "rows that went back through the victim for explanations",
            "0 and up",
            "neither",
            "as for forward passes: contracted explanations cost one pass, full ones as many as there are classes",
            "rows",
        ),
        MetricCard(
            "seconds",
            "Time",
            "wall time of the trial over all of its sessions, evaluations included",
            "0 and up",
            "lower",
            "machines, threads or neighbours differ: it is no property of the attack",
            "seconds",
        ),
        MetricCard(
            "queries_per_second",
            "Per second",
            "queries spent / wall time",
            "0 and up",
            "higher",
            "as for wall time",
            "queries per second",
        ),
        MetricCard(
            "cost",
            "Cost",
            "queries / 1000 * price of the channel + explanations / 1000 * price + hours * price of the computer",
            "0 and up; unknown without a price sheet",
            "lower",
            "prices are old, or the sheet leaves the computer out",
            "money",
        ),
    )
}
"""Every metric, in the order of tables."""


def in_percent(name: str) -> bool:
    """Whether people read the metric of that key in percent; not known of plugins' own numbers, which have no card."""
    return name in CARDS and CARDS[name].unit == "fraction"


def as_markdown() -> str:
    """Write docs/metrics.md."""
    parts = [
        "# Metrics",
        "<!-- Made from mebench/results/metric_cards.py: change it there, then run `python -m "
        "mebench.results.metric_cards > docs/metrics.md`. -->",
        "`mebench info METRIC` shows one card. All metrics are of the **last** clone at the end of the budget, on the "
        "test set, against the victim itself: what its channel rounds or withholds from the attack is not withheld "
        'here, and evaluation is never counted as queries. "Better" is the attacker\'s view. Rows hold means over '
        "seeds.",
    ]
    for card in CARDS.values():
        lines = [f"- {key}: {value}" for key, value in facts(card).items()]
        parts.append(f"## `{card.name}`\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def facts(card: MetricCard) -> dict[str, str]:
    """A card's lines, by what they say."""
    return {
        "in tables": card.title,
        "formula": card.formula,
        "range": card.range,
        "unit": card.unit,
        "better": card.better,
        "misleads when": card.misleads,
    }


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_markdown())
