"""Units of one hidden layer beside the network that they are of."""

import pytest
import torch
from torch import nn
from toys import SPEC, convolutional

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.toolkit import HiddenLayer, HiddenUnits

WIDE = InputSpec((1, 4, 4), 3, low=-2.0, high=1.5)


def one_layer(spec, units, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(spec.size, units), nn.ReLU(), nn.Linear(units, spec.num_classes))


def units_of(network, rows):
    """Some of its units."""
    hidden, output = network[1], network[3]
    return HiddenUnits(hidden.weight[rows].double(), hidden.bias[rows].double(), output.weight[:, rows].double())


def known_of(network, point):
    """Its scores and its Jacobian at a point."""
    scores = network(point.float()[None])[0].double()
    (jacobian,) = torch.autograd.functional.jacobian(lambda x: network(x[None])[0], (point.float(),))
    return scores.detach(), jacobian.double()


@pytest.mark.parametrize("missing", [[], [0], [2, 5]])
def test_units_and_what_is_affine_make_the_network_where_the_others_do_not_switch(missing):
    network, spec = one_layer(WIDE, 7), WIDE
    with torch.no_grad():
        network[1].bias[missing] = 50.0  # on in all of the box
    kept = [row for row in range(7) if row not in missing]
    with torch.no_grad():
        units = units_of(network, kept)
    point = torch.rand(spec.size, generator=torch.Generator().manual_seed(1)).double()
    slope, constant = units.affine_rest(point, *known_of(network, point))
    clone = one_layer(spec, 12, seed=3)
    HiddenLayer(clone, spec).write(units, slope, constant)
    inputs = spec.low + torch.rand(200, *spec.shape) * (spec.high - spec.low)
    torch.testing.assert_close(clone(inputs), network(inputs), rtol=1e-4, atol=1e-3)


def test_without_room_for_all_units_the_strongest_are_written():
    clone, spec = one_layer(SPEC, SPEC.num_classes + 2), SPEC
    strengths = torch.tensor([1.0, 5.0, 0.1, 3.0], dtype=torch.float64)
    directions = torch.rand(4, spec.size, generator=torch.Generator().manual_seed(0)).double()
    units = HiddenUnits(directions, torch.zeros(4).double(), strengths.expand(spec.num_classes, 4))
    HiddenLayer(clone, spec).write(units, torch.zeros(10, spec.size).double(), torch.zeros(10).double())
    assert torch.equal(clone[1].weight[:2], directions[[1, 3]].float())
    assert torch.equal(clone[3].weight[:, :2], strengths[[1, 3]].float().expand(10, 2))


def test_nothing_but_an_affine_function_can_be_written():
    clone, slope, constant = one_layer(WIDE, 5), torch.randn(3, 16).double(), torch.randn(3).double()
    none = HiddenUnits(torch.zeros(0, 16).double(), torch.zeros(0).double(), torch.zeros(3, 0).double())
    HiddenLayer(clone, WIDE).write(none, slope, constant)
    inputs = WIDE.low + torch.rand(50, *WIDE.shape) * (WIDE.high - WIDE.low)
    torch.testing.assert_close(
        clone(inputs), inputs.flatten(1) @ slope.float().T + constant.float(), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    "clone", [one_layer(SPEC, SPEC.num_classes), convolutional(SPEC), nn.Sequential(nn.Flatten(), nn.Linear(64, 10))]
)
def test_a_clone_of_another_kind_or_without_room_is_refused(clone):
    with pytest.raises(ConfigurationError, match=r"clone: \{name: mlp, hidden:"):
        HiddenLayer(clone, SPEC)
