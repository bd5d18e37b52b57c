"""A response channel as the trial uses it: whatever its code does, the error names it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import InputSpec, Response, ResponseChannel, Victim
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component
from mebench.guard.call import Guard
from mebench.registry.catalogue import registry

PLAY = 1e-5
"""What rounding may add to a probability."""


def guarded_channel(component: Component, random: RandomStreams) -> ResponseChannel:
    """Build a channel, with every call of ``answer`` through a guard unless it ships with mebench.

    Raises:
        PluginFaultError: it cannot be built, or is no `ResponseChannel`.
    """
    entry, guard = registry().channel(component.name), Guard.of("channel", component.name)
    channel = guard.call("its constructor", guard.call("loading", entry.load), **entry.resolve(component.parameters))
    if not isinstance(channel, ResponseChannel):
        guard.fail(f"its constructor returned a {type(channel).__name__}, not a ResponseChannel")
    guard.call("use_randomness", channel.use_randomness, random)
    if guard.own:
        return channel
    answer = channel.answer

    def guarded(victim: Victim, inputs: Tensor, explain: bool) -> Response:
        inner = Guard(guard.who)  # what grad mode and the like are now is the asker's affair
        response = inner.call("answer", answer, victim, inputs, explain)
        problem = _problem(response, channel, victim.spec, len(inputs), explain)
        if problem:
            guard.fail(f"answer returned {problem}")
        return response

    channel.answer = guarded  # type: ignore[method-assign]
    return channel


def _problem(response: Any, channel: ResponseChannel, spec: InputSpec, rows: int, explain: bool) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if not isinstance(response, Response):
        return f"a {type(response).__name__}, not a Response"
    labels, probabilities = response.labels, response.probabilities
    if not isinstance(labels, Tensor) or labels.shape != (rows,) or labels.dtype != torch.int64:
        return f"labels that are no int64 tensor of shape ({rows},)"
    if rows and not 0 <= int(labels.min()) <= int(labels.max()) < spec.num_classes:
        return f"labels outside 0 to {spec.num_classes - 1}"
    shape = (rows, spec.num_classes)
    for word, values, low, high in (
        ("probability", probabilities, 0.0, 1.0),
        ("logit", response.logits, -math.inf, math.inf),
    ):
        if word in channel.gives and (problem := _of_classes(values, shape, low, high)):
            return f"{'probabilities' if word == 'probability' else 'logits'} {problem}"
    if explain and response.explanation is None:
        return "no explanation, which it says it gives"
    return ""


def _of_classes(values: Any, shape: tuple[int, int], low: float, high: float) -> str:
    """What is wrong with a number per row and class; empty if nothing is."""
    if not isinstance(values, Tensor) or values.shape != shape:
        return f"that are no tensor of shape {shape}"
    if values.dtype != torch.float32:
        return f"of type {values.dtype}, not float32"
    if values.requires_grad:
        return "with a graph back through the victim"
    if not bool(((values >= low - PLAY) & (values <= high + PLAY)).all()):  # false for NaN
        return "that are NaN" if bool(values.isnan().any()) else f"outside [{low:g}, {high:g}]"
    return ""
