"""What a finished trial leaves behind: ``result.json`` and its flags."""

from __future__ import annotations

from typing import Any

from torch import nn

from mebench.metrics import Scores
from mebench.provenance import environment, provenance
from mebench.serial import weights_hash
from mebench.spec import TrialSpec
from mebench.store import TrialFolder
from mebench.victims.loading import PreparedVictim


def write_result(
    spec: TrialSpec,
    folder: TrialFolder,
    victim: PreparedVictim,
    clone: nn.Module,
    scores: Scores,
    *,
    ledger: dict[str, Any],
    best: dict[str, Any] | None,
    origin: str,
) -> None:
    """Write ``env.json`` and then ``result.json``, which marks the trial as finished."""
    device = next(clone.parameters()).device
    folder.write_environment(environment(device))
    folder.finish(
        {
            "format": 1,
            "id": spec.id,
            "spec": spec.to_json(),
            "status": "finished",
            "metrics": {"accuracy": scores.accuracy, "fidelity": scores.fidelity},
            "best_on_test": best,
            "ledger": ledger,
            "victim": {
                "name": spec.victim.name,
                "weights_hash": victim.weights_hash,
                "accuracy": victim.accuracy,
                "data_hash": victim.data_hash,
            },
            "clone": {
                "weights_hash": weights_hash(clone.state_dict()),
                "parameters": sum(parameter.numel() for parameter in clone.parameters()),
            },
            "flags": trial_flags(scores, victim.spec.num_classes),
            "provenance": provenance(device, spec.tf32, origin),
        }
    )


def trial_flags(scores: Scores, num_classes: int) -> list[str]:
    """``diverged`` if logits are not finite; ``collapsed`` if the clone is no better than 1.5 times chance."""
    flags = []
    if not scores.finite:
        flags.append("diverged")
    if scores.accuracy <= 1.5 / num_classes:
        flags.append("collapsed")
    return flags
