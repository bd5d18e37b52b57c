from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.api.errors import ResultsError
from mebench.api.exit_codes import ExitCode
from mebench.api.files import write_json
from mebench.api.spec import TrialSpec
from mebench.cli import main
from mebench.plan.shard import Shard
from mebench.results.leaderboard import write_leaderboard_files
from mebench.results.merging import merge
from mebench.results.trial_folder import TrialFolder

SPECS = [make_spec(attack, seed=seed) for attack in ("dfme", "maze", "megex") for seed in range(3)]
FILES = ("leaderboard.json", "leaderboard.csv", "leaderboard.md")


def accuracy(spec: TrialSpec) -> float:
    return 0.5 + 0.05 * len(spec.attack.name) + 0.01 * spec.seed


def write_facts(root: Path, **changes: object) -> None:
    facts = {"format": 1, "name": "little", "profile": "quick", "trials": [spec.id for spec in SPECS]}
    write_json(root / "benchmark.json", facts | changes)


def run(root: Path, specs: list[TrialSpec], seconds: float = 1.0) -> Path:
    """A results folder as a run of these trials leaves it."""
    root.mkdir(parents=True, exist_ok=True)
    write_facts(root)
    for spec in specs:
        folder = make_trial(root, spec, accuracy(spec))
        write_json(folder.path / "timing.json", {"seconds": seconds, "queries_per_second": 50_000 / seconds})
    write_leaderboard_files(root)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("count", [1, 2, 16])
def test_the_leaderboard_of_merged_shards_is_that_of_one_run_byte_for_byte(tmp_path: Path, count: int) -> None:
    one = run(tmp_path / "one", SPECS, seconds=7)
    by_id = {spec.id: spec for spec in SPECS}
    parts = []
    for number in range(1, count + 1):
        mine = [by_id[name] for name in Shard(number, count).of(by_id)]
        parts.append(run(tmp_path / f"shard-{number}", mine, seconds=number))
    merged = merge(tmp_path / "all", parts)
    write_leaderboard_files(tmp_path / "all")
    assert (merged.copied, merged.same, merged.damaged, merged.unfinished) == (9, 0, {}, ())
    assert [(tmp_path / "all" / name).read_bytes() for name in FILES] == [(one / name).read_bytes() for name in FILES]


def test_a_merge_that_is_done_again_copies_what_is_new_alone(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:4]), run(tmp_path / "2", SPECS[4:6])
    merged = merge(tmp_path / "all", [first])
    assert (merged.copied, len(merged.unfinished)) == (4, 5)
    before = contents(tmp_path / "all")
    merged = merge(tmp_path / "all", [first, second])
    assert (merged.copied, merged.same, merged.aside) == (2, 4, None)
    assert before.items() <= contents(tmp_path / "all").items()


def test_what_is_merged_is_only_read(tmp_path: Path) -> None:
    shards = [run(tmp_path / "1", SPECS[:4]), run(tmp_path / "2", SPECS[3:])]
    before = [contents(shard) for shard in shards]
    merge(tmp_path / "all", shards)
    assert [contents(shard) for shard in shards] == before


def test_seals_are_whole_after_a_merge(tmp_path: Path) -> None:
    merge(tmp_path / "all", [run(tmp_path / "1", SPECS[:2])])
    for spec in SPECS[:2]:
        for name in ("result.json", "curve.jsonl"):
            there, here = tmp_path / "all" / spec.id / name, tmp_path / "1" / spec.id / name
            assert there.read_bytes() == here.read_bytes()


def test_two_different_results_of_a_trial_are_both_named_and_nothing_is_merged(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:2]), run(tmp_path / "2", SPECS[2:])
    make_trial(second, SPECS[0], 0.3)
    with pytest.raises(ResultsError) as refused:
        merge(tmp_path / "all", [first, second])
    head, named = str(refused.value).splitlines()
    assert head.startswith("1 trial has two different results, and nothing was merged: ")
    assert "--keep-first" in head
    assert named == f"{SPECS[0].id}: {first / SPECS[0].id} and {second / SPECS[0].id}"
    assert not (tmp_path / "all").exists()


