"""A network with one hidden layer of ReLUs as a sum of units: read off somewhere, and written into a clone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError


@dataclass(frozen=True)
class HiddenUnits:
    """The function sum_i w_i relu(a_i x + b_i) of flat inputs x. Since version 1.8.

    Attributes:
        directions: a, (U, d).
        biases: b, (U,).
        effects: w, what they do to the c scores, (c, U).
    """

    directions: Tensor
    biases: Tensor
    effects: Tensor

    def affine_rest(self, point: Tensor, scores: Tensor, jacobian: Tensor) -> tuple[Tensor, Tensor]:
        """Return slope (c, d) and constant (c,) of the affine function that is missing to what is known of a point.

        It takes up units that never switch, and that a unit may be another one turned round.

        Args:
            point: (d,).
            scores: (c,), of the whole function there.
            jacobian: (c, d), likewise.
        """
        sums = self.directions @ point + self.biases
        slope = jacobian - (self.effects * (sums > 0)) @ self.directions
        return slope, scores - self.effects @ sums.relu() - slope @ point


class HiddenLayer:
    """The hidden layer of a clone, which functions are written into. Since version 1.8.

    Args:
        clone: linear, ReLU, linear, as the network ``mlp`` with one number of ``hidden``.
        spec: tells the classes c and the range of inputs.

    Raises:
        ConfigurationError: the clone is of another kind, or has no room for one unit beside c that hold what is affine.
    """

    def __init__(self, clone: nn.Module, spec: InputSpec) -> None:
        layers = [part for part in clone.modules() if not list(part.children())]
        kinds = [type(part) for part in layers if not isinstance(part, nn.Flatten)]
        linear = [part for part in layers if isinstance(part, nn.Linear)]
        classes = spec.num_classes
        if kinds != [nn.Linear, nn.ReLU, nn.Linear] or linear[0].out_features <= classes:
            wanted = f"{{name: mlp, hidden: [N]}} with N of the victim's units and {classes} more"
            raise ConfigurationError(f"the attack writes what it reads into one hidden layer: give `clone: {wanted}`")
        self._hidden, self._output = linear
        self._low, self._high, self._room = spec.low, spec.high, linear[0].out_features - classes

    @torch.no_grad()
    def write(self, units: HiddenUnits, slope: Tensor, constant: Tensor) -> None:
        """Make the clone a sum of units and an affine function, within the range of inputs.

        Units come first, the ones of largest effect where there is no room for all; then one for each class, which is
        always on there and holds what is affine.

        Args:
            units: any number of them.
            slope: (c, d).
            constant: (c,).
        """
        kept = units.effects.norm(dim=0).argsort(descending=True)[: self._room].sort().values
        count, end = len(kept), len(kept) + len(constant)
        lift = -torch.minimum(slope * self._low, slope * self._high).sum(1)
        for parameter in (*self._hidden.parameters(), *self._output.parameters()):
            parameter.zero_()
        self._hidden.weight[:count] = units.directions[kept].to(self._hidden.weight)
        self._hidden.bias[:count] = units.biases[kept].to(self._hidden.bias)
        self._output.weight[:, :count] = units.effects[:, kept].to(self._output.weight)
        self._hidden.weight[count:end] = slope.to(self._hidden.weight)
        self._hidden.bias[count:end] = lift.to(self._hidden.bias)
        self._output.weight[:, count:end] = torch.eye(len(constant)).to(self._output.weight)
        self._output.bias.copy_(constant - lift)
