import itertools
import json

import pytest
from trials import tiny_trial

from mebench.api.spec import Component
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

CHANNELS = {
    "sg": {"samples": 3},
    "ig": {"steps": 4, "baseline": 0.5},
    "white-box": {},
}


def trial(kind, folder, **options):
    spec = tiny_trial("megex", kind)
    resolved = registry().get(ChannelEntry, kind).resolve(CHANNELS[kind])
    spec = type(spec)(**{**vars(spec), "channel": Component(kind, resolved)})
    folder = TrialFolder(folder)
    outcome = run_trial(spec, folder, **options)
    return outcome, folder.path


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_trial_on_an_explanation_channel_resumes_to_the_same_bytes(kind, tmp_path):
    _, whole = trial(kind, tmp_path / "whole")
    for stop in (1, 4, 9):
        turns = itertools.count()
        outcome, parts = trial(
            kind, tmp_path / str(stop), should_stop=lambda turns=turns, stop=stop: next(turns) == stop
        )
        assert outcome == "stopped"
        outcome, parts = trial(kind, tmp_path / str(stop))
        assert outcome == "finished"
        for name in ("result.json", "curve.jsonl", "clone.safetensors"):
            assert (parts / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.parametrize("kind", CHANNELS)
def test_the_account_counts_explanations_and_the_white_box_is_flagged(kind, tmp_path):
    _, folder = trial(kind, tmp_path / "t")
    result = json.loads((folder / "result.json").read_text())
    assert result["ledger"]["spent"] == 700
    assert result["ledger"]["explanations"] == result["ledger"]["by_purpose"]["explore"] > 0
    assert ("white-box" in result["flags"]) == (kind == "white-box")
