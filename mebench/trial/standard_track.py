"""The standard track: one fixed learner on the queries that an attack asked, so that only queries are compared.

A fresh clone, the same as the attack got, is trained on every answered query of the trial, whatever the attack asked
it for, and on the victim's answers as the channel gave them; explanations are left out. The learner knows nothing of
the attack and has no parameters to tune:

- cross-entropy with the probabilities of the answer, or with its label where the channel gives no probabilities;
- Adam at 1e-3, following a cosine down to 0 at the last step; batches of 128, drawn without replacement per epoch;
- 10 epochs, but at least 1,000 and at most 100,000 steps.

These numbers are part of the protocol: changing one changes `mebench.api.spec.PROTOCOL`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from mebench.api.contract import ResponseChannel
from mebench.api.progress import OnProgress, Progress, ShouldStop, Stopped
from mebench.api.random_streams import derive_seed, seeded_globals
from mebench.api.spec import TrialSpec
from mebench.models.clones import initial_clone
from mebench.models.victims.loading import PreparedVictim
from mebench.oracle.recording import QueryRecorder, RecordedQueries
from mebench.results.trial_folder import TrialFolder

EPOCHS, LEAST_STEPS, MOST_STEPS = 10, 1_000, 100_000
BATCH, RATE = 128, 1e-3
REPORT_EVERY = 20


def standard_steps(rows: int) -> int:
    """How many steps the standard learner takes on so many answered queries."""
    return min(max(EPOCHS * -(-rows // BATCH), LEAST_STEPS), MOST_STEPS)


def fit_standard(
    clone: nn.Module, queries: RecordedQueries, seed: int, *, on_progress: OnProgress, should_stop: ShouldStop
) -> None:
    """Train a fresh clone; the same result for the same queries and seed.

    Raises:
        Stopped: the user asked for it; nothing was kept.
    """
    device = next(clone.parameters()).device
    generator = torch.Generator().manual_seed(derive_seed(seed, "standard"))
    steps = standard_steps(len(queries))
    optimizer = torch.optim.Adam(clone.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order = torch.empty(0, dtype=torch.int64)
    clone.train()
    with seeded_globals(derive_seed(seed, "standard-global"), device):  # a clone with dropout draws from here
        for step in range(steps):
            if not len(order):
                order = torch.randperm(len(queries), generator=generator)
            rows, order = order[:BATCH], order[BATCH:]
            inputs, answers = (values.to(device) for values in queries.batch(rows.numpy()))
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(clone(inputs), answers).backward()
            optimizer.step()
            schedule.step()
            if step % REPORT_EVERY == 0:
                on_progress(Progress(step, steps, "steps", phase="standard"))
                if should_stop():
                    raise Stopped


class StandardTrack:
    """Records what an attack asks, and trains the standard learner's clone on it once the attack has ended.

    Args:
        spec: of the trial.
        folder: where the record goes.
        prepared: the victim.
        channel: says whether answers hold probabilities.

    Attributes:
        recorder: an observer of the oracle.
    """

    def __init__(
        self, spec: TrialSpec, folder: TrialFolder, prepared: PreparedVictim, channel: ResponseChannel
    ) -> None:
        self._spec, self._prepared = spec, prepared
        self._kept: Path = folder.path / "queries.safetensors"
        probabilities = "probability" in channel.gives
        self.recorder = QueryRecorder(folder.path / "queries.partial", prepared.spec, probabilities)

    def clone(self, device: torch.device, *, on_progress: OnProgress, should_stop: ShouldStop) -> nn.Module:
        """Train a fresh clone on the record; starts anew after a stop.

        Raises:
            Stopped: the user asked for it.
        """
        self.recorder.compact(self._kept)
        clone = initial_clone(self._spec, self._prepared).to(device)
        fit_standard(
            clone, RecordedQueries(self._kept), self._spec.seed, on_progress=on_progress, should_stop=should_stop
        )
        return clone
