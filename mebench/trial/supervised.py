"""Reference rows: what the clone's network reaches on the victim's own labelled training data."""

from __future__ import annotations

from typing import Literal

import torch

from mebench.api.progress import OnProgress, ShouldStop, Stopped
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import TrainingRecipe, TrialSpec
from mebench.api.version import VERSION
from mebench.data.datasets import load_dataset
from mebench.models.clones import initial_clone
from mebench.models.victims.kept_training import KeptTraining
from mebench.models.victims.loading import PreparedVictim
from mebench.models.victims.training import train_classifier
from mebench.models.weights import weights_hash
from mebench.oracle.ledger import QueryLedger
from mebench.results.trial_folder import TrialFolder
from mebench.trial.clock import TrialClock
from mebench.trial.metrics.examination import Examination
from mebench.trial.result import Ending, write_result


def run_supervised(
    spec: TrialSpec,
    folder: TrialFolder,
    victim: PreparedVictim,
    *,
    device: str,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Literal["finished", "stopped"]:
    """Train the clone network by the victim's recipe on the victim's data; an upper bound, not an attack.

    After an interruption it goes on from where it was. A user's own victim has no recipe; the default one is used then.
    """
    where = torch.device(device)
    random = RandomStreams(spec.seed, where)
    random.seed_globals()
    clone = initial_clone(spec, victim).to(where)
    initial_hash = weights_hash(clone.state_dict())
    data = load_dataset(spec.victim.data, "train")
    clock = TrialClock(folder.path / "timing.json")
    tests = victim.test_inputs.to(where), victim.test_labels.to(where)
    exam = Examination.of(victim.victim, *tests, seed=spec.seed)
    exam.rehearse(clone, spec.metrics)
    try:
        with clock:
            train_classifier(
                clone,
                data.inputs(None, spec.victim.image_size),
                data.labels,
                spec.victim.training or TrainingRecipe(),
                generator=random.torch("supervised", "cpu"),
                device=device,
                on_progress=on_progress,
                should_stop=should_stop,
                phase="supervised",
                kept=KeptTraining(folder.checkpoint),
            )
    except Stopped:
        return "stopped"
    scores = exam.complete(exam.score(clone, spec.metrics), clone, spec.metrics)
    nothing_asked = QueryLedger(0, by_purpose={})
    origin = f"mebench {VERSION}"
    write_result(spec, folder, victim, Ending(clone, scores, exam.victim_accuracy, initial_hash, nothing_asked, origin))
    return "finished"
