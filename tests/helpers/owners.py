"""What defences and recoveries are built from, in small."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from toys import SPEC, perceptron

from mebench import (
    DefenceEntry,
    InputSpec,
    OwnersContext,
    OwnersData,
    RandomStreams,
    RecoveryContext,
    RecoveryEntry,
    Response,
    Victim,
)
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.registry.catalogue import registry

CPU = torch.device("cpu")


def owners_context(spec: InputSpec = SPEC, *, key: bytes = b"k" * 32, seed: int = 0, network=None, rows: int = 64):
    """A victim with a few random inputs of the owner's."""
    draws = torch.Generator().manual_seed(8)
    inputs = torch.rand(rows, *spec.shape, generator=draws)
    if spec.discrete:
        inputs = (inputs * spec.high).to(spec.dtype)
    data = OwnersData(inputs, torch.randint(spec.num_classes, (rows,), generator=draws))
    made = network or (lambda number: perceptron(spec, number))
    victim = Victim(made(5), spec)
    return OwnersContext(spec, ProbabilityChannel(), victim, made, data, key, CPU, RandomStreams(seed, CPU))


def defence(name: str, context: OwnersContext | None = None, *, fitted: bool = True, **parameters):
    """A defence that ships with mebench, ready to answer."""
    context = context or owners_context()
    made = registry().get(DefenceEntry, name).call(context, given=parameters)
    if fitted:
        made.use(made.fit())
    return made


def recovery(
    name: str, mechanism=None, *, keeps_argmax: bool = True, spec: InputSpec = SPEC, seed: int = 0, truth=None, **given
):
    """A recovery that ships with mebench."""
    streams = RandomStreams(seed, CPU)
    context = RecoveryContext(spec, ProbabilityChannel(), CPU, streams, mechanism, keeps_argmax, truth=truth)
    return registry().get(RecoveryEntry, name).call(context, given=given)


def answers(rows: int = 100, classes: int = 10, concentration: float = 0.1, seed: int = 0) -> Tensor:
    """Dirichlet rows, (rows, classes) float32."""
    return torch.from_numpy(np.random.default_rng(seed).dirichlet([concentration] * classes, rows)).float()


def images(rows: int, spec: InputSpec = SPEC, seed: int = 1) -> Tensor:
    """Random images at 256 levels."""
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(256, (rows, *spec.shape), generator=draws) / 255


def response(probabilities: Tensor, explanation=None) -> Response:
    """An answer."""
    return Response(probabilities.argmax(1), probabilities, explanation)
