"""What the watches share: a stream is taken query by query, whatever batches it comes in."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from mebench import ClientWatch, ConfigurationError, OwnersContext, OwnersData, Response


class QueryByQuery(ClientWatch):
    """Scores each query by itself, so that batches cannot matter."""

    def score(self, queries: Tensor, response: Response) -> Tensor:
        """As the contract says."""
        rows = queries.detach()
        scores = [self.next(rows[row : row + 1], label) for row, label in enumerate(response.labels.tolist())]
        return torch.tensor(scores, dtype=torch.float64)

    @abstractmethod
    def next(self, query: Tensor, label: int) -> float:
        """Take note of one query, (1, \\*shape), and return the score after it; NaN for none."""


def values_of(query: Tensor) -> Tensor:
    """The values of one query in a row, (d,) on the CPU."""
    return query.flatten().cpu()


@torch.no_grad()
def each_alone(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return (N, c) outputs, computed one by one: beside other rows the last digits of a row may differ."""
    return torch.cat([network(row) for row in inputs.split(1)])


def owners_data(context: OwnersContext, name: str, fewest: int = 20) -> OwnersData:
    """Return the owner's data, on the device of the context.

    Raises:
        ConfigurationError: there are none, or too few.
    """
    data = context.data
    if data is None or len(data) < fewest:
        had = "none" if data is None else f"{len(data)}"
        raise ConfigurationError(f"{name}: needs {fewest} inputs of the owner's own, and there are {had}")
    return OwnersData(data.inputs.to(context.device), data.labels.to(context.device))


def halves(data: OwnersData, seed: int = 0) -> tuple[OwnersData, OwnersData]:
    """Return the data in two halves, in a random order: one to learn from, one to see how it is on others."""
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed)).to(data.labels.device)
    parts = order.chunk(2)
    return OwnersData(data.inputs[parts[0]], data.labels[parts[0]]), OwnersData(
        data.inputs[parts[1]], data.labels[parts[1]]
    )


def parts_of(state: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of a network's state, on the CPU, no longer shared with it."""
    return {name: value.detach().cpu().clone() for name, value in state.items()}
