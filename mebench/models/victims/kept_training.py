"""A training on disk while it goes on: one that was killed goes on to the same weights, bit for bit on a CPU."""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.random_streams import RandomStreams
from mebench.models.state_file import load_state, save_state

SECONDS_BETWEEN = 20.0
_FORMAT = 1
_log = logging.getLogger(__name__)


class Training:
    """All of a training that changes.

    Args:
        network, optimizer, schedule: as they are trained.
        generator: decides order and augmentation.
        rows: number of training inputs N.

    Attributes:
        epoch: the number of whole epochs so far.
        batch: the number of batches so far in the epoch that has begun.
        order: (N,) the order of the rows in that epoch; None before it has begun.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Optimizer,
        schedule: LRScheduler,
        generator: torch.Generator,
        rows: int,
    ) -> None:
        self._network, self._optimizer, self._schedule = network, optimizer, schedule
        self._generator, self._rows = generator, rows
        self._globals = RandomStreams(0, next(network.parameters()).device)
        self.epoch = self.batch = 0
        self.order: Tensor | None = None

    def rows(self) -> Tensor:
        """The order of this epoch, drawn at its beginning."""
        if self.order is None:
            self.order = torch.randperm(self._rows, generator=self._generator)
        return self.order

    def end_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch, self.batch, self.order = self.epoch + 1, 0, None

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, with the global generators that dropout draws from."""
        return {
            "format": _FORMAT,
            "setting": self._setting(),
            "place": [self.epoch, self.batch, self.order],
            "network": dict(self._network.state_dict()),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self._generator.get_state(),
            "globals": self._globals.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``.

        Raises:
            ResultsError: it was saved by another setting, whose numbers would not be the same.
            KeyError, RuntimeError, TypeError, ValueError: it is not whole.
        """
        if state["format"] != _FORMAT or state["setting"] != self._setting():
            raise ResultsError("it was saved by another version, or for another device or number of threads")
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._generator.set_state(state["generator"])
        self._globals.load_state_dict(state["globals"])
        self.epoch, self.batch, self.order = state["place"]

    def _setting(self) -> list[str]:
        """What the last bits depend on besides the state."""
        return [str(torch.__version__), self._globals.device.type, str(torch.get_num_threads()), str(self._rows)]


class KeptTraining:
    """Keeps a training in a file while it goes on.

    Args:
        path: of the file; whoever trains holds the lock of what it is for.
        seconds: between two saves.
    """

    def __init__(self, path: Path, seconds: float = SECONDS_BETWEEN) -> None:
        self._path, self._seconds = path, seconds
        self._saved = time.monotonic()

    def resume(self, training: Training) -> None:
        """Restore what was saved; a file that cannot be used is left out, and the training starts anew."""
        if not self._path.exists():
            return
        fresh = copy.deepcopy(training.state_dict())
        try:
            training.load_state_dict(load_state(self._path))
        except (ResultsError, KeyError, RuntimeError, TypeError, ValueError) as error:
            training.load_state_dict(fresh)
            _log.warning("%s: the training starts anew: %s", self._path, error)
        else:
            _log.info("the training goes on in epoch %d", training.epoch + 1)

    def save(self, training: Training) -> None:
        """Write the state. Where that cannot be done, the training goes on without, and the log says why."""
        self._saved = time.monotonic()
        try:
            save_state(self._path, training.state_dict())
        except (UnwritableError, TypeError) as error:
            _log.warning("the training could not be saved: %s", error)
        else:
            _log.info("training saved in epoch %d", training.epoch + 1)

    def save_if_due(self, training: Training) -> None:
        """Write the state if the last one is old."""
        if time.monotonic() - self._saved > self._seconds:
            self.save(training)

    def remove(self) -> None:
        """Forget it: the training is over."""
        self._path.unlink(missing_ok=True)
