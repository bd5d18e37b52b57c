"""The metrics of a victim behind defences and detectors: what honest users pay, and what was seen of the attack.

Measured in every trial that has any; imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mebench.registry.card import Better, MetricCard
from mebench.registry.entries import MetricEntry, MetricOutput
from mebench.registry.parameter import Param


@dataclass(frozen=True)
class ExplanationUtilityParameters:
    """What can be set of the metric ``explanation-utility``."""

    inputs: Annotated[int, Param("Test inputs, evenly spread over the test set.", minimum=1, maximum=1_000_000)] = 200


@dataclass(frozen=True)
class DetectionParameters:
    """What can be set of the metric ``detection``."""

    streams: Annotated[
        int,
        Param(
            "Streams of honest clients of each kind, made of the test set, on which false alarms are counted; 0 for "
            "none.",
            minimum=0,
            maximum=10_000,
            late=True,
        ),
    ] = 0
    others: Annotated[
        str | None,
        Param("Data set of other things, of which some honest clients ask now and then; null for none.", late=True),
    ] = None


def _output(
    name: str, title: str, formula: str, better: Better, misleads: str, *, fraction: bool = True, detail: bool = False
) -> MetricOutput:
    card = MetricCard(
        title=title,
        formula=formula,
        range="0 to 1" if fraction else "0 to 2",
        misleads=misleads,
        unit="fraction" if fraction else "L1 distance",
        form="" if fraction else ".3f",
        detail=detail,
        minimum=0.0,
        maximum=None if fraction else 2.0,
    )
    return MetricOutput(name, f"{title}: {formula}", better, card)


_REFERENCE = "the reference is the undefended map of the same class, which may be poor itself"


def _change(name: str, title: str, curve: str, reading: str) -> MetricOutput:
    card = MetricCard(
        title=title,
        formula=f"area under the {curve} curve of the released map less that of the undefended one; {reading}",
        range="-1 to 1",
        misleads="pixels that are set to 0 make images that the victim has never seen",
        unit="probability",
        form="+.3f",
        detail=True,
        minimum=-1.0,
        maximum=1.0,
    )
    return MetricOutput(name, f"{title}: {card.formula}", "neither", card)


def _likeness(name: str, title: str, formula: str) -> MetricOutput:
    card = MetricCard(
        title=title,
        formula=formula,
        range="-1 to 1; unknown where all maps are flat",
        misleads=_REFERENCE,
        unit="likeness",
        form=".3f",
        minimum=-1.0,
        maximum=1.0,
    )
    return MetricOutput(name, f"{title}: {formula}", "neither", card)


_IID = "honest users are not like the test set: they repeat themselves, and ask of some classes only"
_STATE = "a defence with state answers by what was asked before: here only honest users ask"

_OWN = "queries of an attack are no inputs of honest users: a defence may move these much further, or not at all"
_TUNED = "a threshold that alarms of everybody finds every attack: see the false positives of the detector bench"

UTILITY = MetricEntry(
    "utility",
    "What defences cost honest users, and how far they move what the attack gets; measured wherever there are any.",
    "mebench.trial.metrics.service:utility",
    outputs=(
        _output("protected_accuracy", "Protected", "#{x: s(x) = label(x)} / N, s the served label", "neither", _STATE),
        _output("flips", "Flips", "#{x: s(x) != v(x)} / N of honest answers", "neither", _IID, detail=True),
        _output(
            "served_fidelity",
            "Served fidelity",
            "#{x: f(x) = s(x)} / N: the clone against what is served, where fidelity is against the victim",
            "higher",
            "the served labels are wrong themselves: who copies a flipped label has stolen nothing",
            detail=True,
        ),
        _output("benign_l1", "Benign L1", "mean |s - y|_1 over honest answers", "neither", _IID, fraction=False),
        _output("benign_l1_95", "95th", "the 95th percentile of it", "neither", _IID, fraction=False, detail=True),
        _output("benign_l1_max", "max", "the largest of it", "neither", _IID, fraction=False, detail=True),
        _output(
            "attack_l1",
            "Attack L1",
            "mean |s - y|_1 over the attack's own queries",
            "lower",
            "an attack that averages repeats is moved less than each of its answers",
            fraction=False,
        ),
        _output("attack_l1_95", "95th", "its 95th percentile", "lower", _OWN, fraction=False, detail=True),
        _output("attack_l1_max", "max", "the largest of it", "lower", _OWN, fraction=False, detail=True),
        _output(
            "attack_flips",
            "Attack flips",
            "share of the attack's answers with another label",
            "lower",
            _OWN,
            detail=True,
        ),
        _output(
            "served_calibration_error",
            "ECE",
            "expected calibration error of the served probabilities, 15 bins of equal width",
            "neither",
            "few inputs fall into a bin",
            detail=True,
        ),
        _output(
            "exchanged",
            "Exchanged",
            "share of the attack's answers in which two entries were exchanged to keep the label",
            "neither",
            _OWN,
            detail=True,
        ),
    ),
    when="end",
)

CALIBRATION = MetricEntry(
    "calibration",
    "How far the victim's confidence is from how often it is right, and how much further what is served is.",
    "mebench.trial.metrics.service:calibration",
    outputs=(
        _output(
            "calibration_error",
            "Victim's ECE",
            "expected calibration error of the victim's own probabilities, 15 bins of equal width",
            "neither",
            "few inputs fall into a bin",
            detail=True,
        ),
        MetricOutput(
            "calibration_error_change",
            "What defences add to the expected calibration error.",
            "neither",
            MetricCard(
                title="ECE change",
                formula="expected calibration error of the served probabilities less that of the victim's own",
                range="-1 to 1; unknown without defences and where labels alone are answered",
                misleads="a victim that is too sure of itself is made better by what only makes it less sure",
                unit="probability",
                form="+.3f",
                minimum=-1.0,
                maximum=1.0,
            ),
        ),
    ),
    when="end",
)

EXPLANATION_UTILITY = MetricEntry(
    "explanation-utility",
    "What released explanations are worth to honest users; measured wherever defences change explanations.",
    "mebench.trial.metrics.explanation_utility:explanation_utility",
    ExplanationUtilityParameters,
    outputs=(
        _change("explanation_deletion", "Deletion", "deletion", "worse if above 0"),
        _change("explanation_insertion", "Insertion", "insertion", "worse if below 0"),
        _likeness(
            "explanation_spearman", "Map rank", "mean rank correlation of the entries of released and undefended map"
        ),
        _likeness(
            "explanation_spearman_absolute", "of sizes", "mean rank correlation of the magnitudes of their entries"
        ),
        _likeness(
            "explanation_overlap", "Top 10 %", "share of the tenth of entries with the largest magnitudes in both"
        ),
        _likeness(
            "explanation_similarity", "SSIM", "mean structural similarity of magnitudes over the largest, windows of 7"
        ),
    ),
    when="end",
)

DETECTION = MetricEntry(
    "detection",
    "Whether and when detectors were alarmed of the attack; measured wherever there are any.",
    "mebench.trial.metrics.service:detection",
    DetectionParameters,
    outputs=(
        MetricOutput(
            "first_alarm",
            "Queries of the whole attack until the first alarm of any detector.",
            "higher",
            MetricCard(
                title="First alarm",
                formula="the query, counted from 1, after which a score was first above its threshold",
                range="1 to the budget; unknown where there was none",
                misleads="seeds without an alarm have none, so that a mean over seeds is of those with one: see alarms",
                unit="queries",
                form=",.0f",
            ),
        ),
        _output("alarms", "Alarms", "share of clients, over all detectors, that were alarmed of", "lower", _TUNED),
        _output(
            "fidelity_at_alarm",
            "At alarm",
            "fidelity at the last evaluation before the first alarm",
            "higher",
            "evaluations are far apart: the clone was at least as far as that",
        ),
        _output(
            "false_alarms",
            "False alarms",
            "largest share of honest streams of one kind that any detector is alarmed of",
            "neither",
            "few streams of a kind, and kinds that we imagine: mebench matrix --detectors has all of them, with limits",
        ),
    ),
    when="end",
)
