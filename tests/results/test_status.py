from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from make_results import BUDGET, make_spec, make_trial

from mebench.api.files import write_json
from mebench.api.spec import TrialSpec
from mebench.cli import main
from mebench.results.damage import Looks, damage
from mebench.results.heartbeat import Heartbeat, heartbeat_of, write_heartbeat
from mebench.results.leaderboard.read.folders import read_trials
from mebench.results.merging import merge
from mebench.results.status import FolderStatus, read_status
from mebench.results.trial_facts import trial_facts
from mebench.results.trial_folder import TrialFolder
from mebench.results.trial_names import NamedTrial

SPECS = [make_spec("dfme", seed=seed) for seed in range(8)]
IDS = [spec.id for spec in SPECS]
HERE = Heartbeat.begun("cpu")
ELSEWHERE = replace(HERE, host="node7", pid=12, machine="@elsewhere", phase="attack", total=BUDGET)


def beat(root: Path, number: int, sign: Heartbeat, age: float = 0.0) -> None:
    """Let a trial that has begun have given a sign."""
    folder = TrialFolder.of(root, SPECS[number])
    folder.begin(SPECS[number])
    path = heartbeat_of(folder.log)
    write_heartbeat(path, sign)
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))


def sealed_trial(root: Path, spec: TrialSpec) -> TrialFolder:
    """A finished trial as it is written today."""
    folder = make_trial(root, spec, 0.5)
    folder.finish(folder.result())
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Eight trials, one in each state but two that are done, and two that are new."""
    root = tmp_path / "out"
    for number in (0, 1):
        folder = sealed_trial(root, SPECS[number])
        write_json(folder.path / "timing.json", {"seconds": 100.0})
    beat(root, 2, replace(ELSEWHERE, done=BUDGET // 2, rate=1000.0, accuracy=0.25, device="cuda:1"))
    failed = TrialFolder.of(root, SPECS[3])
    failed.begin(SPECS[3])
    failed.fail(SPECS[3], "killed by SIGKILL", cause="out of memory")
    beat(root, 4, ELSEWHERE, age=1000)
    TrialFolder.of(root, SPECS[5]).begin(SPECS[5])
    write_json(
        root / "benchmark.json",
        {"format": 1, "name": "little", "title": "A little one", "profile": "quick", "trials": IDS},
    )
    return root


def test_every_trial_is_in_the_state_that_its_files_tell(root: Path) -> None:
    found = read_status(root)
    states = ["done", "done", "running", "failed", "lost", "partial", "new", "new"]
    assert [(trial.id, trial.state) for trial in found.trials] == list(zip(IDS, states, strict=True))
    assert (found.name, found.title, found.profile) == ("little", "A little one", "quick")


def test_failures_have_their_causes_and_those_of_older_versions_are_errors(root: Path) -> None:
    folder = TrialFolder.of(root, SPECS[6])
    folder.fail(SPECS[6], "no luck")
    write_json(folder.path / "failure.json", {"reason": "no luck"})
    shutil.rmtree(root / IDS[5])
    (root / IDS[5]).mkdir()
    (root / IDS[5] / "failure.json").write_text("{")
    found = read_status(root).failures()
    assert {cause: [trial.id for trial in trials] for cause, trials in found.items()} == {
        "error": [IDS[5], IDS[6]],
        "out of memory": [IDS[3]],
    }
    assert found["error"][1].reason == "no luck"
    assert "not valid JSON" in found["error"][0].reason


def test_time_left_is_by_what_runs_and_by_what_took_others_of_the_row(root: Path) -> None:
    left = read_status(root).left
    assert left is not None
    assert left.whole
    assert 500 < left.seconds <= BUDGET / 2 / 1000 + 5 * 100


def test_without_a_finished_trial_time_left_is_by_the_rate_of_what_runs(root: Path) -> None:
    for number in (0, 1):
        shutil.rmtree(root / IDS[number])
    left = read_status(root).left
    assert left is not None
    assert left.whole
    assert 300 < left.seconds <= (BUDGET / 2 + 7 * BUDGET) / 1000


def test_epochs_of_a_reference_per_second_say_nothing_of_queries(root: Path) -> None:
    for number in (0, 1):
        shutil.rmtree(root / IDS[number])
    beat(root, 2, replace(ELSEWHERE, done=4, total=10, rate=0.5, unit="epochs"))
    left = read_status(root).left
    assert left is not None
    assert left.seconds == pytest.approx(12, abs=2)
    assert not left.whole


def test_where_nothing_runs_no_time_is_left_that_could_be_told(root: Path) -> None:
    heartbeat_of(root / IDS[2] / "log.txt").unlink()
    assert read_status(root).left is None


def test_queries_and_rate_are_of_all_trials(root: Path) -> None:
    found = read_status(root)
    assert found.queries == (2 * BUDGET + BUDGET // 2, 8 * BUDGET)
    assert (found.rate, found.done_in_an_hour) == (1000, 2)


def test_a_trial_that_is_tried_again_runs_although_it_has_failed_before(root: Path) -> None:
    write_heartbeat(heartbeat_of(root / IDS[3] / "log.txt"), ELSEWHERE)
    assert read_status(root).trials[3].state == "running"


def test_a_sign_that_a_process_has_left_behind_makes_no_finished_or_failed_trial_run(root: Path) -> None:
    for number in (0, 3):
        path = heartbeat_of(root / IDS[number] / "log.txt")
        write_heartbeat(path, ELSEWHERE)
        os.utime(path, (1000, 1000))
    found = read_status(root)
    assert [found.trials[number].state for number in (0, 3)] == ["done", "failed"]


def test_a_trial_whose_folder_is_held_runs_without_a_sign_too(root: Path) -> None:
    with TrialFolder.of(root, SPECS[5]).locked():
        trial = read_status(root).trials[5]
    assert (trial.state, trial.beat) == ("running", None)
    assert trial.holder.startswith(f"process {os.getpid()} on ")


def test_victims_that_are_prepared_are_shown_while_they_are(root: Path) -> None:
    (root / "logs").mkdir()
    path = heartbeat_of(root / "logs" / "victim-tiny.txt")
    write_heartbeat(path, replace(ELSEWHERE, phase="victim", unit="epochs", done=3, total=10))
    assert list(read_status(root).victims) == ["victim tiny"]
    os.utime(path, (1000, 1000))
    assert read_status(root).victims == {}


@pytest.mark.parametrize("facts", [None, "{", "[]", '{"trials": 5, "name": 7}'])
def test_a_folder_without_its_facts_is_told_by_its_trials(root: Path, facts: str | None) -> None:
    (root / "benchmark.json").unlink() if facts is None else (root / "benchmark.json").write_text(facts)
    assert len(read_status(root).trials) == 6


Show = Callable[..., str]


@pytest.fixture
def shown(root: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    def show(*options: str) -> str:
        assert main(["status", str(root), *options]) == 0
        return capsys.readouterr().out

    return show


def test_the_command_says_what_runs_where_how_far_how_fast_and_why_others_failed(shown: Show, root: Path) -> None:
    lines = shown().splitlines()
    assert lines[0] == f"A little one, profile quick: {root}"
    assert lines[1] == "8 trials: 2 done, 1 running, 1 failed, 1 lost, 1 half-run, 2 not begun"
    assert lines[2].startswith("125,000 of 400,000 queries (31 %), 1K per s, 2 trials done within an hour, about ")
    assert lines[3].split() == ["running", "where", "done", "per", "s", "left", "accuracy"]
    words = [IDS[2].rpartition("-")[0], "node7:12", "cuda:1", "25K/50K", "1K"]
    assert lines[4].split()[:5] == words
    assert lines[4].endswith("25.0 %")
    assert lines[5:7] == ["failed, out of memory: 1 trial", f"  {IDS[3].rpartition('-')[0]}: killed by SIGKILL"]
    assert lines[7].startswith(f"lost: {IDS[4].rpartition('-')[0]}: process 12 on node7 has given no sign for 1")


def test_a_run_that_nobody_goes_on_with_says_so(root: Path, shown: Show) -> None:
    heartbeat_of(root / IDS[2] / "log.txt").unlink()
    assert "nothing runs: the same mebench run goes on from here" in shown()


def test_json_holds_what_is_shown(shown: Show) -> None:
    (found,) = json.loads(shown("--json"))
    assert found["states"] == {"done": 2, "running": 1, "failed": 1, "lost": 1, "partial": 1, "new": 2}
    assert (found["running"][0]["id"], found["running"][0]["host"]) == (IDS[2], "node7")
    assert found["failed"] == {"out of memory": [{"id": IDS[3], "reason": "killed by SIGKILL"}]}


def test_watching_ends_by_itself_when_all_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_trial(tmp_path / "out", SPECS[0], 0.5)
    assert main(["status", str(tmp_path / "out"), "--watch"]) == 0
    block = capsys.readouterr().out.splitlines()
    assert block[0].startswith("--- 20")
    assert block[2] == "1 trial: 1 done"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_ctrl_c_ends_watching_as_it_should(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    looks: list[float] = []

    def interrupted(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("mebench.cli.status.time.sleep", interrupted)
    assert main(["status", str(root), "--watch", "--interval", "7", *options]) == 0
    assert looks == [7, 7]
    said = capsys.readouterr()
    assert said.err == ""
    blocks = said.out.count("8 trials: ") if not options else len([json.loads(line) for line in said.out.splitlines()])
    assert blocks == 2


def test_words_from_files_are_fit_for_a_terminal(root: Path, shown: Show) -> None:
    folder = TrialFolder.of(root, SPECS[6])
    folder.fail(SPECS[6], "bad \x1b[31m words")
    assert "\x1b" not in shown()


def test_nothing_of_it_imports_torch_or_pandas(root: Path) -> None:
    import subprocess
    import sys

    code = "import sys; from mebench.cli import main; main(['status', sys.argv[1]]); "
    code += "print([name for name in ('torch', 'pandas', 'numpy', 'pydantic') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def edit(folder: TrialFolder) -> None:
    write_json(folder.path / "result.json", folder.result() | {"flags": ["mine"]})


def in_place_of(name: str) -> Callable[[TrialFolder], None]:
    def put(folder: TrialFolder) -> None:
        (folder.path / name).unlink()
        (folder.path / name).mkdir()

    return put


DAMAGES: dict[str, Callable[[TrialFolder], object]] = {
    "result cut": lambda folder: os.truncate(folder.path / "result.json", 100),
    "result empty": lambda folder: os.truncate(folder.path / "result.json", 0),
    "result a list": lambda folder: (folder.path / "result.json").write_text("[]"),
    "result no text": lambda folder: (folder.path / "result.json").write_bytes(b"\xff\xfe"),
    "result edited": edit,
    "result a folder": in_place_of("result.json"),
    "curve lost": lambda folder: (folder.path / "curve.jsonl").unlink(),
    "curve cut": lambda folder: os.truncate(folder.path / "curve.jsonl", 150),
    "curve a folder": in_place_of("curve.jsonl"),
    "another trial's": lambda folder: shutil.copytree(folder.path.parent / IDS[1], folder.path, dirs_exist_ok=True),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_all_that_read_results_take_the_same_for_damage_and_say_the_same_of_it(
    root: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = TrialFolder.of(root, SPECS[0])
    DAMAGES[kind](folder)
    problem = damage(folder, IDS[0])
    assert problem
    status = read_status(root).trials[0]
    assert (status.state, status.reason) == ("damaged", problem)
    facts = trial_facts(NamedTrial(root, IDS[0]))
    assert (facts.state, facts.reason) == ("damaged", problem)
    assert merge(root.with_name("merged"), [root]).damaged == {folder.path: problem}
    read = {trial.path: (trial.status, trial.reason) for trial in read_trials(root, [])}
    assert kind == "another trial's" or read[folder.path] == ("invalid", problem)
    assert main(["status", str(root)]) == 0
    assert f"damaged: {IDS[0].rpartition('-')[0]}: {problem}" in capsys.readouterr().out.splitlines()


def test_what_is_damaged_is_left_to_run_and_counts_as_not_done(root: Path, shown: Show) -> None:
    before = read_status(root)
    DAMAGES["curve lost"](TrialFolder.of(root, SPECS[0]))
    found = read_status(root)
    assert (found.counts["done"], found.counts["damaged"]) == (1, 1)
    assert found.queries == (before.queries[0] - BUDGET, 8 * BUDGET)
    (told,) = json.loads(shown("--json"))
    assert told["damaged"] == {IDS[0]: "curve.jsonl holds 0 evaluations, the trial has made 20"}


def test_what_stands_where_a_trial_should_is_damaged(root: Path) -> None:
    (root / IDS[6]).touch()
    assert (read_status(root).trials[6].state, read_status(root).trials[6].reason) == ("damaged", "is no folder")


def test_looking_again_finds_new_damage_and_reads_nothing_that_is_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, read = Looks(), list[str]()
    monkeypatch.setattr("mebench.results.damage.damage", lambda folder, name: read.append(name) or damage(folder, name))
    assert read_status(root, looks).counts["done"] == read_status(root, looks).counts["done"] == 2
    assert read == IDS[:2]
    DAMAGES["result cut"](TrialFolder.of(root, SPECS[0]))
    assert read_status(root, looks).trials[0].state == "damaged"
    assert read[2:] == IDS[:1]


def test_all_is_over_only_when_all_trials_are_done(root: Path) -> None:
    assert not read_status(root).is_over
    done = [replace(trial, state="done") for trial in read_status(root).trials]
    assert FolderStatus(root, "", "", "", tuple(done), {}, 0.0).is_over
