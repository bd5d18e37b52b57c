"""The threshold of a detector, by benign streams that the owner's data makes."""

from __future__ import annotations

import math

import torch

from mebench.api.contract import Response, Victim
from mebench.api.defence import OwnersData
from mebench.api.errors import ConfigurationError
from mebench.guard.defences import GuardedDetector
from mebench.models.victims.outputs import all_answers

SHORTEST = 100
"""Queries of a benign stream."""
FEWEST_STREAMS = 10


def stream_length(rows: int, queries_of_a_client: int) -> int:
    """How long benign streams are: as long as a client's own stream, but so that the data makes `FEWEST_STREAMS`."""
    return max(SHORTEST, min(queries_of_a_client, rows // FEWEST_STREAMS))


def calibrated_threshold(
    detector: GuardedDetector, victim: Victim, data: OwnersData, length: int, false_positives: float, name: str
) -> float:
    """The smallest threshold at which at most a share of benign streams raise an alarm at any time.

    The owner's data, in a fixed random order, is cut into streams that share no query. What is compared
    with the threshold is the highest score of a whole stream, for a detector looks after every query.

    Args:
        detector: ready.
        victim: answers.
        data: benign inputs.
        length: queries of a stream; see `stream_length`.
        false_positives: the share, in [0, 1).
        name: of the detector, for the message.

    Raises:
        ConfigurationError: there are too few streams to tell such a share, or no stream had a score.
    """
    streams = len(data) // length
    if streams < FEWEST_STREAMS:
        raise ConfigurationError(
            f"detector {name}: {len(data)} benign inputs are {streams} streams of {length}; "
            f"a threshold needs at least {FEWEST_STREAMS}: give more `reserve`, or a threshold"
        )
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    highest = []
    for number in range(streams):
        rows = order[number * length : (number + 1) * length].to(data.inputs.device)
        inputs = data.inputs[rows]
        probabilities = torch.softmax(all_answers(victim, inputs), dim=1)
        scores = detector.client().score(inputs, Response(probabilities.argmax(1), probabilities))
        known = scores[~scores.isnan()]
        highest.append(float(known.max()) if len(known) else -math.inf)
    allowed = math.floor(false_positives * streams)
    threshold = sorted(highest, reverse=True)[allowed]
    if not math.isfinite(threshold):
        raise ConfigurationError(f"detector {name}: no benign stream of {length} queries had a score: give a threshold")
    return threshold
