"""What a network makes of its inputs before its last linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.api.errors import ConfigurationError


def with_features(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return a network's logits (B, c) and what goes into its last linear layer, (B, h). Since version 1.8.

    Both have a graph, where there is one.

    Raises:
        ConfigurationError: the network has no linear layer.
    """
    seen: list[Tensor] = []
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for layer in layers]
    try:
        logits: Tensor = network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise ConfigurationError(f"features: the clone, a {type(network).__name__}, has no linear layer")
    return logits, seen[-1].flatten(1)
