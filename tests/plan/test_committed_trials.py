"""Trials whose results are committed are still the trials that their benchmark plans: no id has changed."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from mebench.plan.file import Benchmark, load_benchmark
from mebench.plan.plan import make_plan

ROOT = Path(__file__).resolve().parents[2]
MOST_SEEDS = 5


def committed(profile: Path) -> set[str]:
    """The ids of the trials behind a folder of committed rows; the victim's own row has none."""
    rows = [json.loads(file.read_text(encoding="utf-8"))["row"] for file in profile.glob("*.json")]
    return {seed["trial"] for row in rows if row["attack"] != "victim" for seed in row["per_seed"]}


@functools.cache
def benchmarks() -> list[Benchmark]:
    return [load_benchmark(file) for file in sorted((ROOT / "benchmarks").glob("*.yaml"))]


def planned(name: str, profile: str) -> set[str]:
    having = [one for one in benchmarks() if one.name == name and profile in one.profiles]
    return {trial for one in having for trial in make_plan(one, profile, seeds=MOST_SEEDS).ids}


@pytest.mark.parametrize("profile", sorted((ROOT / "results").glob("*/*")), ids=lambda path: path.parent.name)
def test_a_committed_trial_is_planned_under_its_id(profile):
    there = committed(profile)
    assert there
    assert not there - planned(profile.parent.name, profile.name)
