"""Generator strategies that find the gradient with respect to the image itself, from explanations."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn

from mebench.api.contract import Oracle
from mebench.toolkit.strategies.generator import GeneratorStrategy, squash


class ImageGradientStrategy(GeneratorStrategy):
    """Generator steps along d L / d x, chained through the squashing; a subclass says how d L / d x is found."""

    @property
    def step_cost(self) -> int:
        """B: the answer and its explanation are one query."""
        return self._batch_size

    @abstractmethod
    def image_gradient(self, images: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return d L / d x of each image, (B, \\*shape)."""

    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return d L / d raw = tanh' * d L / d x (MEGEX, Proposition 2)."""
        with torch.enable_grad():
            raw = raw.requires_grad_()
            images = squash(raw, self._spec)
            (gradient,) = torch.autograd.grad(images, raw, self.image_gradient(images.detach(), oracle, clone))
        return gradient
