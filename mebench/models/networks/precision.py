"""``bf16: true`` of a profile: networks that compute in bfloat16 while they are trained."""

from __future__ import annotations

import types
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext
from mebench.api.errors import ConfigurationError


def trained_in_bf16(network: nn.Module) -> nn.Module:
    """Let a network compute in bfloat16 by autocast wherever it is in train mode; returns the network.

    Only its forward pass is inside: it returns float32, and what is made of that (losses, steps, explanations) stays
    in float32, as do parameters and state dict. In eval mode, in which a clone is scored and differentiated with
    respect to inputs, nothing changes.

    Raises:
        ConfigurationError: the network's forward pass is not its class's, as in TorchScript.
    """
    if "forward" in vars(network) or isinstance(network, torch.jit.ScriptModule):
        raise ConfigurationError(f"bf16: true cannot be for {type(network).__name__}, whose forward pass is its own")
    network.forward = types.MethodType(_forward, network)  # which a deep copy takes along
    return network


def as_trained(network: nn.Module, context: AttackContext) -> nn.Module:
    """Return a network of an attack's own, with `trained_in_bf16` where the trial asks for it."""
    return trained_in_bf16(network) if context.bf16 else network


def _forward(network: nn.Module, *inputs: Tensor) -> Any:
    forward = type(network).forward
    if not network.training:
        return forward(network, *inputs)
    with torch.autocast(inputs[0].device.type, torch.bfloat16):
        outputs: Tensor = forward(network, *inputs)
    return outputs.float()
