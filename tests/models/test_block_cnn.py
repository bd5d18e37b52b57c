"""The image network of the public-data framework: its sizes by hand, its layers, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from trials import resolved, tiny_trial

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.models.modes import frozen
from mebench.models.networks.block_cnn import block_cnn
from mebench.models.networks.build import build_network
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry, NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial


def built(shape=(1, 28, 28), classes=10, **parameters):
    return build_network(Component("block-cnn", parameters), InputSpec(shape, classes), 0)


def count(network):
    return sum(value.numel() for value in network.parameters())


def by_hand(shape, classes, channels, convolutions=2):
    """A convolution has 9 weights per pair of channels and a bias per output, batch norm two numbers per channel."""
    inputs, height, width = shape
    total = 0
    for outputs in channels:
        for _ in range(convolutions):
            total += 9 * inputs * outputs + outputs + 2 * outputs
            inputs = outputs
        height, width = height // 2, width // 2
    return total + inputs * height * width * classes + classes


@pytest.mark.parametrize(
    ("blocks", "channels", "total"),
    [(2, (32, 64), 96_746), (3, (32, 64, 128), 298_858), (4, (32, 64, 128, 256), 1_176_170)],
)
def test_the_three_complexities_have_the_parameters_of_hand_arithmetic(blocks, channels, total):
    assert count(built(blocks=blocks)) == total == by_hand((1, 28, 28), 10, channels)
    assert f"{total:,}" in block_cnn.__doc__
    layers = [layer.out_channels for layer in built(blocks=blocks).modules() if isinstance(layer, nn.Conv2d)]
    assert layers == [one for one in channels for _ in range(2)]


@pytest.mark.parametrize(("convolutions", "channels"), [(1, (4, 8)), (3, (4, 8))])
def test_colour_other_sizes_and_depths_have_the_parameters_of_hand_arithmetic(convolutions, channels):
    network = built((3, 32, 20), 43, blocks=2, convolutions=convolutions, width=4)
    assert count(network) == by_hand((3, 32, 20), 43, channels, convolutions)


def test_the_size_in_the_entrys_help_is_that_of_the_default():
    assert f"{count(built()):,}" in registry().get(NetworkEntry, "block-cnn").summary


@pytest.mark.parametrize("blocks", [2, 3, 4])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (1, 32, 32), (3, 32, 32)])
def test_every_complexity_takes_the_papers_images(blocks, shape):
    network = built(shape, 10, blocks=blocks, width=2)
    assert network(torch.rand(3, *shape)).shape == (3, 10)
    assert network.classifier.in_features == 2**blocks * (shape[1] // 2**blocks) ** 2


@pytest.mark.parametrize("mode", [True, False])
def test_it_is_the_stack_of_pytorchs_own_layers(mode):
    ours = built((3, 18, 12), 5, blocks=2, width=3, dropout=0.0)
    units = [(3, 3), (3, 3), (3, 6), (6, 6)]
    layers = [[nn.Conv2d(*unit, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(unit[1])] for unit in units]
    book = nn.Sequential(
        *(*layers[0], *layers[1], nn.MaxPool2d(2), nn.Dropout(0)),
        *(*layers[2], *layers[3], nn.MaxPool2d(2), nn.Dropout(0)),
        *(nn.Flatten(), nn.Linear(6 * 4 * 3, 5)),
    )
    book.load_state_dict(dict(zip(book.state_dict(), ours.state_dict().values(), strict=True)))
    inputs = torch.rand(4, 3, 18, 12)
    torch.testing.assert_close(ours.train(mode)(inputs), book.train(mode)(inputs))


def test_dropout_stands_behind_every_block_and_acts_in_training_only():
    network = built(blocks=2, width=2, dropout=0.5)
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]
    inputs = torch.rand(2, 1, 28, 28)
    assert not torch.equal(network(inputs), network(inputs))
    network.eval()
    assert torch.equal(network(inputs), network(inputs))


def test_batch_norm_normalises():
    """The program's is a learnt scale and shift: no statistics are ever updated there."""
    network = built(blocks=1, width=2)
    network(100 * torch.rand(8, 1, 28, 28))
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert all(layer.running_mean.abs().max() > 0 for layer in norms)


def test_the_input_gradient_of_frozen_weights_is_autograds():
    network = built(blocks=2, width=2).eval()
    leaf = torch.rand(2, 1, 28, 28, requires_grad=True)
    (expected,) = torch.autograd.grad(network(leaf).square().sum(), leaf)
    with frozen(network):
        (found,) = torch.autograd.grad(network(leaf).square().sum(), leaf)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("shape", "blocks"), [((1, 15, 28), 4), ((3, 28, 7), 3), ((1, 1, 1), 1)])
def test_an_image_too_small_for_the_blocks_is_one_clear_line(shape, blocks):
    with pytest.raises(ConfigurationError, match=rf"'block-cnn' of {blocks} blocks needs images of .* fewer blocks"):
        built(shape, blocks=blocks)


def test_the_smallest_images_are_taken_and_learnt_from_one_by_one():
    network = built((1, 8, 9), 3, blocks=3, width=2)
    network(torch.rand(1, 1, 8, 9)).sum().backward()
    assert all(value.grad.isfinite().all() for value in network.parameters())


def trial_with_it():
    """A tiny attack on a pool whose clone has dropout and batch norm."""
    clone = resolved(Component("block-cnn", {"blocks": 2, "width": 2, "dropout": 0.3}), NetworkEntry)
    quick = {"strategy": "uncertainty", "iterations": 2, "epochs": 2, "patience": 2, "batch_size": 10}
    pool = resolved(Component("fashion-mnist-10k", {"rows": [600, 680]}), DatasetEntry)
    spec = tiny_trial("activethief", "label", 60, parameters=quick, pool=pool, data_prior="problem-domain")
    return replace(spec, clone=clone)


def test_a_trial_that_was_stopped_ends_with_the_same_clone(tmp_path):
    spec = trial_with_it()
    whole, stopped = TrialFolder.of(tmp_path / "whole", spec), TrialFolder.of(tmp_path / "stopped", spec)
    assert run_trial(spec, whole) == "finished"
    for turns in (1, 1):
        left = iter([False] * turns + [True])
        assert run_trial(spec, stopped, should_stop=lambda left=left: next(left)) == "stopped"
    assert run_trial(spec, stopped) == "finished"
    assert stopped.result()["clone"] == whole.result()["clone"]
    assert stopped.result()["metrics"] == whole.result()["metrics"]
