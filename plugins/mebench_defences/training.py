"""Training an auxiliary network on the owner's data, the same for the same data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mebench import ConfigurationError, OwnersContext, OwnersData
from mebench.toolkit import to_device
from mebench_defences.parameters import TrainedParameters

WEIGHT_DECAY = 5e-4
ROWS = 1024

Loss = Callable[[Tensor, Tensor], Tensor]
"""A number of (B, c) logits and the rows of the targets."""


def data_of(context: OwnersContext) -> OwnersData:
    """Return the owner's data.

    Raises:
        ConfigurationError: there is none.
    """
    if context.data is None or not len(context.data):
        raise ConfigurationError("it learns from the owner's own data, and there is none")
    return context.data


def fitted(
    context: OwnersContext, targets: Tensor, loss: Loss, parameters: TrainedParameters, *, decays_over: int
) -> dict[str, Any]:
    """Train a new network on the owner's inputs with SGD (Nesterov momentum 0.9, weight decay 5e-4).

    Args:
        context: gives the network and the inputs.
        targets: a row for each of the owner's inputs.
        loss: what is made small.
        parameters: epochs, rate, rows of a step, and the seed.
        decays_over: epochs after which the rate, which falls as a cosine, would be 0.

    Returns:
        The network's state dict, on the CPU.
    """
    inputs, seed = data_of(context).inputs, parameters.network_seed
    with torch.random.fork_rng(devices=[context.device] if context.device.type == "cuda" else []):
        torch.manual_seed(seed)  # for networks with dropout
        network = context.new_network(seed).to(context.device).train()
        order = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.SGD(
            network.parameters(), parameters.rate, momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, decays_over)
        for _ in range(parameters.epochs):
            for rows in torch.randperm(len(inputs), generator=order).split(parameters.batch_size):
                if len(rows) > 1 or len(inputs) == 1:  # batch norm needs two
                    _step(network, optimizer, inputs[rows], targets[rows], loss, context.device)
            schedule.step()
    return {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}


def _step(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    loss: Loss,
    device: torch.device,
) -> None:
    value = loss(network(to_device(inputs, device)), to_device(targets, device))
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    optimizer.step()


def used(context: OwnersContext, state: dict[str, Any], seed: int) -> nn.Module:
    """Return the network of a `fitted` state, in eval mode."""
    network = context.new_network(seed).to(context.device)
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def victims_answers(context: OwnersContext) -> Tensor:
    """Return the victim's probabilities on the owner's inputs, (N, c) on the CPU."""
    with torch.no_grad():
        parts = [
            torch.softmax(context.victim(to_device(rows, context.device)), dim=1).cpu()
            for rows in data_of(context).inputs.split(ROWS)
        ]
    return torch.cat(parts)
