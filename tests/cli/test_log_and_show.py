from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.api.files import write_json
from mebench.cli import log as log_module
from mebench.cli import main
from mebench.results.heartbeat import Heartbeat, heartbeat_of, write_heartbeat
from mebench.results.trial_folder import TrialFolder

DONE, FAILED, RUNNING, NEW = (make_spec(attack) for attack in ("dfme", "maze", "dast", "jbda"))
LINES = [f"line {number}" for number in range(100)]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "out"
    done = make_trial(root, DONE, 0.5)
    done.log.write_text("\n".join(LINES) + "\n")
    write_json(done.path / "timing.json", {"seconds": 90.0})
    failed = TrialFolder.of(root, FAILED)
    failed.begin(FAILED)
    failed.fail(FAILED, "ValueError: no luck", "Traceback:\n  in there\n", "error")
    running = TrialFolder.of(root, RUNNING)
    running.begin(RUNNING)
    running.log.write_text("begun\n")
    write_heartbeat(heartbeat_of(running.log), Heartbeat("node7", 12, "@elsewhere", 1.0, done=5, total=10))
    write_json(root / "benchmark.json", {"format": 1, "trials": [one.id for one in (DONE, FAILED, RUNNING, NEW)]})
    return root


@pytest.fixture
def call(root: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--out", str(root)])
        return code, *capsys.readouterr()

    return call


def test_a_log_is_printed_whole_or_its_last_lines(call: Call) -> None:
    assert call("log", "dfme") == (0, "\n".join(LINES) + "\n", "")
    assert call("log", "dfme", "-n", "2")[1] == "line 98\nline 99\n"
    assert call("log", "dfme", "-n", "0")[1] == ""
    assert call("log", "dfme", "-n", "1000")[1] == "\n".join(LINES) + "\n"


def test_the_last_lines_of_a_long_log_without_an_end_are_found(call: Call, root: Path) -> None:
    long = TrialFolder.of(root, DONE).log
    long.write_text("\n".join(["x" * 1000] * 300 + ["the last"]))
    assert call("log", "dfme", "-n", "2")[1] == "x" * 1000 + "\nthe last"


def test_the_path_of_a_log_is_printed_where_that_is_asked_for(call: Call, root: Path) -> None:
    assert call("log", "dfme", "--path")[1] == f"{root / DONE.id / 'log.txt'}\n"


def test_a_trial_without_a_log_says_why(call: Call) -> None:
    assert call("log", "jbda")[0] == 2
    assert "there is no log yet: it has not begun" in call("log", "jbda")[2]
    assert "--workers 0" in call("log", "maze")[2]


@pytest.mark.parametrize("words", [(), ("-n", "2"), ("--follow",)])
def test_a_log_that_is_no_regular_file_is_said_without_waiting_for_it(
    words: tuple[str, ...], call: Call, root: Path
) -> None:
    log = TrialFolder.of(root, DONE).log
    log.unlink()
    os.mkfifo(log)
    assert call("log", "dfme", *words) == (2, "", f"mebench: {log}: cannot be read (no regular file)\n")


def test_the_log_of_a_victim_has_a_name_too(call: Call, root: Path) -> None:
    (root / "logs").mkdir()
    (root / "logs" / "victim-tiny.txt").write_text("epoch 1\n")
    assert call("log", "victim-tiny")[1] == "epoch 1\n"
    assert call("log", "victim-../../secret")[0] == 2


def test_what_a_log_holds_is_fit_for_a_terminal(call: Call, root: Path) -> None:
    TrialFolder.of(root, DONE).log.write_bytes(b"a\x1b[31mb\xff\n")
    assert call("log", "dfme")[1] == "a\ufffd[31mb\ufffd\n"


def test_following_shows_what_is_added_and_ends_with_the_trial(
    call: Call, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "SECONDS", 0.01)
    folder = TrialFolder.of(root, RUNNING)

    def go_on() -> None:
        for number in range(3):
            time.sleep(0.05)
            with folder.log.open("a") as file:
                file.write(f"more {number}\n")
        heartbeat_of(folder.log).unlink()

    writer = threading.Thread(target=go_on)
    writer.start()
    done = call("log", "dast", "--follow")
    writer.join()
    assert done == (0, "begun\nmore 0\nmore 1\nmore 2\n", "")


def test_following_what_is_over_shows_its_last_lines(call: Call) -> None:
    assert call("log", "dfme", "-f") == (0, "\n".join(LINES[-20:]) + "\n", "")


def test_following_waits_for_a_trial_that_has_not_begun(
    call: Call, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = TrialFolder.of(root, NEW)
    monkeypatch.setattr(log_module.time, "sleep", lambda _: make_trial(root, NEW, 0.5).log.write_text("there\n"))
    code, out, err = call("log", "jbda", "-f")
    assert (code, out) == (0, "there\n")
    assert f"waiting for {folder.log}" in err


def test_ctrl_c_ends_following_as_it_should(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(log_module.time, "sleep", interrupt)
    assert call("log", "dast", "-f") == (0, "begun\n", "")


def test_a_log_whose_middle_was_cut_out_meanwhile_is_followed_on(
    call: Call, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TrialFolder.of(root, RUNNING).log
    log.write_text("x" * 1000 + "\n")
    steps = iter(("cut", "more", "end"))

    def go_on(seconds: float) -> None:
        step = next(steps)
        if step == "cut":
            log.write_text("short\n")
        elif step == "more":
            with log.open("a") as file:
                file.write("more\n")
        else:
            heartbeat_of(log).unlink()

    monkeypatch.setattr(log_module.time, "sleep", go_on)
    lines = call("log", "dast", "-f")[1].splitlines()
    assert lines[1:] == ["--- the middle of the log was cut out ---", "more"]


def test_a_finished_trial_is_shown_with_its_settings_scores_and_evaluations(call: Call) -> None:
    code, out, _ = call("show", "dfme")
    assert code == 0
    told = {line[:18].strip(): line[18:].strip() for line in out.splitlines()}
    assert out.startswith(DONE.id)
    assert (told["state"], told["took"], told["victim"], told["seed"]) == ("done", "1.5 min", "fmnist-lenet5", "0")
    assert told["attack"] == "dfme (loss=l1)"
    assert told["accuracy"] == "0.5000"
    assert "(the last 5 of 20 evaluations)" in out


def test_a_failed_trial_is_shown_with_its_reason_and_on_request_its_traceback(call: Call) -> None:
    out = call("show", "maze")[1]
    assert "error: ValueError: no luck" in out
    assert "in there" not in out
    assert "  in there" in call("show", "maze", "--traceback")[1]


def test_a_running_trial_is_shown_with_where_and_how_far_it_is(call: Call) -> None:
    out = call("show", "dast")[1]
    assert "process 12 on node7" in out
    assert "5 of 10 queries" in out


def test_a_damaged_trial_is_shown_with_what_is_wrong_and_without_numbers(call: Call, root: Path) -> None:
    file = root / DONE.id / "result.json"
    file.write_text(file.read_text()[:-20])
    code, out, _ = call("show", "dfme")
    assert code == 0
    assert "damaged" in out
    assert "not valid JSON" in out
    assert "of 20 evaluations" not in out


def test_json_holds_all_evaluations(call: Call) -> None:
    found = json.loads(call("show", "dfme", "--json")[1])
    assert (found["id"], found["state"], len(found["curve"])) == (DONE.id, "done", 20)


def test_a_trial_that_has_not_begun_is_shown_as_such(call: Call) -> None:
    code, out, _ = call("show", "jbda")
    assert (code, out.splitlines()[:2]) == (0, [NEW.id, "state              new"])


def test_a_typo_and_what_is_ambiguous_are_wrong_usage(call: Call) -> None:
    assert call("show", "dmfe")[::2] == (2, "mebench: no trial has 'dmfe' in its id. Did you mean 'dfme'?\n")
    assert "'da' may mean" not in call("show", "dast")[2]
    assert call("log", "l1")[2].startswith("mebench: 'l1' may mean 4 trials, write more of the id: dfme-l1-")
