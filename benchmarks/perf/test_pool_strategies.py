"""What choosing among a pool costs: greedy k-center over 100,000 points, DeepFool over some hundred images.

python -m pytest benchmarks/perf/test_pool_strategies.py --benchmark-group-by=group
"""

from __future__ import annotations

import copy
import functools

import naive
import pytest
import torch
from memory import peak_growth
from torch.nn import functional

from mebench.api.contract import InputSpec
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.models.networks.build import build_network
from mebench.toolkit.boundary import deepfool
from mebench.toolkit.strategies.k_center import k_center

POOL = 100_000
IMAGES = 300


@functools.cache
def points(width):
    """Class probabilities of an unsure clone (width 10), or features that 16 directions explain but for noise."""
    random = torch.Generator().manual_seed(0)
    if width == 10:
        return torch.softmax(2 * torch.randn(POOL, width, generator=random), 1)
    mix = torch.randn(POOL, 16, generator=random) @ torch.randn(16, width, generator=random) / 4
    return torch.relu(mix.add_(torch.randn(POOL, width, generator=random), alpha=0.3))


@pytest.mark.parametrize(
    ("width", "picks"), [pytest.param(10, 500, marks=pytest.mark.cheap), pytest.param(512, 200, id="512")]
)
@pytest.mark.parametrize("role", ["plain", "lazy blocks"])
def test_k_center(benchmark, compare, role, width, picks):
    pool = points(width)
    if role == "plain":
        run = functools.partial(naive.k_center, pool.numpy(), pool[:1].numpy(), picks)
    else:
        run = functools.partial(k_center, pool, pool[:1], picks)
        benchmark.extra_info["peak_bytes"] = peak_growth(run)
    found = compare(f"k-center, {POOL} points of {width}, {picks} picks", role, run, 1 if role == "plain" else 3, 0)
    assert len(set(map(int, found))) == picks


@functools.cache
def lenet():
    """LeNet-5 after two epochs on embedded images, and images that it has not seen."""
    spec = InputSpec((1, 32, 32), 10)
    network = build_network(Component("lenet5", {}), spec, 0)
    data = load_dataset(Component("fashion-mnist-10k", {}), "train")
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for _ in range(2):
        for rows in torch.arange(4000).split(50):
            optimizer.zero_grad()
            functional.cross_entropy(network(data.inputs(rows, (32, 32))), data.labels[rows]).backward()
            optimizer.step()
    return network.eval(), data.inputs(torch.arange(5000, 5000 + IMAGES), (32, 32))


@pytest.mark.cheap
@pytest.mark.parametrize("role", ["plain", "batched"])
def test_deepfool(compare, role):
    network, images = lenet()

    def one_by_one():
        return [naive.deepfool(network, image) for image in images.split(1)]

    def batched():
        return deepfool(network, images)

    run = one_by_one if role == "plain" else batched
    rounds = {"rounds": 1 if role == "plain" else 5, "warmup_rounds": 0 if role == "plain" else 1}
    compare(f"DeepFool, LeNet-5, {IMAGES} images", role, run, **rounds)


def test_both_ways_find_the_same():
    """In float64: in float32 an image may need one step more that hardly moves it."""
    network, images = copy.deepcopy(lenet()[0]).double(), lenet()[1][:40].double()
    expected = torch.tensor([naive.deepfool(network, image) for image in images.split(1)], dtype=torch.float64)
    found = deepfool(network, images)
    torch.testing.assert_close(found.norms, expected[:, 0])
    assert found.steps.tolist() == expected[:, 1].tolist()
    pool = points(10)[:2000]
    assert k_center(pool, pool[:1], 50).tolist() == naive.k_center(pool.double().numpy(), pool[:1].double().numpy(), 50)
