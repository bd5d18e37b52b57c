"""Measuring what defences cost honest users, and what detectors saw."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.trial.metrics.evidence import NetworkEvidence
from mebench.trial.metrics.service_entries import DetectionParameters

BINS = 15


def utility(evidence: NetworkEvidence) -> dict[str, float | None]:
    """The numbers of the metric ``utility``; all unknown without a service."""
    service = evidence.service
    if service is None:
        return {"protected_accuracy": None}
    honest, seen = service.honest(evidence.inputs), service.attack()
    labels, probabilities = honest.labels, honest.probabilities
    answered = seen.answered
    return {
        "protected_accuracy": _share(labels == evidence.labels),
        "flips": _share(labels != evidence.victim_labels),
        "served_fidelity": _share(evidence.clone_labels == labels) if evidence.finite else None,
        "benign_l1": honest.moved.mean,
        "benign_l1_95": honest.moved.quantile(0.95),
        "benign_l1_max": honest.moved.largest if honest.moved.rows else None,
        "attack_l1": seen.moved.mean,
        "attack_l1_95": seen.moved.quantile(0.95),
        "attack_l1_max": seen.moved.largest if seen.moved.rows else None,
        "attack_flips": seen.flipped / answered if answered else None,
        "served_calibration_error": None
        if probabilities is None
        else calibration_error(probabilities, labels == evidence.labels),
        "exchanged": seen.exchanged / answered if answered else None,
    }


def calibration(evidence: NetworkEvidence) -> dict[str, float | None]:
    """The numbers of the metric ``calibration``: of the victim itself, and how much worse what is served is."""
    right = evidence.victim_labels == evidence.labels
    own = calibration_error(torch.softmax(evidence.victim_logits, dim=1), right)
    honest = evidence.service.honest(evidence.inputs) if evidence.service else None
    if honest is None or honest.probabilities is None:
        return {"calibration_error": own}
    served = calibration_error(honest.probabilities, honest.labels == evidence.labels)
    return {"calibration_error": own, "calibration_error_change": served - own}


def detection(evidence: NetworkEvidence, parameters: DetectionParameters) -> dict[str, float | None]:
    """The numbers of the metric ``detection``; all unknown without detectors."""
    service = evidence.service
    alarms = service.attack().alarms if service else ()
    if service is None or not alarms:
        return {"first_alarm": None}
    first = min((one.alarm for one in alarms if one.alarm is not None), default=None)
    honest = service.false_alarms(parameters.streams, parameters.others)
    shares = [told["alarms"] / told["streams"] for one in honest for told in one.values()]
    return {
        "first_alarm": first,
        "alarms": sum(one.alarm is not None for one in alarms) / len(alarms),
        "fidelity_at_alarm": None if first is None else service.fidelity_after(first),
        **({"false_alarms": max(shares)} if shares else {}),
    }


def calibration_error(probabilities: Tensor, right: Tensor, bins: int = BINS) -> float:
    """Expected calibration error (Guo et al., 2017, arXiv:1706.04599, eq. 3), in [0, 1].

    Args:
        probabilities: (N, c); the largest of a row is its confidence.
        right: (N,) bool, whether the answered label is the true one.
        bins: of equal width over [0, 1]; the last one is closed.
    """
    confidence = probabilities.amax(1).double()
    number = (confidence * bins).long().clamp_(0, bins - 1)
    counts = torch.bincount(number, minlength=bins).double()
    sums = torch.zeros(bins, dtype=torch.float64, device=number.device)
    gap = sums.index_add(0, number, confidence) - sums.index_add(0, number, right.double())
    return float(gap.abs().sum() / counts.sum())


def _share(truths: Tensor) -> float:
    return float(truths.double().mean())
