"""The table and the floors of benchmarks/perf, on numbers made up."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).parents[2] / "benchmarks" / "perf" / "ratios.py"
GENERATOR = "generator, forward, B=64"


@pytest.fixture(scope="module")
def ratios():
    spec = importlib.util.spec_from_file_location("perf_ratios", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["perf_ratios"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["perf_ratios"]


def written(tmp_path, *cases):
    one = [
        {"group": group, "name": role, "stats": {"min": seconds}, "extra_info": {"role": role, **extra}}
        for group, role, seconds, extra in cases
    ]
    machine = {"cpu": {"brand_raw": "a processor", "count": 2}, "processor": "", "python_version": "3.11"}
    path = tmp_path / "perf.json"
    about = {"machine_info": machine, "datetime": "2026-01-02T03:04:05", "calibration": {"gflops": 50.0, "side": 1024}}
    path.write_text(json.dumps({"benchmarks": one, **about}))
    return path


def test_a_ratio_is_plain_time_over_its_time_within_a_group(tmp_path, ratios):
    path = written(tmp_path, ("a", "plain", 3.0, {}), ("a", "quick", 1.5, {}), ("b", "quick", 9.0, {}))
    found = {(one.case.group, one.case.role): one.ratio for one in ratios.compared(ratios.read(path)[0])}
    assert found == {("a", "plain"): None, ("a", "quick"): 2.0, ("b", "quick"): None}


def test_a_lever_that_is_lost_is_told_and_one_that_is_kept_is_not(tmp_path, ratios):
    floor = ratios.FLOORS[GENERATOR]["folded"]
    lost = written(tmp_path, (GENERATOR, "plain", 1.0, {}), (GENERATOR, "folded", 1.0 / (floor - 0.1), {}))
    assert ratios.lost(ratios.read(lost)[0]) == [
        f"{GENERATOR}: folded is {floor - 0.1:.2f} times as fast as plain, at least {floor} is expected"
    ]
    kept = written(tmp_path, (GENERATOR, "plain", 1.0, {}), (GENERATOR, "folded", 1.0 / (floor + 0.1), {}))
    assert ratios.lost(ratios.read(kept)[0]) == []


def test_the_table_names_the_machine_and_what_was_measured_besides(tmp_path, ratios):
    path = written(tmp_path, ("a", "plain", 0.25, {"peak_bytes": 12_000_000}), ("a", "quick", 0.0001, {}))
    text = ratios.as_markdown(*ratios.read(path))
    assert "Measured on 2026-01-02: a processor, 2 cores" in text
    assert "| a | plain | 250.0 ms |  | peak memory + 12 MB |" in text
    assert "|  | quick | 100 µs | 2500.00 |  |" in text


def test_every_floor_is_of_a_case_that_is_marked_cheap(ratios):
    sources = "".join(path.read_text() for path in FILE.parent.glob("test_*.py"))
    assert "pytest.mark.cheap" in sources
    for group in ratios.FLOORS:
        assert group.split(",")[0].split(" vg")[0] in sources
