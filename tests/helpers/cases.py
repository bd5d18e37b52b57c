"""Victims, channels and references that the tests of explanations share."""

from __future__ import annotations

import copy

import torch
from toys import convolutional, oracle_of, perceptron, residual, seeded

from mebench.api.contract import InputSpec, Victim
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.entries import IntegratedGradientsParameters, SmoothGradParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, SmoothGradChannel

NETWORKS = [
    (perceptron, InputSpec((1, 8, 8), 10)),
    (convolutional, InputSpec((3, 7, 9), 3)),
    (residual, InputSpec((3, 8, 8), 100)),
    (residual, InputSpec((1, 6, 6), 3)),
]
CHANNELS = {
    "sg": lambda **options: SmoothGradChannel(SmoothGradParameters(samples=7, **options)),
    "ig": lambda **options: IntegratedGradientsChannel(IntegratedGradientsParameters(steps=7, **options)),
    "ig midpoint from grey": lambda **options: IntegratedGradientsChannel(
        IntegratedGradientsParameters(7, 0.5, "midpoint", **options)
    ),
}


def explained(make, spec, channel, rows=5):
    """A network, inputs, and the channel's answer to them."""
    network = make(spec)
    seeded(3)
    inputs = torch.rand(rows, *spec.shape)
    oracle, _ = oracle_of(network, channel, spec=spec)
    return network, inputs, oracle.query(inputs, explain=True)


def points_of(channel, network, spec, inputs):
    """The points that the channel averages over in its first answer, as a list of (B, *shape)."""
    channel.use_randomness(RandomStreams(0, torch.device("cpu")))
    points, _ = channel.points(Victim(network, spec), inputs)
    return list(points())


def jacobian(network, inputs, score="probability"):
    """Every class of every sample on its own, in float64, as (B, c, *shape)."""
    network = Victim(copy.deepcopy(network).double(), InputSpec(tuple(inputs.shape[1:]), 1))

    def scores(x):
        logits = network(x[None])[0]
        return torch.softmax(logits, 0) if score == "probability" else logits

    return torch.stack([torch.autograd.functional.jacobian(scores, x, vectorize=True) for x in inputs.double()])
