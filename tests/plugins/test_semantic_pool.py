"""A pool whose classes are public: what is drawn of it, and where its classes are a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from make_results import make_spec
from mebench_semantic_pool import SemanticPoolParameters
from mebench_semantic_pool.strategy import class_weights, strategy, weighted_order
from toys import SPEC, context_of, oracle_of, perceptron, pool_of

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.data.dataset import Dataset
from mebench.data.datasets import load_pool
from mebench.data.pools import DatasetPool
from mebench.oracle.channels.answers import LabelChannel


def pool(public=True, count=300) -> DatasetPool:
    images = torch.randint(256, (count, *SPEC.shape), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    return DatasetPool(Dataset("toy", images, torch.arange(count) % 3, 3, "made"), public=public)


def drawn(given, budget=60, seed=0, **parameters):
    """The classes of what is asked."""
    context = context_of(LabelChannel(), perceptron(), budget, seed=seed, pool=given)
    made = strategy(context, SemanticPoolParameters(rounds=1, **parameters))
    return given.classes[made._order], made


def test_draws_are_in_proportion_to_weights():
    weights = torch.tensor([1.0, 2.0, 0.0, 5.0], dtype=torch.float64)
    random = torch.Generator().manual_seed(0)
    orders = torch.stack([weighted_order(weights, random) for _ in range(4000)])
    assert orders.shape == (4000, 3)
    first = torch.bincount(orders[:, 0], minlength=4) / 4000
    assert torch.allclose(first, torch.tensor([1, 2, 0, 5]) / 8, atol=0.03)
    given_3 = orders[orders[:, 0] == 3][:, 1]
    assert (given_3 == 1).float().mean() == pytest.approx(2 / 3, abs=0.04)


def test_likeness_is_scaled_to_lie_between_0_and_1_or_left_as_it_is():
    assert class_weights(SemanticPoolParameters(weights=(0.2, 0.3, 0.7))).tolist() == pytest.approx([0, 0.2, 1])
    assert class_weights(SemanticPoolParameters(weights=(0.2, 0.2))).tolist() == [1, 1]
    assert class_weights(SemanticPoolParameters(weights=(0.2, 3.0), scaling="none")).tolist() == [0.2, 3.0]
    with pytest.raises(ConfigurationError, match="below 0"):
        class_weights(SemanticPoolParameters(weights=(-0.2, 3.0), scaling="none"))


def test_unlike_classes_are_asked_less_and_the_least_like_not_at_all():
    classes, _ = drawn(pool(), weights=(0.0, 0.2, 1.0))
    counts = torch.bincount(classes, minlength=3)
    assert len(classes) == 60
    assert counts[0] == 0
    assert counts[2] > 3 * counts[1] > 0
    assert not torch.equal(drawn(pool(), seed=1, weights=(0.0, 0.2, 1.0))[0], classes)


def test_without_weights_it_is_the_random_pool():
    context = context_of(LabelChannel(), perceptron(), 60, pool=pool_of(100))
    order = torch.randperm(100, generator=context_of(LabelChannel(), perceptron()).random.torch("pool", "cpu"))
    assert torch.equal(strategy(context, SemanticPoolParameters())._order, order[:60])


def test_a_pool_that_runs_out_of_likely_rows_ends_the_trial():
    given = pool(count=30)
    _, made = drawn(given, weights=(1.0, 0.0, 0.0))
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), 60)
    assert len(made.propose(oracle, perceptron())) == 10
    assert len(made.propose(oracle, perceptron())) == 0
    assert ledger.spent == 0


@pytest.mark.parametrize(("given", "said"), [(pool(False), "prior is public"), (pool(), "3 classes or more")])
def test_classes_that_are_not_told_or_have_no_weight_are_an_error(given, said):
    context = context_of(LabelChannel(), perceptron(), 60, pool=given)
    with pytest.raises(ConfigurationError, match=said):
        strategy(context, SemanticPoolParameters(weights=(0.0, 1.0)))


def test_a_pool_of_which_nothing_has_a_weight_is_an_error():
    context = context_of(LabelChannel(), perceptron(), 60, pool=pool())
    with pytest.raises(ConfigurationError, match="no input of the pool"):
        strategy(context, SemanticPoolParameters(weights=(0.0, 0.0, 0.0), scaling="none"))


def test_classes_stay_public_or_secret_on_another_device():
    assert torch.equal(pool().to("cpu").classes, torch.arange(300) % 3)
    assert pool(False).to("cpu").classes is None


@pytest.mark.parametrize(
    ("victims", "prior", "told"),
    [
        ("mnist", "public", True),
        ("mnist", "problem-domain", False),
        ("fashion-mnist-10k", "public", False),
        ("fashion-mnist", "public", False),
    ],
)
def test_a_trial_tells_the_classes_of_public_pools_alone_and_never_of_the_victims_own_data(victims, prior, told):
    spec = make_spec(pool=Component("fashion-mnist-10k", {"rows": [0, 20]}), data_prior=prior)
    spec = replace(spec, victim=replace(spec.victim, data=Component(victims, {})))
    assert (load_pool(spec, None).classes is not None) == told
