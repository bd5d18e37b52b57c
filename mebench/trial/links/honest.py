"""Honest clients of whom a detector is alarmed, at a threshold that was set on others: streams of the test set."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mebench.api.contract import Response, Victim
from mebench.api.defence import OwnersData
from mebench.api.progress import heartbeat
from mebench.guard.defences import GuardedDetector
from mebench.models.victims.outputs import all_answers
from mebench.results.detection import first_alarm
from mebench.toolkit.streams import BENIGN_STREAMS, mixed, stream_kinds

SHARES = (0.05, 0.3)
"""Of other things among what an honest client asks."""


def scores_of(detector: GuardedDetector, victim: Victim, stream: Tensor) -> list[float]:
    """The running scores of a client who asks these (L, \\*shape) queries in order."""
    heartbeat()
    probabilities = torch.softmax(all_answers(victim, stream), dim=1)
    return detector.client().score(stream, Response(probabilities.argmax(1), probabilities)).tolist()


def honest_streams(
    data: OwnersData, length: int, streams: int, discrete: bool, others: Tensor | None = None
) -> Iterator[tuple[str, Tensor]]:
    """Streams of honest clients with their kind, so many of each.

    The data is cut into parts that share no input; where there are more streams than parts, parts come again, with
    other draws. Skewed streams are drawn from all of the data, for a part has the classes that it has.

    Args:
        data: of N inputs, at least ``length``.
        length: queries of a stream.
        streams: of each kind.
        discrete: whether inputs are texts, for which there are fewer kinds.
        others: (M, \\*shape), things that the owner has none of; then there are clients who ask those, too.
    """
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(1)).to(data.labels.device)
    parts = order.split(length)[: max(len(data) // length, 1)]
    for kind in stream_kinds(discrete):
        for number in range(streams):
            rows = order if kind == "skewed" else parts[number % len(parts)]
            yield kind, BENIGN_STREAMS[kind](data.inputs[rows], data.labels[rows], length, 5000 + number)
    for share in SHARES if others is not None else ():
        assert others is not None
        for number in range(streams):
            rows = parts[number % len(parts)]
            own = BENIGN_STREAMS["iid"](data.inputs[rows], data.labels[rows], length, number)
            drawn = torch.randperm(len(others), generator=torch.Generator().manual_seed(number)).to(others.device)
            yield f"others, {share:.0%}", mixed(own, others[drawn], share, number)[:length]


def false_alarms(
    detector: GuardedDetector,
    threshold: float,
    victim: Victim,
    data: OwnersData,
    length: int,
    streams: int,
    others: Tensor | None = None,
) -> dict[str, dict[str, int]]:
    """Of how many honest streams of each kind a detector is alarmed; see `honest_streams`.

    Returns:
        By kind: ``streams``, ``alarms``, and ``watched``, the queries until the alarm or the end of each stream.
    """
    found: dict[str, dict[str, int]] = {}
    for kind, stream in honest_streams(data, length, streams, victim.spec.discrete, others):
        alarm = first_alarm(scores_of(detector, victim, stream), threshold)
        told = found.setdefault(kind, {"streams": 0, "alarms": 0, "watched": 0})
        told["streams"] += 1
        told["alarms"] += alarm is not None
        told["watched"] += len(stream) if alarm is None else alarm
    return found
