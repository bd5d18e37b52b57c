"""A learner with two heads on one trunk: the clone's last layer, and a decoder of the victim's map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, Response
from mebench.toolkit import ExplainedFitLearner, UpsamplingGenerator, evaluating, seeded, with_features
from mebench_map_head import MapHeadParameters


class MapHeadLearner(ExplainedFitLearner):
    r"""Descend cross-entropy to the answers plus the weighted distance of decoded maps to the victim's.

    Of each answer the explanation of its label is kept, divided by its largest absolute value. A decoder, anew in
    every fit, tells it from what goes into the clone's last linear layer. No gradient of the clone with respect to its
    input is taken, so that a step costs little more than one without maps, and maps need be no gradients: signs may be
    missing, values rounded.

    Args:
        context: gives the clone, and the random streams ``learner`` and ``decoder``.
        parameters: of the fit and of the second head.

    Raises:
        ConfigurationError: the clone has no linear layer.
    """

    def __init__(self, context: AttackContext, parameters: MapHeadParameters) -> None:
        super().__init__(context, parameters, parameters.map_weight > 0)
        self._context, self._head = context, parameters
        self._draws = context.random.torch("decoder", "cpu")
        example = torch.zeros(1, *context.spec.shape, device=context.device)
        with torch.no_grad(), evaluating(self.clone):
            self._features = with_features(self.clone, example)[1].shape[1]
        self._decoder: nn.Module = nn.Identity()

    def kept_of(self, response: Response) -> Sequence[Tensor]:
        """The map of each label."""
        return (self.map_of(response),)

    def map_of(self, response: Response) -> Tensor:
        """Return the explanation of each label, (B, \\*shape), its largest absolute value 1; 0 where all of it is."""
        assert response.explanation is not None
        label = functional.one_hot(response.labels, self._context.spec.num_classes).float()
        found = response.explanation.vjp(label)
        found = found.abs() if self._head.maps == "absolute" else found
        largest = found.flatten(1).abs().amax(1).clamp_min(torch.finfo(found.dtype).tiny)
        scaled: Tensor = found / largest.view(-1, *[1] * (found.ndim - 1))
        return scaled

    def refit(self) -> None:
        """Fit the clone and a new decoder on all that is known."""
        if self.wants_explanations:
            with seeded(self._draws):
                spec, width = self._context.spec, self._head.decoder_width
                self._decoder = UpsamplingGenerator(spec, self._features, width, affine=True).to(self._context.device)
        super().refit()
        self._decoder = nn.Identity()

    def make_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser of a fit, over both heads."""
        optimizer = super().make_optimizer()
        if own := list(self._decoder.parameters()):
            optimizer.add_param_group({"params": own})
        return optimizer

    def explained_loss(self, queries: Tensor, targets: Tensor, kept: Sequence[Tensor], done: float) -> Tensor:
        """Return cross-entropy plus the weighted distance of maps, a scalar."""
        logits, features = with_features(self.clone, queries)
        told: Tensor = self._decoder(features)
        distance = (told - kept[0]).square().mean() / self.scale
        return functional.cross_entropy(logits, targets) + self._head.map_weight * distance
