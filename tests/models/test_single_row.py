"""Clones with batch norm are trained on the single row that may be left of a budget."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn
from trials import resolved, tiny_trial

from mebench.api.contract import InputSpec
from mebench.api.spec import Component
from mebench.models.networks.build import build_network
from mebench.models.networks.single_row import trainable_on_single_rows
from mebench.registry.entries import NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

SPEC = InputSpec((1, 8, 8), 10)
RESNET = Component("resnet18", {"width": 2})  # whose last stage is 1 x 1 for images of 8 x 8


def resnet() -> nn.Module:
    return build_network(RESNET, SPEC, 3).train()


def test_a_single_row_is_normalised_by_running_statistics_and_gives_gradients():
    network, row = resnet(), torch.rand(1, *SPEC.shape)
    network(torch.rand(5, *SPEC.shape))  # so that the statistics are others than at the start
    network(row).logsumexp(1).sum().backward()
    assert all(bool(value.grad.isfinite().all()) for value in network.parameters())
    assert network.training


@pytest.mark.parametrize(
    ("norm", "shape"),
    [(nn.BatchNorm1d(3), (1, 3)), (nn.BatchNorm2d(3), (1, 3, 1, 1)), (nn.BatchNorm3d(3), (1, 3, 1, 1, 1))],
)
def test_a_norm_of_one_value_per_channel_does_in_train_mode_what_it_does_in_eval_mode(norm, shape):
    norm.running_mean.copy_(torch.tensor([0.5, -1.0, 2.0]))
    norm.running_var.copy_(torch.tensor([4.0, 0.25, 1.0]))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        copy.deepcopy(norm)(torch.rand(shape))
    trainable_on_single_rows(norm)
    inputs, before = torch.rand(shape), copy.deepcopy(norm.state_dict())
    outputs = norm.train()(inputs)
    assert torch.equal(outputs, norm.eval()(inputs))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_batches_of_more_rows_are_normalised_as_torch_does_it_to_the_last_bit():
    ours = trainable_on_single_rows(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))).train()
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).train()
    plain.load_state_dict(ours.state_dict())
    for rows in (7, 1, 2):  # one row has 36 values per channel
        inputs = torch.rand(rows, *SPEC.shape)
        assert torch.equal(ours(inputs), plain(inputs))
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in ours.state_dict().items())


def test_norms_without_running_statistics_and_subclasses_stay_what_they_are():
    class Own(nn.BatchNorm2d):
        pass

    own, bare = Own(3), nn.BatchNorm2d(3, track_running_stats=False)
    trainable_on_single_rows(nn.Sequential(own, bare)).train()
    for norm in (own, bare):
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            norm(torch.rand(1, 3, 1, 1))


def test_a_network_can_be_copied_and_pickled():
    network, row = resnet(), torch.rand(1, *SPEC.shape)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(row), network(row))


@pytest.mark.parametrize(
    ("attack", "channel", "parameters"),
    [
        ("noise", "probability", {"batch_size": 16}),
        ("random-pool", "label", {"rounds": 1, "epochs": 1, "batch_size": 16}),
    ],
)
def test_a_budget_that_leaves_one_query_is_spent_to_the_end(tmp_path, attack, channel, parameters):
    pool = Component("fashion-mnist-10k", {"rows": [600, 700]}) if attack == "random-pool" else None
    spec = tiny_trial(attack, channel, 17, parameters=parameters, pool=pool, evaluations=1)
    spec = replace(spec, clone=resolved(RESNET, NetworkEntry))
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    assert folder.result()["ledger"]["spent"] == 17
