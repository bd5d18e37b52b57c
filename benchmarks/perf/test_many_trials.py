"""Plans, leaderboards and reports of ten thousand trials, and how soon a command answers.

python -m pytest benchmarks/perf/test_many_trials.py --benchmark-group-by=group
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mebench.api.spec import Component, VictimSpec
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan
from mebench.report.page import render_report
from mebench.results.leaderboard import FORMATS, build_leaderboard

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "helpers"))

from make_results import make_spec, make_trial  # noqa: E402 (lies beside the tests of results)

COMMANDS = {
    "plain": [sys.executable, "-c", "pass"],
    "--help": [sys.executable, "-m", "mebench", "--help"],
    "list attacks": [sys.executable, "-m", "mebench", "list", "attacks"],
    "plan": [sys.executable, "-m", "mebench", "plan", str(ROOT / "benchmarks" / "table1.yaml")],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """2,000 rows of five seeds before twenty victims."""
    root = tmp_path_factory.mktemp("many")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        for victim in range(20):
            for attack in range(100):
                for seed in range(5):
                    named = VictimSpec(f"v{victim}", Component("fashion-mnist"))
                    spec = make_spec(f"a{attack}", seed=seed, victim=named)
                    make_trial(root, spec, 0.4 + attack / 1000 + seed / 100)
    return root


def test_plan(compare):
    benchmark = load_benchmark(ROOT / "benchmarks" / "table1.yaml")
    compare("plan of 10,000 trials", "alone", lambda: make_plan(benchmark, seeds=2500), 3)


def test_leaderboard(compare, folder):
    compare("leaderboard of 10,000 trials", "alone", lambda: FORMATS["text"](build_leaderboard([folder])), 1, 0)


def test_report(compare, folder):
    compare("report of 10,000 trials", "alone", lambda: render_report([folder]), 1, 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_command(benchmark, compare, name):
    """``extra_info`` has the processor time, which a busy machine does not change; ``plain`` is Python's own start."""

    def run():
        subprocess.run(COMMANDS[name], check=True, capture_output=True)

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    benchmark.extra_info["cpu_seconds"] = round(seconds, 3)
    compare("commands, from start to end", name, run, 3, 0)
