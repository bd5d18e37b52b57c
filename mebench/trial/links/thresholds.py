"""The threshold of a detector, by benign streams that the owner's data makes."""

from __future__ import annotations

import math

import torch

from mebench.api.contract import Victim
from mebench.api.defence import OwnersData
from mebench.api.errors import ConfigurationError
from mebench.guard.defences import GuardedDetector
from mebench.results.detection import calibrated, highest
from mebench.toolkit.streams import BENIGN_STREAMS, CALIBRATION_STREAMS, stream_kinds
from mebench.trial.links.honest import scores_of

SHORTEST = 100
"""Queries of a benign stream."""
FEWEST_STREAMS = 10


def stream_length(rows: int, queries: int, false_positives: float = 0.0) -> int:
    """How long benign streams are: as long as an attack, but so that the data makes as many as its rate needs.

    That is `FEWEST_STREAMS` at least, and 1 / rate - 1 where that is more: 19 for one in twenty. Over how many clients
    an attack spreads does not matter: an owner does not know it, and sets one threshold for all.

    Args:
        rows: of the data.
        queries: of an attack.
        false_positives: the share of streams that may raise an alarm; 0 where none is given.
    """
    needed = math.ceil(1 / false_positives - 1e-9) - 1 if false_positives else FEWEST_STREAMS
    streams = max(FEWEST_STREAMS, min(needed, rows // SHORTEST))
    return max(SHORTEST, min(queries, rows // streams))


def calibrated_threshold(
    detector: GuardedDetector, victim: Victim, data: OwnersData, length: int, false_positives: float, name: str
) -> float:
    """The lowest threshold at which benign streams raise an alarm no more often than they may, whatever their kind.

    The data is cut into parts that share no input. Each makes one stream of every kind of
    `mebench.toolkit.streams.CALIBRATION_STREAMS` (of texts, of those that leave inputs as they are), and the highest
    threshold of all kinds is taken; see `mebench.results.detection.calibrated`. Skewed streams are drawn from all of
    the data, for a part that is asked whole has the classes that it has; so they share inputs, and are a little less
    sure.

    Args:
        detector: ready.
        victim: answers.
        data: benign inputs, on which the detector has learnt nothing.
        length: queries of a stream; see `stream_length`.
        false_positives: the share of streams, in [0, 1).
        name: of the detector, for the message.

    Raises:
        ConfigurationError: there are too few streams to tell such a share, or none had a score.
    """
    parts = len(data) // length
    if parts < FEWEST_STREAMS:
        raise ConfigurationError(
            f"detector {name}: {len(data)} benign inputs make {parts} streams of {length}; a threshold needs at least "
            f"{FEWEST_STREAMS}: give a larger `reserve`, half of which is for this, or a threshold"
        )
    kinds = [kind for kind in CALIBRATION_STREAMS if kind in stream_kinds(victim.spec.discrete)]
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)).to(data.labels.device)
    thresholds = []
    for kind in kinds:
        streams = (
            BENIGN_STREAMS[kind](data.inputs[rows], data.labels[rows], length, number)
            for number, part in enumerate(order.split(length)[:parts])
            for rows in [order if kind == "skewed" else part]
        )
        maxima = [highest(scores_of(detector, victim, stream)) for stream in streams]
        try:
            thresholds.append(calibrated(maxima, false_positives).threshold)
        except ValueError as error:
            text = f"{error}, and these have {length} queries: give a larger `reserve`, a larger budget or a threshold"
            raise ConfigurationError(f"detector {name}: {text}") from None
    return max(thresholds)
