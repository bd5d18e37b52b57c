"""Defences of answers and detectors before a victim that reads texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trials import resolved, tiny_trial

from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrainingRecipe, TrialSpec, VictimSpec
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.plan.links import with_links
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import DatasetEntry, NetworkEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.links.building import Defences
from mebench.trial.links.owner import Owner
from mebench.trial.trial import run_trial

SMALL = {"size": 8, "maps": 4}
NETWORK = resolved(Component("kim-cnn", SMALL), NetworkEntry)
VICTIM = VictimSpec(
    "topics",
    data=resolved(Component("made-up-topics", {"rows": [0, 400], "length": 12}), DatasetEntry),
    network=NETWORK,
    training=TrainingRecipe(epochs=3, batch_size=32, learning_rate=1e-2),
)
RESERVE = resolved(Component("made-up-topics", {"rows": [400, 2600]}), DatasetEntry)
POOL = resolved(Component("made-up-topics", {"rows": [2600, 3000]}), DatasetEntry)
QUICK = {"adaptive-misinformation": {"epochs": 1}, "grad2": {"epochs": 1}}
ANSWERS = [entry.name for entry in registry().entries(DefenceEntry) if entry.place == "answer" and entry.texts]
OF_TEXTS = [
    {"name": "near-duplicates", "threshold": 0.2, "window": 20},
    {"name": "hoda", "threshold": 0.5, "window": 20, "checkpoints": 3, "epochs": 3},
    {"name": "mmd", "features": "logits", "false_positives": 0.1, "window": 50},
    {"name": "energy", "threshold": 0.5, "window": 20},
    {"name": "label-histogram", "threshold": 300.0, "window": 20},
]


def component(kind, name: str, **given) -> Component:
    return registry().get(kind, name).as_component(given)


def trial(defences=(), detectors=(), **more) -> TrialSpec:
    spec = replace(
        tiny_trial(
            "random-pool+fit", budget=120, parameters={"strategy.rounds": 2, "learner.epochs": 1}, evaluations=2
        ),
        victim=VICTIM,
        clone=NETWORK,
        pool=POOL,
        reserve=RESERVE,
        defences=tuple(defences),
        detectors=tuple(detectors),
        **more,
    )
    return with_links(spec, registry())


@pytest.fixture(scope="module")
def victim() -> PreparedVictim:
    return prepare_victim(VICTIM)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_defence_of_answers_answers_texts_validly_and_keeps_the_label_if_it_says_so(name, victim):
    known = {one.name for one in registry().get(DefenceEntry, name).declared}
    given = {key: value for key, value in QUICK.get(name, {}).items() if key in known}
    owner = Owner.of(trial([component(DefenceEntry, name, **given)]), victim, torch.device("cpu"))
    (defence,) = Defences(owner, ProbabilityChannel()).ready(RandomStreams(0, torch.device("cpu")))
    queries = victim.test_inputs[:20]
    with torch.no_grad():
        answers = torch.softmax(victim.victim(queries), 1)
    told = defence.perturb(queries, answers)
    assert told.shape == answers.shape
    if defence.part.keeps_argmax:
        rows = torch.arange(len(told))
        assert (told[rows, answers.argmax(1)] >= told.amax(1) - 1e-6).all()


def test_a_whole_trial_on_texts_goes_through_defences_recoveries_and_every_detector_that_fits_texts(tmp_path: Path):
    chain = [
        component(DefenceEntry, "answer-noise", scale=0.05),
        component(DefenceEntry, "modelguard-w", epsilon=0.5),
        component(DefenceEntry, "rounding", decimals=2),
    ]
    detectors = [
        component(DetectorEntry, one["name"], **{k: v for k, v in one.items() if k != "name"}) for one in OF_TEXTS
    ]
    wanted = Component("detection", {"streams": 2, "others": "made-up-topics"})
    recoveries = (component(RecoveryEntry, "argmax"), component(RecoveryEntry, "honest-mixing", queries=2.0))
    spec = trial(chain, detectors, recoveries=recoveries, metrics=(wanted,))
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    result = folder.result()
    assert result["ledger"]["spent"] == 120
    assert result["metrics"]["benign_l1"] > 0
    told = {one["detector"].partition("(")[0]: one for one in result["links"]["detectors"]}
    assert set(told) == {one["name"] for one in OF_TEXTS}
    for one in told.values():
        assert {"iid", "skewed", "explained", "monitoring", "mistyped", "others, 5%"} <= set(one["honest"])
        assert not {"moved", "repeating", "camera"} & set(one["honest"])
    # Every text of a monitor comes again after a hundred others; none of the rest is asked twice.
    assert told["near-duplicates"]["honest"]["monitoring"]["alarms"] == 2
    assert told["near-duplicates"]["honest"]["iid"]["alarms"] == 0


def test_texts_are_near_whose_words_differ_in_few_places():
    from mebench_detectors.memory import Memory

    memory = Memory(None)
    memory.add(torch.tensor([5, 900, 7, 8]))
    memory.add(torch.tensor([1, 2, 3, 4]))
    assert float(memory.fewest_different(torch.tensor([5, 2, 7, 8]))) == 1.0  # 2 and 900 are one word apart
    assert float(memory.fewest_different(torch.tensor([9, 9, 3, 4]))) == pytest.approx(2**0.5)
