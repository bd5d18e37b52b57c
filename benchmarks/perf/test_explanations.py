"""One ``vjp`` of each explanation channel against building every class's map and contracting it, LeNet-5.

The peak memory of a call, beyond what was there before, stands in ``extra_info`` of ``--benchmark-json``.

python -m pytest benchmarks/perf/test_explanations.py --benchmark-group-by=group
"""

from __future__ import annotations

import pytest
import torch
from memory import peak_growth

from mebench.api.contract import InputSpec, Victim
from mebench.oracle.channels.entries import IntegratedGradientsParameters, SmoothGradParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, SmoothGradChannel, VanillaGradientChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry

CHANNELS = {
    "vg": (VanillaGradientChannel, 64),
    "sg 25": (lambda: SmoothGradChannel(SmoothGradParameters(25)), 32),
    "ig 50": (lambda: IntegratedGradientsChannel(IntegratedGradientsParameters(50)), 32),
}
CASES = [
    pytest.param(kind, classes, marks=[pytest.mark.cheap] if kind == "vg" else [])
    for kind in CHANNELS
    for classes in (10, 100)
]


@pytest.mark.parametrize(("kind", "classes"), CASES)
@pytest.mark.parametrize("role", ["plain", "vjp"])
def test_explanation(benchmark, compare, role, kind, classes):
    make, batch = CHANNELS[kind]
    spec = InputSpec((1, 32, 32), classes)
    victim, channel = Victim(registry().get(NetworkEntry, "lenet5").call(spec), spec), make()
    inputs, weights = torch.rand(batch, 1, 32, 32), torch.randn(batch, classes)

    def explain():
        explanation = channel.answer(victim, inputs, explain=True).explanation
        if role == "vjp":
            return explanation.vjp(weights)
        return torch.einsum("bc,bc...->b...", weights, explanation.dense())

    benchmark.extra_info["peak_bytes"] = peak_growth(explain)
    rounds = 5 if role == "vjp" or kind == "vg" else 1
    group = f"explanation {kind}, {classes} classes, B={batch}"
    compare(group, role, explain, rounds, warmup_rounds=1 if rounds > 1 else 0)
