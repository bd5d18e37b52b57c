"""The metrics that ship with mebench: what every trial is measured by, and what a benchmark may ask for besides.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench.registry.card import MetricCard
from mebench.registry.entries import MetricEntry, MetricOutput
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param
from mebench.trial.metrics.builtin import BUILTIN
from mebench.trial.metrics.service_entries import CALIBRATION, DETECTION, EXPLANATION_UTILITY, UTILITY

ADVERSARIAL = {"fgsm": "FGSM", "bim": "BIM", "pgd": "PGD"}
"""Attacks by which adversarial examples are made on a clone, with their titles."""
_MADE = "x' is the {attack} example of x made on f, {goal}, within epsilon of x in every value"
_MASKED = (
    "the clone is so sure of its labels that its gradients vanish: it seems to give nothing away. Epsilon, steps and "
    "inputs differ: rates of other ones cannot be compared, and with a large epsilon any change fools. With 1,000 "
    "inputs its standard error is up to 1.6 points"
)


def _rates(attack: str, title: str) -> Iterator[MetricOutput]:
    """The four rates of one attack; v(x) is the victim's label."""
    key = f"transfer_{attack}"
    away = _MADE.format(attack=title, goal="away from v(x)")
    towards = _MADE.format(attack=title, goal="towards the target class t")
    yield _rate(
        key,
        f"{title}-U",
        f"#{{x: v(x) = label(x), v(x') != v(x)}} / #{{x: v(x) = label(x)}}; {away}",
        _MASKED,
    )
    yield _rate(
        f"{key}_targeted",
        f"{title}-T",
        f"#{{x: v(x) = label(x) != t, v(x') = t}} / #{{x: v(x) = label(x) != t}}; {towards}",
        f"one class is taken for all: others may be nearer or farther. And when {_MASKED}",
    )
    yield _rate(
        f"{key}_plain",
        f"{title}-U plain",
        f"#{{x: v(x') != v(x)}} / N, also where v(x) was wrong; {away}",
        "the victim is weak: a label that was wrong anyway and changes counts as a success. Only for comparison with "
        f"papers that count so; see {key}",
        detail=True,
    )
    yield _rate(
        f"{key}_targeted_plain",
        f"{title}-T plain",
        f"#{{x: v(x) != t, v(x') = t}} / #{{x: v(x) != t}}, also where v(x) was wrong; {towards}",
        "the victim is weak: an input of the target class that it mislabels and then gets right counts as a success. "
        f"Only for comparison with papers that count so; see {key}_targeted",
        detail=True,
    )


def _rate(name: str, title: str, formula: str, misleads: str, *, detail: bool = False) -> MetricOutput:
    """One rate. Tables show it without its interval: there are up to twelve of them beside each other."""
    card = MetricCard(
        title=title,
        formula=formula,
        range="0 to 1; unknown if a logit of the clone is not finite",
        misleads=misleads,
        unit="fraction",
        interval=False,
        detail=detail,
        about=f"the key {name} of leaderboard.json",
    )
    return MetricOutput(name, f"{title}: {formula}", card=card)


@dataclass(frozen=True)
class TransferParameters:
    """What can be set of the metric ``transfer``."""

    attacks: Annotated[tuple[str, ...], Param("How examples are made.", choices=tuple(ADVERSARIAL))] = tuple(
        ADVERSARIAL
    )
    epsilon: Annotated[
        float,
        Param(
            "Largest change of any value of an input, in its units (images: 0 to 1). Papers on MNIST also take 0.3; "
            "MEGA (Table 4) states none.",
            minimum=0,
            maximum=1e6,
        ),
    ] = 0.1
    steps: Annotated[int, Param("Steps of BIM and PGD.", minimum=1, maximum=10_000)] = 10
    relative_step: Annotated[
        float,
        Param(
            "Size of each such step over epsilon; 10 steps of 0.25 can cross the ball from one side to the other.",
            minimum=0,
            maximum=1e3,
        ),
    ] = 0.25
    target: Annotated[
        int, Param("Target class of the targeted examples; 1 is the second class, as in MEGA.", minimum=0)
    ] = 1
    inputs: Annotated[
        int, Param("Test inputs, evenly spaced in the test set; 0 takes all.", minimum=0, maximum=1_000_000)
    ] = 1000


TRANSFER = MetricEntry(
    "transfer",
    "How often adversarial examples that are made on the clone fool the victim.",
    "mebench.trial.metrics.transfer:transfer",
    TransferParameters,
    outputs=tuple(rate for attack, title in ADVERSARIAL.items() for rate in _rates(attack, title)),
    when="end",
)

METRICS = (*BUILTIN, TRANSFER, UTILITY, CALIBRATION, EXPLANATION_UTILITY, DETECTION)


@hookimpl
def mebench_metrics() -> Sequence[MetricEntry]:
    """What every trial is measured by, and what a benchmark may ask for besides."""
    return METRICS
