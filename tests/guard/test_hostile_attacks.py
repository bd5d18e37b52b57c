"""Hostile attacks beside a good one in one benchmark: each fails with its line, the good one is finished."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml
from deeds import DEEDS, Deed
from forked import Forked
from once import once

from mebench.cli import main
from mebench.results.trial_folder import TrialFolder, trial_folders
from mebench.run.engine import handle

VICTIM = {
    "data": {"name": "fashion-mnist-10k", "rows": [0, 600]},
    "image_size": [8, 8],
    "network": "mlp",
    "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.003},
}
GOOD = {"attack": "noise", "channel": "probability", "parameters": {"batch_size": 50}}
COMMAND = "import sys; from mebench.cli import main; sys.exit(main(sys.argv[1:]))"
SURVIVED = [deed for deed in DEEDS if not deed.killed]


class Outcome:
    """One run of a benchmark with hostile attacks and then a good one.

    Args:
        folder: for all its files.
        deeds: of the hostile attacks.
        workers: processes; 0 for all in one.
    """

    def __init__(self, folder: Path, deeds: list[Deed], workers: int) -> None:
        (folder / "plugins").mkdir(parents=True)
        for deed in deeds:
            deed.write(folder / "plugins")
        write_benchmark(folder, deeds)
        arguments = ["--plugin-dir", "plugins", "run", "b.yaml", "--out", "out", "--json", "--workers", str(workers)]
        if workers:  # no attack is run in this process
            self.code, self.out, self.err = called(folder, [*arguments, "--timeout", "20"])
        else:  # nothing hangs
            process = Forked(COMMAND, [*arguments, "--timeout", "200"], folder, folder / "err.txt")
            self.out, _ = process.communicate(timeout=1000)
            self.code, self.err = process.returncode, (folder / "err.txt").read_text()
        self._trials = {trial.spec().attack.name: trial for trial in trial_folders(folder / "out")}

    def trial(self, attack: str) -> TrialFolder:
        """The folder of an attack's trial."""
        return self._trials[attack]


def called(folder: Path, arguments: list[str]) -> tuple[int, str, str]:
    """Exit code and output of a command that is run in this process, which has a fork server already."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(folder)
        patch.setattr(handle, "STOP_GRACE_SECONDS", 1.0)
        code = main(arguments)
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def apart() -> Outcome:
    """Each trial in a process of its own."""
    return once("hostile-apart", lambda folder: Outcome(folder, list(DEEDS), 2))


@pytest.fixture(scope="module")
def together() -> Outcome:
    """All trials one after another in one process."""
    return once("hostile-together", lambda folder: Outcome(folder, SURVIVED, 0))


def write_benchmark(folder: Path, deeds: list[Deed]) -> Path:
    """The benchmark of hostile attacks and a good one."""
    attacks = [*({"attack": deed.name, "channel": "label"} for deed in deeds), GOOD]
    run = {"victims": ["tiny"], "clone": "mlp", "budgets": [200], "attacks": attacks}
    quick = {"scale": "reduced", "evaluations": 2, "references": ["victim"], "runs": [run]}
    file = {"name": "both", "victims": {"tiny": VICTIM}, "profiles": {"quick": quick}}
    (folder / "b.yaml").write_text(yaml.safe_dump(file))
    return folder / "b.yaml"


def check(deed: Deed, outcome: Outcome) -> None:
    trial = outcome.trial(deed.name)
    if not deed.line:
        assert trial.status == "finished", trial.failure()["reason"]
        assert not deed.flag or deed.flag in trial.result()["flags"]
        return
    assert trial.status == "failed"
    assert trial.failure()["reason"] == deed.reason
    assert f": {deed.reason}" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.title)
def test_a_hostile_attack_fails_by_itself_with_a_line_that_names_it(deed: Deed, apart: Outcome) -> None:
    check(deed, apart)


@pytest.mark.slow
@pytest.mark.parametrize("deed", SURVIVED, ids=lambda deed: deed.title)
def test_it_fails_with_the_same_line_in_the_process_of_others(deed: Deed, together: Outcome) -> None:
    check(deed, together)


@pytest.mark.slow
def test_the_run_goes_on_to_its_end_and_says_how_it_went(apart: Outcome, together: Outcome) -> None:
    for outcome in (apart, together):
        assert outcome.code == 3
        rows = {row["attack"]: row["status"] for row in json.loads(outcome.out)["rows"]}
        assert rows["noise"] == "finished"
        assert rows["evil-stdout"] == "finished"
        assert rows["evil-working-directory"] == "failed"
    assert "Traceback" not in apart.err


@pytest.mark.slow
def test_what_is_let_pass_is_in_the_log(apart: Outcome) -> None:
    assert '{"not": "json"' in apart.trial("evil-stdout").log.read_text()
    assert "OMP_NUM_THREADS, PATH" in apart.trial("evil-environment-variables").log.read_text()


@pytest.mark.slow
def test_the_good_attack_has_the_result_that_it_has_alone(apart: Outcome, together: Outcome, tmp_path: Path) -> None:
    assert main(["run", str(write_benchmark(tmp_path, [])), "--out", str(tmp_path / "alone"), "--workers", "0"]) == 0
    (alone,) = (trial for trial in trial_folders(tmp_path / "alone") if trial.spec().attack.name == "noise")
    for name in ("curve.jsonl", "clone.safetensors"):
        expected = (alone.path / name).read_bytes()
        for outcome in (apart, together):
            assert (outcome.trial("noise").path / name).read_bytes() == expected, name
