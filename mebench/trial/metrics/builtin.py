"""What every trial is measured by: each metric with its entry, its card and its function.

A metric that is added here is in curves, results, rows, tables, comparisons, exports and the report. The module is
read when names are listed, so it does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mebench.registry.card import MetricCard
from mebench.registry.entries import BuiltinMetric

if TYPE_CHECKING:
    from torch import Tensor

    from mebench.trial.metrics.evidence import Evidence

_ROUNDING = 1e-6
"""By how much numbers may contradict each other."""


def _target(function: Callable[[Evidence], float | None]) -> str:
    """What names a function of this module in its entry."""
    return f"{__name__}:{function.__name__}"


def accuracy(evidence: Evidence) -> float:
    """Return the fraction of test inputs with the true label."""
    return _fraction(evidence.clone_labels == evidence.labels)


ACCURACY = BuiltinMetric(
    "accuracy",
    "Fraction of test inputs with the true label.",
    _target(accuracy),
    card=MetricCard(
        title="Accuracy",
        formula="#{x: f(x) = label(x)} / N of the last clone on the test set",
        range="0 to 1",
        misleads="classes are unbalanced, or the victim itself is weak: a clone can beat its victim by ignoring it",
        unit="fraction",
        tolerance=0.02,
        about="of the last clone on the test set: mean ± 95 % interval over seeds",
    ),
    of_victim=lambda accuracy: accuracy,
)


def fidelity(evidence: Evidence) -> float:
    """Return the fraction of test inputs with the victim's label."""
    return _fraction(evidence.clone_labels == evidence.victim_labels)


FIDELITY = BuiltinMetric(
    "fidelity",
    "Fraction of test inputs with the victim's label.",
    _target(fidelity),
    card=MetricCard(
        title="Fidelity",
        formula="#{x: f(x) = v(x)} / N on the test set (papers: fidelity, agreement)",
        range="0 to 1",
        misleads="the victim is very accurate: then it is nearly accuracy again, and says nothing of the victim's "
        "mistakes",
        unit="fraction",
        tolerance=0.02,
        about="test inputs on which clone and victim give the same label: mean ± 95 % interval over seeds",
    ),
    of_victim=lambda accuracy: 1.0,
)


def fidelity_on_errors(evidence: Evidence) -> float | None:
    """Return the fidelity where the victim's label is wrong; None if it never is."""
    wrong = evidence.victim_labels != evidence.labels
    agrees = evidence.clone_labels == evidence.victim_labels
    return _fraction(agrees[wrong]) if bool(wrong.any()) else None


def _impossible_on_errors(metrics: Mapping[str, float | None], victim_accuracy: float) -> str:
    """Clone and victim agree on the inputs that the victim gets right as often as the clone is right there."""
    same, right, on_errors = (metrics.get(name) for name in ("fidelity", "accuracy", "fidelity_on_errors"))
    if same is None or right is None or on_errors is None:
        return ""
    on_right = same - (1 - victim_accuracy) * on_errors
    if -_ROUNDING <= on_right <= min(right, victim_accuracy) + _ROUNDING:
        return ""
    return f"fidelity_on_errors {on_errors:.4g} cannot be, with fidelity {same:.4g}"


FIDELITY_ON_ERRORS = BuiltinMetric(
    "fidelity_on_errors",
    "Fidelity where the victim's label is wrong.",
    _target(fidelity_on_errors),
    card=MetricCard(
        title="On errors",
        long_title="Fidelity on errors",
        formula="#{x: f(x) = v(x) != label(x)} / #{x: v(x) != label(x)}",
        range="0 to 1; unknown if the victim never errs",
        misleads="the victim errs on few inputs: with 50 errors its standard error is up to 7 points",
        unit="fraction",
        interval=False,
        detail=True,
        about="where the victim is wrong",
    ),
    of_victim=lambda accuracy: None if accuracy == 1 else 1.0,
    contradiction=_impossible_on_errors,
)


def kl(evidence: Evidence) -> float | None:
    """Return the mean KL(victim || clone) in nats; None if a logit is not finite.

    It is cut off at 0, below which only rounding can bring it.
    """
    if not evidence.finite:
        return None
    log_p, log_q = evidence.log_probabilities
    p = log_p.exp()
    return max(0.0, float((p.xlogy(p) - p * log_q).sum(1).mean()))


def _impossible_divergences(metrics: Mapping[str, float | None], victim_accuracy: float) -> str:
    """By Pinsker's inequality, and Jensen's for the means, total variation <= sqrt(KL / 2)."""
    nats, variation = metrics.get("kl"), metrics.get("total_variation")
    if nats is None or variation is None or variation <= math.sqrt(nats / 2) + _ROUNDING:
        return ""
    return f"total_variation {variation:.4g} cannot be, with kl {nats:.4g} it is at most {math.sqrt(nats / 2):.4g}"


KL = BuiltinMetric(
    "kl",
    "Mean KL(victim || clone) of the class probabilities, in nats.",
    _target(kl),
    better="lower",
    card=MetricCard(
        title="KL",
        formula="mean over x of sum_j v_j(x) log(v_j(x) / f_j(x)), natural logarithm, full probabilities of both",
        range="0 and up; unknown if a logit is not finite",
        misleads="the clone learnt from labels: it cannot know the victim's confidence, and a few inputs on which it "
        "is sure and wrong make the mean",
        unit="nats",
        interval=False,
        detail=True,
        tolerance=0.2,
        relative=True,
        minimum=0.0,
        about="KL(victim || clone), mean over the test set",
    ),
    of_victim=lambda accuracy: 0.0,
    contradiction=_impossible_divergences,
)


def total_variation(evidence: Evidence) -> float | None:
    """Return the mean total variation in [0, 1]; None if a logit is not finite."""
    if not evidence.finite:
        return None
    p, q = (logarithms.exp() for logarithms in evidence.log_probabilities)
    return min(1.0, float((p - q).abs().sum(1).mean() / 2))


TOTAL_VARIATION = BuiltinMetric(
    "total_variation",
    "Mean total variation of victim's and clone's class probabilities.",
    _target(total_variation),
    better="lower",
    card=MetricCard(
        title="TV",
        long_title="Total variation",
        formula="mean over x of sum_j |v_j(x) - f_j(x)| / 2, full probabilities of both",
        range="0 to 1; unknown if a logit is not finite",
        misleads="victim and clone are both nearly sure everywhere: then it is 1 - fidelity",
        unit="fraction",
        form="digits",
        interval=False,
        detail=True,
        tolerance=0.02,
        about="between victim and clone, mean over the test set",
    ),
    of_victim=lambda accuracy: 0.0,
)

BUILTIN: tuple[BuiltinMetric, ...] = (ACCURACY, FIDELITY, FIDELITY_ON_ERRORS, KL, TOTAL_VARIATION)


def _fraction(hits: Tensor) -> float:
    return int(hits.sum()) / len(hits)
