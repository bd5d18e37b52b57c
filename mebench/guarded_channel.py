"""A response channel as the trial uses it: whatever its code does, the error names it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mebench.api import InputSpec, Response, ResponseChannel, Victim
from mebench.guard import Guard
from mebench.plugins import registry
from mebench.randomness import RandomStreams
from mebench.spec import Component


def guarded_channel(component: Component, random: RandomStreams) -> ResponseChannel:
    """Build a channel, with every call of ``answer`` through a guard unless it ships with mebench.

    Raises:
        PluginFaultError: it cannot be built, or is no `ResponseChannel`.
    """
    entry, guard = registry().channel(component.name), Guard.of("channel", component.name)
    channel = guard.call("its constructor", guard.call("loading", entry.load), **component.parameters)
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
    """What is wrong with an answer, by its shapes alone; empty if nothing is."""
    if not isinstance(response, Response):
        return f"a {type(response).__name__}, not a Response"
    labels, probabilities = response.labels, response.probabilities
    if not isinstance(labels, Tensor) or labels.shape != (rows,) or labels.dtype != torch.int64:
        return f"labels that are no int64 tensor of shape ({rows},)"
    if "probability" in channel.gives and (
        not isinstance(probabilities, Tensor) or probabilities.shape != (rows, spec.num_classes)
    ):
        return f"probabilities that are no tensor of shape ({rows}, {spec.num_classes})"
    if explain and response.explanation is None:
        return "no explanation, which it says it gives"
    return ""
