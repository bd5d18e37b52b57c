"""What a finished trial leaves behind: its clone, ``result.json`` and its flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from mebench.api.spec import TrialSpec
from mebench.models.clones import save_clone
from mebench.models.victims.loading import PreparedVictim
from mebench.models.weights import weights_hash
from mebench.oracle.label_spread import clone_collapsed, collapsed, spread
from mebench.oracle.ledger import QueryLedger
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import RecoveryEntry
from mebench.registry.entries import ChannelEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.metrics.examination import Scores
from mebench.trial.provenance import environment, provenance


@dataclass(frozen=True)
class Ending:
    """What a trial has come to.

    Attributes:
        clone: the one that is scored.
        scores: its scores.
        victim_accuracy: as measured where and when the clone was, so that the two can be compared.
        initial_hash: of the clone's weights before training.
        ledger: the oracle's account.
        origin: distribution and version of the attack.
        best: the best evaluation, a diagnostic; None where there is only one.
        query_labels: labels of training queries by class, in the first and in the second half of the budget.
        diverged: whether training ended in a query that is not finite.
        unexplained_passes: whether the victim computed rows that no query or explanation explains.
        victims_weights: whether the clone has the weights of the victim, bit for bit.
        links: what is kept of defences and detectors; empty without.
    """

    clone: nn.Module
    scores: Scores
    victim_accuracy: float
    initial_hash: str
    ledger: QueryLedger
    origin: str
    best: dict[str, Any] | None = None
    query_labels: Sequence[Sequence[int]] = ()
    diverged: bool = False
    unexplained_passes: bool = False
    victims_weights: bool = False
    links: Mapping[str, Any] = field(default_factory=dict)


def write_result(spec: TrialSpec, folder: TrialFolder, victim: PreparedVictim, ending: Ending) -> None:
    """Write clone and ``env.json``, and then ``result.json``, which marks the trial as finished."""
    clone, scores = ending.clone, ending.scores
    save_clone(folder.path / "clone.safetensors", clone)
    device = next(clone.parameters()).device
    folder.write_environment(environment(device))
    folder.finish(
        {
            "format": 1,
            "id": spec.id,
            "spec": spec.to_json(),
            "status": "finished",
            "metrics": scores.metrics(),
            "best_on_test": ending.best,
            "query_labels": ending.query_labels,
            "query_label_entropy": spread([sum(counts) for counts in zip(*ending.query_labels, strict=True)]),
            "ledger": ending.ledger.state_dict() | {"spent": ending.ledger.spent},
            "victim": {
                "name": spec.victim.name,
                "weights_hash": victim.weights_hash,
                "accuracy": ending.victim_accuracy,
                "data_hash": victim.data_hash,
                **({"agreement": victim.behaviour.agreement} if victim.behaviour.random else {}),
            },
            "clone": {
                "weights_hash": weights_hash(clone.state_dict()),
                "initial_hash": ending.initial_hash,
                "parameters": sum(parameter.numel() for parameter in clone.parameters()),
            },
            "flags": [
                *victim.behaviour.flags,
                *trial_flags(
                    scores,
                    victim.spec.num_classes,
                    gives_logits(spec.channel.name) or told_the_truth(spec),
                    diverged=ending.diverged,
                    queries_collapsed=collapsed(ending.query_labels),
                    unexplained_passes=ending.unexplained_passes,
                    victims_weights=ending.victims_weights,
                ),
            ],
            **({"links": dict(ending.links)} if ending.links else {}),
            "provenance": provenance(device, spec, ending.origin),
        }
    )


def trial_flags(
    scores: Scores,
    num_classes: int,
    white_box: bool = False,
    *,
    diverged: bool = False,
    queries_collapsed: bool = False,
    unexplained_passes: bool = False,
    victims_weights: bool = False,
) -> list[str]:
    """What a reader must know of a trial.

    ``diverged`` if logits are not finite, or training ended in a query that is not; ``collapsed`` if the clone is no
    better than 1.5 times chance; ``queries-collapsed`` if nearly all queries of half the budget got the same label;
    ``unexplained-passes`` if the victim has computed more than queries and explanations explain; ``victims-weights`` if
    all weights of the clone are the victim's, bit for bit; ``white-box`` if the channel gives what no service would, or
    a recovery is told it.
    """
    raised = {
        "diverged": diverged or not scores.finite,
        "collapsed": clone_collapsed(scores.accuracy, num_classes),
        "queries-collapsed": queries_collapsed,
        "unexplained-passes": unexplained_passes,
        "victims-weights": victims_weights,
        "white-box": white_box,
    }
    return [flag for flag, is_raised in raised.items() if is_raised]


def gives_logits(channel: str) -> bool:
    """Whether a channel gives logits, which makes it a white box; the references' channel ``none`` does not."""
    return channel in registry().names(ChannelEntry) and "logit" in registry().get(ChannelEntry, channel).gives


def told_the_truth(spec: TrialSpec) -> bool:
    """Whether a recovery is an oracle, which is told what no attacker has."""
    return any(registry().get(RecoveryEntry, one.name).oracle for one in spec.recoveries)
