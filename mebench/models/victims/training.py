"""Training a classifier on labelled images by a recipe: victims, and the supervised upper bound of a clone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from mebench.api.progress import OnProgress, Progress, ShouldStop, Stopped, ignore, never
from mebench.api.spec import TrainingRecipe
from mebench.data.dataset import rows_of
from mebench.data.pools import DatasetPool
from mebench.models.augmentation import augmented
from mebench.models.victims.kept_training import KeptTraining, Training


def train_classifier(
    network: nn.Module,
    images: DatasetPool | Tensor,
    labels: Tensor,
    recipe: TrainingRecipe,
    *,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    on_progress: OnProgress = ignore,
    should_stop: ShouldStop = never,
    phase: str = "victim",
    kept: KeptTraining | None = None,
) -> None:
    """Train ``network`` in place with cross-entropy; it ends on ``device`` in eval mode.

    The last state is kept: no checkpoint is chosen. The same generator state gives the same weights on a CPU, if the
    network itself draws no random numbers (dropout) and the number of threads is the same.

    Args:
        network: returns logits (B, c).
        images: N images as a pool, which stay bytes in memory, or as inputs (N, *shape) float32.
        labels: (N,) int64.
        recipe: optimiser, schedule and augmentation.
        generator: a CPU generator that decides order and augmentation.
        device: where to train.
        on_progress: told after every epoch.
        should_stop: asked before every step.
        phase: what the training is called in reports.
        kept: where it is saved now and then and when it is stopped, and from where it goes on.

    Raises:
        Stopped: ``should_stop`` said so; the network is left half-trained.
    """
    network.to(device).train()
    images, labels = images.to(device), labels.to(device)
    batches = _batches_per_epoch(len(labels), recipe.batch_size)
    optimizer = _optimizer(network, recipe)
    schedule = _schedule(optimizer, recipe, steps=max(1, steps_of(recipe, len(labels))))
    training = Training(network, optimizer, schedule, generator, rows=len(labels))
    if kept is not None:
        kept.resume(training)
    if training.epoch:
        on_progress(Progress(training.epoch, recipe.epochs, unit="epochs", phase=phase))
    while training.epoch < recipe.epochs:
        order = torch.split(training.rows(), recipe.batch_size)
        for rows in order[training.batch : batches]:
            if should_stop():
                if kept is not None:
                    kept.save(training)
                raise Stopped(f"stopped in epoch {training.epoch + 1} of {recipe.epochs}")
            inputs = augmented(_inputs(images, rows), recipe.augment, generator)
            loss = F.cross_entropy(network(inputs), labels[rows.to(device)])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            training.batch += 1
            if kept is not None:
                kept.save_if_due(training)
        training.end_epoch()
        on_progress(Progress(training.epoch, recipe.epochs, unit="epochs", phase=phase))
    network.eval()


def _inputs(images: DatasetPool | Tensor, rows: Tensor) -> Tensor:
    return images.inputs(rows) if isinstance(images, DatasetPool) else rows_of(images, rows)


def steps_of(recipe: TrainingRecipe, rows: int) -> int:
    """The number of steps of a training on so many images."""
    return recipe.epochs * _batches_per_epoch(rows, recipe.batch_size)


def _batches_per_epoch(rows: int, batch_size: int) -> int:
    """Number of batches; a last one of a single row is left out, because batch norm cannot train on it."""
    batches = math.ceil(rows / batch_size)
    return batches - 1 if batches > 1 and rows % batch_size == 1 else batches


def _optimizer(network: nn.Module, recipe: TrainingRecipe) -> Optimizer:
    parameters = network.parameters()
    if recipe.optimizer == "adam":
        return Adam(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    return SGD(parameters, lr=recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def _schedule(optimizer: Optimizer, recipe: TrainingRecipe, steps: int) -> LambdaLR:
    def factor(step: int) -> float:
        if recipe.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * step / steps))
        if recipe.schedule == "multistep":
            return float(0.1 ** ((2 * step >= steps) + (4 * step >= 3 * steps)))
        return 1.0

    return LambdaLR(optimizer, factor)


@torch.no_grad()
def predict(
    network: nn.Module, images: DatasetPool, *, device: torch.device | str = "cpu", batch_size: int = 1024
) -> Tensor:
    """Return the most probable class of every image, (N,) int64 on the CPU; the network must be in eval mode."""
    images = images.to(device)
    batches = torch.split(torch.arange(len(images)), batch_size)
    return torch.cat([network(images.inputs(rows)).argmax(dim=1).cpu() for rows in batches])
