from __future__ import annotations

from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.api.files import write_json
from mebench.results.trial_names import NamedTrial, find_trial, known_trials, matching, results_folders

SPECS = [make_spec(attack, seed=seed) for attack in ("dfme", "maze") for seed in (0, 1, 10)]
NOT_BEGUN = make_spec("knockoff").id


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results folder ``runs/little/quick`` of the current folder."""
    monkeypatch.chdir(tmp_path)
    for spec in SPECS:
        make_trial(Path("runs/little/quick"), spec, 0.5)
    planned = [*(spec.id for spec in SPECS), NOT_BEGUN]
    write_json(Path("runs/little/quick/benchmark.json"), {"format": 1, "trials": planned})
    return Path("runs/little/quick")


def test_any_part_of_an_id_that_no_other_has_names_a_trial(root: Path) -> None:
    spec = SPECS[2]
    for word in (
        spec.id,
        spec.id[-6:],
        "dfme-l1-fmnist-lenet5-probability-q50000-s10",
        "DFME*s10",
        f"s10-{spec.id[-10:]}",
    ):
        assert find_trial(word) == NamedTrial(root, spec.id)


def test_an_id_without_its_digest_names_the_trial_that_has_no_more(root: Path) -> None:
    assert find_trial(SPECS[1].id.rpartition("-")[0]).id == SPECS[1].id
    assert SPECS[2].id.startswith(SPECS[1].id.rpartition("-")[0])


def test_a_trial_that_has_not_begun_has_a_name_too(root: Path) -> None:
    assert find_trial("knock").id == NOT_BEGUN


def test_the_path_of_a_folder_names_its_trial(root: Path, tmp_path: Path) -> None:
    assert find_trial(str(root / SPECS[0].id)) == NamedTrial(root, SPECS[0].id)


def test_of_what_is_ambiguous_the_candidates_are_named(root: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find_trial("maze")
    listed = ", ".join(spec.id for spec in SPECS[3:])
    assert str(refused.value) == f"'maze' may mean 3 trials, write more of the id: {listed}"
    assert [trial.id for trial in matching("maze")] == [spec.id for spec in SPECS[3:]]


def test_of_many_candidates_the_first_are_named(root: Path) -> None:
    for seed in range(20, 40):
        make_trial(root, make_spec("maze", seed=seed), 0.5)
    with pytest.raises(ConfigurationError, match=r"may mean 23 trials, .* and 13 more$"):
        find_trial("maze")


def test_a_trial_of_two_folders_is_told_apart_by_its_place(root: Path) -> None:
    other = Path("runs/other/quick")
    make_trial(other, SPECS[0], 0.5)
    with pytest.raises(ConfigurationError, match=f"{root / SPECS[0].id}, {other / SPECS[0].id}"):
        find_trial(SPECS[0].id)
    assert find_trial(SPECS[0].id, other).root == other


@pytest.mark.parametrize(("word", "meant"), [("dmfe", "dfme"), ("dmfe-l1", "dfme-l1"), ("knokoff", "knockoff")])
def test_a_typo_gets_the_nearest_part(root: Path, word: str, meant: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        find_trial(word)
    assert str(refused.value) == f"no trial has {word!r} in its id. Did you mean {meant!r}?"


@pytest.mark.parametrize("word", ["", "zzzzzz", "*zzz*", "../..", "a/b"])
def test_what_is_no_trial_is_said_with_one_that_there_is(root: Path, word: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no trial has .* in its id: there is dfme-l1.*, and 6 more"):
        find_trial(word)


def test_a_place_may_be_a_results_folder_or_hold_some(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_trial(Path("runs/other/quick"), SPECS[0], 0.5)
    make_trial(Path("runs/.hidden/quick"), SPECS[0], 0.5)
    both = [root, Path("runs/other/quick")]
    assert results_folders() == results_folders(Path("runs")) == both
    assert results_folders(root) == [root]
    monkeypatch.chdir(root)
    assert results_folders() == [Path()]


@pytest.mark.parametrize("place", [None, Path("nowhere"), Path("empty")])
def test_where_no_results_are_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path | None) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(ResultsError, match=r"no results here|no such results folder|holds no results"):
        results_folders(place)


def test_known_are_the_trials_that_were_asked_for_in_their_order_and_what_else_lies_there(root: Path) -> None:
    extra = make_spec("zoo")
    make_trial(root, extra, 0.5)
    assert known_trials(root) == [*(spec.id for spec in SPECS), NOT_BEGUN, extra.id]


@pytest.mark.parametrize("facts", ["{", '{"trials": 7}', '{"trials": [1, null]}', "[]"])
def test_damaged_facts_cost_no_more_than_what_they_told(root: Path, facts: str) -> None:
    (root / "benchmark.json").write_text(facts)
    assert sorted(known_trials(root)) == sorted(spec.id for spec in SPECS)
