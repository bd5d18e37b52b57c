"""What docs/benchmark-files.md shows is true."""

from __future__ import annotations

import re

import pytest

from mebench.plan.file import load_benchmark
from mebench.plan.file.schema import AttackSection, Prices, Profile, Reported, Run, Training, VictimSection
from mebench.plan.plan import make_plan


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "benchmark-files.md").read_text()


def test_the_example_of_the_documentation_can_be_planned(page, tmp_path):
    example = "".join(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    (tmp_path / "table.yaml").write_text(example)
    plan = make_plan(load_benchmark(tmp_path / "table.yaml"))
    assert len(plan.trials) == 2 + 5 * 2 * 2
    assert len(plan.notes()) == 2  # the scale, and that the pool is small
    assert plan.metadata()["prices"]["per_1000_queries"] == {"label": 1.0, "probability": 1.5, "vg": 4.0}


def test_the_overrides_of_the_documentation_can_be_applied(page, tmp_path):
    example = "".join(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL))
    (tmp_path / "table.yaml").write_text(example)
    overrides = re.findall(r"--set '?(\S*=[^'\s]*)", page)
    assert len(overrides) >= 4
    load_benchmark(tmp_path / "table.yaml", [text for text in overrides if text != "KEY=VALUE`"])


@pytest.mark.parametrize("section", [VictimSection, Training, Profile, Run, AttackSection, Reported, Prices])
def test_every_key_of_the_schema_is_documented(page, section):
    for key in section.model_fields:
        assert f"`{key}`" in page, key


def test_every_file_in_benchmarks_can_be_planned_in_every_profile(repository):
    files = sorted((repository / "benchmarks").glob("*.yaml"))
    assert files
    for file in files:
        benchmark = load_benchmark(file)
        for profile in benchmark.profiles:
            assert make_plan(benchmark, profile).trials
