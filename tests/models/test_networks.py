"""Networks: sizes, reference architectures, and initial weights that depend on the seed alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.data.torchvision_compat import import_torchvision
from mebench.models.networks.build import build_network
from mebench.models.networks.entries import NETWORKS

SMALL = {
    "resnet8": {"width": 4},
    "resnet18": {"width": 4},
    "resnet34": {"width": 4},
    "small-cnn": {"width": 4},
    "plain-cnn": {"width": 4},
    "block-cnn": {"width": 4},
    "mlp": {"hidden": [8, 8]},
}


IMAGES = [entry.name for entry in NETWORKS if entry.inputs == "images"]


def parameters(network):
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize(
    ("name", "channels", "size", "count"),
    [
        ("lenet5", 1, 32, 61_706),
        ("small-cnn", 1, 28, 241_898),
        ("plain-cnn", 1, 28, 169_546),
        ("block-cnn", 1, 28, 298_858),
        ("resnet8", 1, 32, 77_754),
        ("resnet18", 3, 32, 11_173_962),
        ("resnet34", 3, 32, 21_282_122),
    ],
)
def test_parameter_counts_are_those_of_the_reference(name, channels, size, count):
    assert parameters(build_network(Component(name), InputSpec((channels, size, size), 10), 0)) == count


def test_every_registered_network_for_images_is_tried_here():
    assert set(IMAGES) == {"lenet5", "small-cnn", "plain-cnn", "block-cnn", "resnet8", "resnet18", "resnet34", "mlp"}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 17, 45), (3, 64, 20)])
@pytest.mark.parametrize("classes", [2, 100])
def test_any_image_size_and_number_of_classes_trains(name, shape, classes):
    network = build_network(Component(name, SMALL.get(name, {})), InputSpec(shape, classes), 0)
    logits = network(torch.rand(2, *shape))
    assert logits.shape == (2, classes)
    logits.square().sum().backward()
    assert all(value.grad is not None and value.grad.isfinite().all() for value in network.parameters())


def test_lenet5_at_its_own_size_is_the_textbook_stack():
    network = build_network(Component("lenet5"), InputSpec((1, 32, 32), 10), 3)
    book = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 120, 5), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    book.load_state_dict(dict(zip(book.state_dict(), network.state_dict().values(), strict=True)))
    inputs = torch.rand(4, 1, 32, 32)
    torch.testing.assert_close(network(inputs), book(inputs))


def test_lenet5_centres_a_28_pixel_digit_in_32():
    small = build_network(Component("lenet5"), InputSpec((1, 28, 28), 10), 3)
    large = build_network(Component("lenet5"), InputSpec((1, 32, 32), 10), 3)
    digit = torch.rand(2, 1, 28, 28)
    centred = torch.zeros(2, 1, 32, 32)
    centred[:, :, 2:30, 2:30] = digit
    torch.testing.assert_close(small(digit), large(centred))


def test_lenet5_has_no_batch_norm():
    network = build_network(Component("lenet5"), InputSpec((1, 32, 32), 10), 0)
    assert not list(network.buffers())


@pytest.mark.parametrize(
    ("convolutions", "features", "count"), [(1, 4 * 14 * 14, 7_954), (3, 16 * 4 * 4, 6_698), (6, 16 * 1 * 1, 23_546)]
)
def test_plain_cnn_has_as_many_convolutions_as_asked_for_and_each_halves_the_map(convolutions, features, count):
    parts = {"convolutions": convolutions, "width": 4}
    network = build_network(Component("plain-cnn", parts), InputSpec((1, 28, 28), 10), 0)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [4, 8, 16, 16, 16, 16][:convolutions]
    assert network.classifier.in_features == features
    assert parameters(network) == count


@pytest.mark.parametrize("convolutions", [1, 3, 4, 6])
@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 4, 5), (3, 32, 32)])
def test_plain_cnn_of_any_depth_takes_small_and_large_images(convolutions, shape):
    network = build_network(Component("plain-cnn", {"convolutions": convolutions, "width": 2}), InputSpec(shape, 3), 0)
    logits = network(torch.rand(2, *shape))
    assert logits.shape == (2, 3)
    assert not list(network.buffers())


@pytest.mark.parametrize(("name", "blocks"), [("resnet18", [2, 2, 2, 2]), ("resnet34", [3, 4, 6, 3])])
def test_resnets_equal_torchvisions_with_a_small_stem(name, blocks):
    ours = build_network(Component(name), InputSpec((3, 32, 32), 10), 0).eval()
    kind = import_torchvision().models.resnet
    theirs = kind.ResNet(kind.BasicBlock, blocks, num_classes=10)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    inputs = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(ours(inputs), theirs.eval()(inputs))


def test_resnet_convolutions_start_with_kaimings_fan_out_variance():
    network = build_network(Component("resnet18"), InputSpec((3, 32, 32), 10), 0)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 10_000:
            fan_out = module.out_channels * module.kernel_size[0] ** 2
            assert module.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)


def test_the_seed_alone_decides_initial_weights_and_the_global_stream_is_untouched():
    spec = InputSpec((1, 32, 32), 10)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = build_network(Component("lenet5"), spec, 7).state_dict()
    assert torch.equal(torch.rand(3), expected)
    second = build_network(Component("lenet5"), spec, 7).state_dict()
    other = build_network(Component("lenet5"), spec, 8).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["conv1.weight"], other["conv1.weight"])


@pytest.mark.parametrize("name", ["lenet5", "small-cnn", "plain-cnn", "block-cnn", "resnet8", "resnet18", "resnet34"])
def test_inputs_that_are_no_images_are_an_error_that_names_the_network(name):
    with pytest.raises(ConfigurationError, match=f"{name}.*shape \\(20,\\)"):
        build_network(Component(name), InputSpec((20,), 2), 0)


def test_an_unknown_parameter_is_an_error():
    with pytest.raises(ConfigurationError, match=r"widht: resnet18 has no such parameter\. Did you mean 'width'"):
        build_network(Component("resnet18", {"widht": 4}), InputSpec((3, 32, 32), 2), 0)
