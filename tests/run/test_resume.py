"""A trial that was killed goes on to the same bytes: real trials, real kills."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmark_files import DFME, MEGEX, write_benchmark
from once import once
from test_process_engine import wait_until
from trials import SMALL, tiny_trial

from mebench.api.spec import Component, TrialSpec
from mebench.cli import main
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine import Job, ProcessEngine

SAME = ("result.json", "curve.jsonl", "clone.safetensors", "samples.png")
POOL = {"pool": Component("fashion-mnist-10k", {"rows": [1000, 1400], "root": None}), "data_prior": "problem-domain"}
ROUNDS = {"rounds": 20, "epochs": 10}
TRIALS = {
    "dfme": (lambda: tiny_trial("dfme", budget=3_000, parameters=SMALL, evaluations=20), 50),
    "megex": (lambda: tiny_trial("megex", "vg", budget=3_000, parameters=SMALL, evaluations=20), 50),
    "random-pool": (lambda: tiny_trial("random-pool", "label", budget=400, parameters=ROUNDS, **POOL), 8),
}
"""Trials, and the number of turns within which each try is killed; a whole one has at least twice as many."""


def attempt(spec: TrialSpec, folder: TrialFolder, turns: int | None, seconds: float = 0.0) -> tuple[str, str]:
    """Run the trial in a worker, which is killed so long after so many turns."""
    payload = (spec, folder.path, turns, seconds)
    job = Job("trial", "trial", "engine_fakes:run_trial_and_die", payload, log=folder.log)
    outcome = ProcessEngine(["cpu"]).run([job])["trial"]
    return outcome.ending, outcome.reason


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_killed_at_random_moments_ends_with_the_same_bytes(name: str, tmp_path: Path) -> None:
    make, most_turns = TRIALS[name]
    spec = make()
    whole = TrialFolder.of(tmp_path / "whole", spec)
    assert attempt(spec, whole, None)[0] == "done"

    moments = random.Random(f"moments of {name}")
    folder = TrialFolder.of(tmp_path / "killed", spec)
    reasons, resumed, ending = [], 0, ""
    while ending != "done":
        resumed += folder.checkpoint.exists()
        turns = moments.randint(1, most_turns) if len(reasons) < 8 else None
        ending, reason = attempt(spec, folder, turns, moments.uniform(0, 0.03))
        reasons += [reason] if reason else []
    assert set(reasons) == {"killed by SIGKILL (out of memory?)"}
    assert len(reasons) >= 2
    assert resumed >= 1
    for file in SAME:
        assert (folder.path / file).read_bytes() == (whole.path / file).read_bytes(), file


def command(file: Path, out: Path) -> list[str]:
    return ["run", str(file), "--out", str(out), "--workers", "2"]


COMMANDS = """
import sys
from mebench.cli import main

for out in sys.argv[2:]:
    code = main(["run", sys.argv[1], "--out", out, "--workers", "2"])
    print(f"ended with {code}" + ", and torch" * ("torch" in sys.modules), file=sys.stderr, flush=True)
"""
"""Commands one after another in one process, which share its fork server."""
ENDED = re.compile(r".*?^ended with \d+[^\n]*\n", re.DOTALL | re.MULTILINE)
"""What one of them has said."""


def interruptible(folder: Path) -> Path:
    return write_benchmark(folder, DFME, MEGEX, budget=8_000, evaluations=20)


@pytest.fixture(scope="module")
def runs() -> dict[int, tuple[Path, str]]:
    """The folder of each run, and what it has said: of one that nobody stops, 0, and those that a signal ends."""
    return once("interrupted", run_and_interrupt)


def run_and_interrupt(folder: Path) -> dict[int, tuple[Path, str]]:
    outs = {number: folder / f"out-{number:d}" for number in (0, signal.SIGINT, signal.SIGTERM, signal.SIGKILL)}
    words = [sys.executable, "-c", COMMANDS, str(interruptible(folder)), *map(str, outs.values())]
    said = folder / "said.txt"
    with said.open("w") as stderr:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True)
    for ended, (number, out) in enumerate(outs.items()):
        if number:
            assert wait_until(lambda out=out: len(list(out.glob("*/curve.jsonl"))) == 2, 300)
            os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        if number != signal.SIGKILL:
            assert wait_until(lambda ended=ended: len(ENDED.findall(said.read_text())) > ended, 300)
    process.communicate(timeout=300)  # until the last process that it has started is gone, too
    assert process.returncode == -signal.SIGKILL
    heard = ENDED.findall(said.read_text())
    return {number: (out, text) for (number, out), text in zip(outs.items(), [*heard, ""], strict=True)}


@pytest.mark.slow
def test_the_command_itself_imports_no_torch(runs: dict[int, tuple[Path, str]]) -> None:
    assert runs[0][1].endswith("\nended with 0\n")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_same_command_goes_on_after_an_interruption_to_the_same_bytes(
    runs: dict[int, tuple[Path, str]], number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    uninterrupted, (out, said) = runs[0][0], runs[number]
    if number != signal.SIGKILL:
        assert "stopping: saving checkpoints (Ctrl-C again to kill)\n" in said
        assert said.endswith("stopped: the same command goes on from here\nended with 130\n")
        assert len(list(out.glob("*/checkpoint.safetensors"))) == 2
    assert not list(out.glob("*/result.json"))

    capfd.readouterr()
    assert main(command(out.parent / "benchmark.yaml", out)) == 0
    board, said = capfd.readouterr()
    assert "2 half-run, will go on" in said
    assert "megex" in board
    folders = sorted(path.parent.name for path in uninterrupted.glob("*/result.json"))
    assert folders == sorted(path.parent.name for path in out.glob("*/result.json"))
    for folder in folders:
        for name in SAME:
            assert (out / folder / name).read_bytes() == (uninterrupted / folder / name).read_bytes(), name
    assert not list(out.glob("*/checkpoint.safetensors"))
