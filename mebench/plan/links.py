"""The links of a trial as its row is called, and what is measured because of them."""

from __future__ import annotations

from dataclasses import replace

from mebench.api.spec import TrialSpec
from mebench.registry.defence_entries import DefenceEntry, RecoveryEntry
from mebench.registry.entries import MetricEntry
from mebench.registry.registry import Registry


def with_links(trial: TrialSpec, registry: Registry) -> TrialSpec:
    """The trial as its row is called, with what its links ask to be measured.

    Recoveries belong to the attack, and so does over how many clients it spreads: they are part of its variant. What
    only defences and detectors use is left out where there are none, so that such a trial is the same as one of a file
    without them.
    """
    if not trial.detectors:
        trial = replace(trial, clients=1, on_alarm="audit")
    words = [] if trial.variant == "default" else [trial.variant]
    words += [f"clients={trial.clients}"] if trial.clients > 1 else []
    words += ["+".join(registry.get(RecoveryEntry, one.name).label(one.parameters) for one in trial.recoveries)]
    trial = replace(trial, variant=",".join(filter(None, words)) or "default")
    if not (trial.detectors or trial.defences):
        return replace(trial, reserve=None)
    releases = any(registry.get(DefenceEntry, one.name).place == "explanation" for one in trial.defences)
    wanted = {"utility": trial.defences, "explanation-utility": releases, "detection": trial.detectors}
    measured = [name for name, why in wanted.items() if why]
    asked = [registry.get(MetricEntry, name).as_component({}) for name in measured]
    known = {metric.name for metric in trial.metrics}
    return replace(trial, metrics=(*trial.metrics, *(one for one in asked if one.name not in known)))
