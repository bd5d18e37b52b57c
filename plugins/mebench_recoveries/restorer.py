"""The restorer of D-DAE+: a small network that has learnt to undo a defence at home (Chen et al.; Tang et al.)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mebench import Recovery, RecoveryContext, Response
from mebench_recoveries.at_home import made_up
from mebench_recoveries.parameters import RestorerParameters

WIDTHS = (128, 64)
SLOPE = 0.2
HELD_OUT = 10
"""One made-up answer in so many is not trained on."""
NEARER = 0.9
"""Share of the answers' distance that a network may leave of them to be used."""


class Restorer(Recovery):
    """Learns from what a network makes of the answers; it was trained on made-up answers and their defended forms.

    Where the defence keeps the most probable class, that class stands first in what the network sees and restores, and
    what is restored has it. A tenth of what was made up is kept from training: where the network is hardly nearer to it
    than the defended answers are, or without a mechanism that can be computed at home, answers are left as they are.

    Args:
        context: gives mechanism, number of classes and device.
        parameters: the made-up answers, and how the network is trained.
    """

    def __init__(self, context: RecoveryContext, parameters: RestorerParameters) -> None:
        self._ordered = context.keeps_argmax
        self._network: nn.Module | None = None
        if context.mechanism is not None:
            seed = context.random.seed
            clean = made_up(parameters.rows, context.spec.num_classes, seed).to(context.device)
            told, labels = context.mechanism(clean), clean.argmax(1)
            kept, held = slice(parameters.rows // HELD_OUT, None), slice(parameters.rows // HELD_OUT)
            seen, wanted = self._turned(told, labels), self._turned(clean, labels)
            self._network = trained(seen[kept], wanted[kept], parameters, seed)
            restored = self._restored(told[held], labels[held])
            if _distance(restored, clean[held]) > NEARER * _distance(told[held], clean[held]):
                self._network = None

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return restored probabilities (B, c)."""
        if self._network is None or response.probabilities is None or not len(response):
            return response
        restored = self._restored(response.probabilities, response.labels)
        return replace(response, probabilities=restored, labels=restored.argmax(1), logits=None)

    def _restored(self, told: Tensor, labels: Tensor) -> Tensor:
        assert self._network is not None
        with torch.no_grad():
            restored = self._turned(torch.softmax(self._network(self._turned(told, labels)), dim=1), labels)
        return exchanged(restored, restored.argmax(1), labels) if self._ordered else restored

    def _turned(self, rows: Tensor, labels: Tensor) -> Tensor:
        """Rows with the label's class first, and back again."""
        return exchanged(rows, torch.zeros_like(labels), labels) if self._ordered else rows


def exchanged(rows: Tensor, one: Tensor, other: Tensor) -> Tensor:
    """Return rows (B, c) with the entries of two classes, (B,) each, exchanged."""
    pair = torch.stack([one, other], dim=1)
    return rows.scatter(1, pair, rows.gather(1, pair.flip(1)))


def _distance(rows: Tensor, clean: Tensor) -> float:
    return float((rows - clean).abs().sum(1).mean())


def network(classes: int) -> nn.Sequential:
    """Return the network of logits: two hidden layers with batch norm and leaky ReLUs."""
    first, second = WIDTHS
    return nn.Sequential(
        nn.Linear(classes, first),
        nn.BatchNorm1d(first),
        nn.LeakyReLU(SLOPE),
        nn.Linear(first, second),
        nn.BatchNorm1d(second),
        nn.LeakyReLU(SLOPE),
        nn.Linear(second, classes),
    )


def trained(seen: Tensor, clean: Tensor, parameters: RestorerParameters, seed: int) -> nn.Module:
    """Return a network in eval mode that finds the clean (N, c) of what is seen, by the mean L1 distance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        restorer = network(clean.shape[1]).to(clean.device)
    order = torch.Generator().manual_seed(seed)
    steps = parameters.epochs * len(clean) // parameters.batch_size
    optimizer = torch.optim.Adam(restorer.parameters(), parameters.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    for _ in range(parameters.epochs):
        for rows in torch.randperm(len(clean), generator=order).split(parameters.batch_size):
            if len(rows) < parameters.batch_size and len(rows) < len(clean):
                continue
            loss = F.l1_loss(torch.softmax(restorer(seen[rows]), dim=1), clean[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return restorer.eval().requires_grad_(False)