def test_of_two_different_results_the_first_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:2]), run(tmp_path / "2", SPECS[2:])
    make_trial(second, SPECS[0], 0.3)
    for number, folders in enumerate(([first, second], [second, first])):
        merge(tmp_path / f"all-{number}", folders, keep_first=True)
        taken = TrialFolder(tmp_path / f"all-{number}" / SPECS[0].id).result()
        assert taken == TrialFolder(folders[0] / SPECS[0].id).result()


def test_the_targets_own_results_are_never_replaced(tmp_path: Path) -> None:
    own, other = run(tmp_path / "all", SPECS[:2]), run(tmp_path / "1", SPECS[2:])
    make_trial(other, SPECS[0], 0.3)
    before = contents(own)
    with pytest.raises(ResultsError, match="two different results"):
        merge(own, [other])
    assert contents(own) == before
    merge(own, [other], keep_first=True)
    assert before.items() <= contents(own).items()


def test_results_that_differ_in_their_layout_alone_are_the_same(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:1]), run(tmp_path / "2", SPECS[:1])
    file = second / SPECS[0].id / "result.json"
    file.write_text(json.dumps(json.loads(file.read_text()), indent=4).replace("\n", "\r\n"))
    assert merge(tmp_path / "all", [first, second]).copied == 1


def test_damaged_trials_are_named_and_left_where_they_are(tmp_path: Path) -> None:
    shard = run(tmp_path / "1", SPECS[:3])
    (shard / SPECS[1].id / "result.json").write_text("{")
    with (shard / SPECS[2].id / "curve.jsonl").open("a") as curve:
        curve.write("{}\n")
    merged = merge(tmp_path / "all", [shard])
    assert {path.name for path in merged.damaged} == {SPECS[1].id, SPECS[2].id}
    assert merged.copied == 1
    assert SPECS[1].id in merged.unfinished
    assert not (tmp_path / "all" / SPECS[1].id).exists()


def test_a_whole_copy_takes_the_place_of_a_damaged_one_which_is_kept(tmp_path: Path) -> None:
    own, other = run(tmp_path / "all", SPECS[:1]), run(tmp_path / "1", SPECS[:1])
    (own / SPECS[0].id / "result.json").write_text("{")
    merged = merge(own, [other])
    assert merged.aside == own / ".old-1"
    assert (own / ".old-1" / SPECS[0].id / "result.json").read_text() == "{"
    assert TrialFolder(own / SPECS[0].id).result()["id"] == SPECS[0].id


def unfinished(root: Path, spec: TrialSpec, *, checkpoint: bool = False, failed: bool = False) -> Path:
    folder = TrialFolder.of(root, spec)
    folder.begin(spec)
    if failed:
        folder.fail(spec, "no luck")
    if checkpoint:
        folder.checkpoint.write_bytes(b"some")
    return root


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (lambda root: run(root, SPECS[:1]), lambda root: unfinished(root, SPECS[0], checkpoint=True)),
        (lambda root: unfinished(root, SPECS[0], checkpoint=True), lambda root: unfinished(root, SPECS[0])),
        (
            lambda root: unfinished(root, SPECS[0], checkpoint=True),
            lambda root: unfinished(root, SPECS[0], failed=True),
        ),
    ],
)
@pytest.mark.parametrize("better_first", [True, False])
def test_the_copy_that_is_further_is_taken_wherever_it_is(
    tmp_path: Path, better: Callable[[Path], Path], worse: Callable[[Path], Path], better_first: bool
) -> None:
    good, bad = better(tmp_path / "good"), worse(tmp_path / "bad")
    merge(tmp_path / "all", [good, bad] if better_first else [bad, good])
    files = {path.name for path in (good / SPECS[0].id).iterdir()}
    assert {path.name for path in (tmp_path / "all" / SPECS[0].id).iterdir()} == files
    merge(bad, [good])
    assert {path.name for path in (bad / SPECS[0].id).iterdir()} == files


def test_a_trial_that_runs_in_the_target_is_left_to_it(tmp_path: Path) -> None:
    own, other = unfinished(tmp_path / "all", SPECS[0]), run(tmp_path / "1", SPECS[:1])
    with TrialFolder.of(own, SPECS[0]).locked(), pytest.raises(ResultsError, match="is running this trial"):
        merge(own, [other])
    assert not (own / SPECS[0].id / "result.json").exists()
    assert [path.name for path in own.iterdir() if path.name.startswith(".partial")] == []


