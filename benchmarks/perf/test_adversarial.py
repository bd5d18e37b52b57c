"""PGD on a batch against one input after the other, and the whole metric ``transfer``; LeNet-5 on 28 x 28 images.

python -m pytest benchmarks/perf/test_adversarial.py --benchmark-group-by=group
"""

from __future__ import annotations

import time

import pytest
import torch
from torch.nn import functional

from mebench.api.contract import InputSpec, Victim
from mebench.api.spec import Component
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry, NetworkEntry
from mebench.toolkit.adversarial import Limits, pgd
from mebench.trial.metrics.examination import Examination

SPEC = InputSpec((1, 28, 28), 10)
LIMITS = Limits(0.1, steps=10, step_size=0.025)
INPUTS, TESTS = 100, 1000


def lenet():
    return registry().get(NetworkEntry, "lenet5").call(SPEC)


def data(count):
    return torch.rand(count, *SPEC.shape), torch.randint(10, (count,))


def one_by_one(network, inputs, labels):
    """PGD straightforwardly: a loop over inputs, gradients to all parameters."""
    found = []
    for image, label in zip(inputs, labels, strict=True):
        point = (image + LIMITS.epsilon * (2 * torch.rand(image.shape) - 1)).clip(0, 1)
        for _ in range(LIMITS.steps):
            point = point.detach().clone().requires_grad_()
            functional.cross_entropy(network(point[None]), label[None]).backward()
            point = point.detach() + LIMITS.step_size * point.grad.sign()
            point = (image + (point - image).clip(-LIMITS.epsilon, LIMITS.epsilon)).clip(0, 1)
        found.append(point)
    return torch.stack(found)


@pytest.mark.cheap
@pytest.mark.parametrize("role", ["plain", "batched"])
def test_pgd(compare, role):
    network, (inputs, labels) = lenet(), data(INPUTS)
    generator = torch.Generator().manual_seed(0)

    def attack():
        if role == "plain":
            return one_by_one(network, inputs, labels)
        return pgd(network, inputs, labels, LIMITS, generator=generator)

    compare(f"PGD, {LIMITS.steps} steps, LeNet-5 28 x 28, {INPUTS} inputs", role, attack, rounds=3)


def test_transfer(benchmark, compare):
    """The metric with its defaults: FGSM, BIM and PGD, untargeted and targeted, 42 gradients of each input."""
    exam = Examination.of(Victim(lenet(), SPEC), *data(TESTS))
    clone = lenet()
    scores, asked = exam.score(clone), [Component("transfer", registry().get(MetricEntry, "transfer").resolve({}))]

    def measure():
        start = time.process_time()
        exam.complete(scores, clone, asked)
        benchmark.extra_info["cpu_seconds"] = time.process_time() - start

    compare(f"transfer, LeNet-5 28 x 28, {TESTS:,} inputs", "batched", measure, rounds=1, warmup_rounds=0)
