"""The walk as a strategy, and the clone that its units are written into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, ConfigurationError, Learner, Oracle, QueryStrategy, Response
from mebench.toolkit import centred
from mebench_kink_walk import KinkWalkParameters
from mebench_kink_walk.walk import Walk


def build(context: AttackContext, parameters: KinkWalkParameters) -> Attack:
    """Build the attack; see ``mebench info kink-walk``.

    Raises:
        ConfigurationError: the channel does not explain every class by its gradient, or the clone cannot hold units.
    """
    channel = context.channel
    if "gradient" not in channel.gives or channel.explained_classes is not None:
        raise ConfigurationError(f"kink-walk: needs gradients of all classes (vg, white-box), not {channel.name}")
    on_logits = "logit" in channel.gives or getattr(channel, "score", "probability") == "logit"
    change = (1e-4 if on_logits else 1e-3) if parameters.change is None else parameters.change
    rank_one = 10 * change if parameters.rank_one is None else parameters.rank_one
    walk = Walk(change, rank_one, parameters.shortest, parameters.patience)
    return Attack(WalkStrategy(context, walk), UnitLearner(context, walk, on_logits))


class WalkStrategy(QueryStrategy):
    """Ask both ends of a line between two random corners, then what halves its segments.

    Args:
        context: gives the spec and the random stream ``corners``.
        walk: says what is to be asked.
    """

    def __init__(self, context: AttackContext, walk: Walk) -> None:
        self._spec, self._walk = context.spec, walk
        self._corners, self._device = context.random.torch("corners", "cpu"), context.device
        self._sizes = max(context.spec.shape[1:], default=1).bit_length()

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return (B, \\*shape) points; none once enough lines have brought nothing."""
        if self._walk.idle:
            self._walk.begin(self._line())
        return self._walk.wanted[: oracle.remaining].float().view(-1, *self._spec.shape).to(self._device)

    def _line(self) -> Tensor:
        """Two corners of the box, (2, d) float64; nearer to its middle where corners have saturated the victim."""
        low, high = self._spec.low, self._spec.high
        corners = torch.stack([self._corner(), self._corner()]).double().flatten(1)
        middle = (low + high) / 2
        return (middle + (corners - 0.5) * (high - low) * self._walk.reach).float().double()

    def _corner(self) -> Tensor:
        """Zeros and ones, (\\*shape): cells of one size, a share of them bright. Size and share are drawn.

        Sums over independent pixels are all alike, so that hardly a unit of a trained network switches between them.
        """
        share = torch.rand((), generator=self._corners)
        size = 2 ** int(torch.randint(self._sizes, (), generator=self._corners))
        cells = [-(-length // size) if axis else length for axis, length in enumerate(self._spec.shape)]
        bright = torch.rand(cells, generator=self._corners) < share
        for axis in range(1, len(cells)):
            bright = bright.repeat_interleave(size, axis).narrow(axis, 0, self._spec.shape[axis])
        return bright

    def diagnostics(self) -> Mapping[str, float | None]:
        """Units that are known, lines that were walked, and how far corners are from the middle, in (0, 1]."""
        walk = self._walk
        return {"units": float(len(walk.directions)), "lines": float(walk.lines), "reach": walk.reach}

    def state_dict(self) -> dict[str, Any]:
        """Where the walk is."""
        return self._walk.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._walk.load_state_dict(state)


class UnitLearner(Learner):
    """Hands answers to the walk, and writes what it knows into a clone with one hidden layer.

    Args:
        context: gives clone, spec and channel.
        walk: finds the units.
        on_logits: whether logits are explained, not probabilities.

    Raises:
        ConfigurationError: the clone is not one hidden layer of ReLUs with room for a unit.
    """

    passes = 1.0
    wants_explanations = True

    def __init__(self, context: AttackContext, walk: Walk, on_logits: bool) -> None:
        self.clone, self._walk, self._on_logits = context.clone, walk, on_logits
        self._floor = context.channel.probability_floor
        self._spec = context.spec
        layers = [part for part in context.clone.modules() if not list(part.children())]
        kinds = [type(part) for part in layers if not isinstance(part, nn.Flatten)]
        linear = [part for part in layers if isinstance(part, nn.Linear)]
        classes = context.spec.num_classes
        if kinds != [nn.Linear, nn.ReLU, nn.Linear] or linear[0].out_features <= classes:
            wanted = f"{{name: mlp, hidden: [N]}} with N of the victim's units and {classes} more"
            raise ConfigurationError(f"kink-walk: writes what it reads into one hidden layer: give `clone: {wanted}`")
        self._hidden, self._output = linear

    def learn(self, queries: Tensor, response: Response) -> None:
        """Hand the answers on, and write the clone anew where something was learnt."""
        assert response.probabilities is not None
        assert response.explanation is not None
        if not self._walk.asks(queries.flatten(1)):
            return
        answered = response.probabilities.double()
        jacobian = response.explanation.dense().double().flatten(2)
        if not self._on_logits:
            jacobian = jacobian / answered.clamp_min(self._floor).unsqueeze(2)
        told = answered.amin(1) > self._floor
        values = centred(answered.clamp_min(self._floor).log())
        if self._walk.answer(values, centred(jacobian), told):
            self._write()

    @torch.no_grad()
    def _write(self) -> None:
        """Units first; then one for each class that is always on and holds what is affine."""
        directions, biases, effects, slope, constant = self._walk.model()
        classes, room = len(constant), self._hidden.out_features - len(constant)
        kept = effects.norm(dim=0).argsort(descending=True)[:room].sort().values
        units, low, high = len(kept), self._spec.low, self._spec.high
        lift = -torch.minimum(slope * low, slope * high).sum(1)
        for parameter in (*self._hidden.parameters(), *self._output.parameters()):
            parameter.zero_()
        self._hidden.weight[:units] = directions[kept].to(self._hidden.weight)
        self._hidden.bias[:units] = biases[kept].to(self._hidden.bias)
        self._output.weight[:, :units] = effects[:, kept].to(self._output.weight)
        self._hidden.weight[units : units + classes] = slope.to(self._hidden.weight)
        self._hidden.bias[units : units + classes] = lift.to(self._hidden.bias)
        self._output.weight[:, units : units + classes] = torch.eye(classes).to(self._output.weight)
        self._output.bias.copy_(constant - lift)

    def state_dict(self) -> dict[str, Any]:
        """The clone; the walk is the strategy's."""
        return {"clone": self.clone.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