def test_folders_of_different_benchmarks_are_refused(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:1]), run(tmp_path / "2", SPECS[1:])
    write_facts(second, profile="paper")
    with pytest.raises(ResultsError, match=r"profile 'quick', .* profile 'paper': merge folders of one benchmark"):
        merge(tmp_path / "all", [first, second])


def test_trials_of_a_file_that_has_grown_are_put_together_and_other_changes_are_said(tmp_path: Path) -> None:
    first, second = run(tmp_path / "1", SPECS[:1]), run(tmp_path / "2", SPECS[1:2])
    write_facts(first, trials=[SPECS[0].id], note="short")
    write_facts(second, trials=[SPECS[0].id, SPECS[1].id], note="longer")
    merged = merge(tmp_path / "all", [first, second])
    assert merged.different == ("note",)
    facts = json.loads((tmp_path / "all" / "benchmark.json").read_text())
    assert (facts["trials"], facts["note"]) == ([SPECS[0].id, SPECS[1].id], "short")


@pytest.mark.parametrize("what", ["missing", "empty", "a file", "rows"])
def test_what_holds_no_trials_is_refused_in_words(tmp_path: Path, what: str) -> None:
    shard, other = run(tmp_path / "1", SPECS[:1]), tmp_path / "other"
    if what == "a file":
        other.write_text("x")
    elif what != "missing":
        other.mkdir()
    if what == "rows":
        shutil.copy(shard / "leaderboard.json", other)
    with pytest.raises(ResultsError, match="other: "):
        merge(tmp_path / "all", [shard, other])
    assert not (tmp_path / "all").exists()


def test_nothing_is_merged_into_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "thesis.tex").write_text("x")
    with pytest.raises(ResultsError, match="is not empty and holds no results"):
        merge(tmp_path / "all", [run(tmp_path / "1", SPECS[:1])])


def test_logs_of_victims_come_along(tmp_path: Path) -> None:
    shard = run(tmp_path / "1", SPECS[:1])
    (shard / "logs").mkdir()
    (shard / "logs" / "victim-a.txt").write_text("trained")
    merge(tmp_path / "all", [shard])
    assert (tmp_path / "all" / "logs" / "victim-a.txt").read_text() == "trained"


def test_the_command_ends_with_3_as_long_as_trials_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = [run(tmp_path / "1", SPECS[:4]), run(tmp_path / "2", SPECS[4:])]
    out = tmp_path / "all"
    assert main(["merge", str(out), str(shards[0])]) == ExitCode.INCOMPLETE
    assert f"copied 4 trials into {out} (leaderboard.md, .csv, .json)\n5 trials are not finished" in (
        capsys.readouterr().err
    )
    assert main(["merge", str(out), *map(str, shards), "--json"]) == ExitCode.FINE
    said = capsys.readouterr()
    assert f"copied 5 trials into {out}; 4 trials were there" in said.err
    assert json.loads(said.out) == json.loads((out / "leaderboard.json").read_text())


def test_the_command_names_damaged_trials(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shard = run(tmp_path / "1", SPECS)
    (shard / SPECS[0].id / "result.json").write_text("{")
    assert main(["merge", str(tmp_path / "all"), str(shard)]) == ExitCode.INCOMPLETE
    said = capsys.readouterr().err
    assert f"damaged: {shard / SPECS[0].id}: result.json: not valid JSON" in said
    assert "1 trial is not finished" in said


@pytest.mark.parametrize("name", ["log.txt", "spec.json", "clone.safetensors"])
def test_a_trial_that_cannot_be_copied_is_named_and_left_and_the_others_are_copied(tmp_path: Path, name: str) -> None:
    shard = run(tmp_path / "1", SPECS[:3])
    place = shard / SPECS[1].id / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    merged = merge(tmp_path / "all", [shard])
    assert merged.damaged == {place.parent: f"{name}: cannot be read (no regular file)"}
    assert merged.copied == 2
    assert not (tmp_path / "all" / SPECS[1].id).exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_target_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    assert main(["merge", str(tmp_path / "closed" / "all"), str(run(tmp_path / "1", SPECS[:1]))]) == ExitCode.USAGE
