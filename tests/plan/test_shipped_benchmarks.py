"""The benchmark files that ship with mebench."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from mebench.cli.plan import plan
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan

FILES = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.yaml"))
SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROFILES = [(file, profile) for file in FILES for profile in yaml.load(file.read_text(), SAFE)["profiles"]]
NAMES = [f"{file.stem}-{profile}" for file, profile in PROFILES]


@pytest.mark.parametrize(("file", "profile"), PROFILES, ids=NAMES)
def test_every_profile_of_every_file_can_be_planned(tmp_path, file, profile):
    arguments = [str(file), "--profile", profile, "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(plan, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert " new; " in result.output


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_reported_number_is_of_a_row_at_the_papers_scale(file):
    benchmark = load_benchmark(file)
    assert [*benchmark.profiles] == [profile for of, profile in PROFILES if of == file]
    rows = {
        (trial.attack.name, trial.variant, trial.victim.name, trial.budget)
        for name, profile in benchmark.profiles.items()
        if profile.scale == "paper"
        for trial in make_plan(benchmark, name).trials
    }
    assert rows or not benchmark.reported
    for number in benchmark.reported:
        found = [
            row
            for row in rows
            if (row[0], row[2], row[3]) == (number.attack, number.victim, number.budget)
            and number.variant in (None, row[1])
        ]
        assert found, number


def test_the_quick_profile_needs_no_data_but_what_ships():
    for file in FILES:
        benchmark = load_benchmark(file)
        victims = make_plan(benchmark, benchmark.first_profile).victims()
        assert {victim.data.name for victim in victims} <= {"fashion-mnist-10k", "made-up-topics"}, file.name


def test_the_tables_of_mega_that_look_at_the_same_trials_share_them():
    files = [file for file in FILES if file.stem in ("mega_table2", "mega_table3", "mega_table4")]
    assert len(files) == 3
    benchmarks = [load_benchmark(file) for file in files]
    assert len({benchmark.name for benchmark in benchmarks}) == 1
    for profile in benchmarks[0].profiles:
        plans = [make_plan(benchmark, profile) for benchmark in benchmarks]
        assert plans[0].ids.keys() == plans[1].ids.keys() == plans[2].ids.keys()
        assert len({plan.settings.note for plan in plans}) == 1


@pytest.mark.parametrize("profile", ["quick", "cpu-hour", "paper"])
def test_the_frameworks_tables_3_and_4_share_the_trials_that_both_show(profile):
    """Those with labels and the usual number of rounds, as the paper's own tables do."""
    third, fourth = (
        load_benchmark(file) for file in FILES if file.stem in ("activethief_table3", "activethief_table4")
    )
    shared = make_plan(fourth, profile).ids.keys() & make_plan(third, profile).ids.keys()
    assert {name for name, trial in make_plan(fourth, profile).ids.items() if _usual(trial)} == shared


def _usual(trial):
    return trial.channel.name == "label" and "N=" not in trial.variant


def test_the_frameworks_reported_numbers_are_all_there():
    """Tables 3 to 5 have 4 data sets each; one line of noise cannot be read."""
    counts = {
        file.stem: len(load_benchmark(file).reported) for file in FILES if file.stem.startswith("activethief_table")
    }
    assert counts["activethief_table3"] == 4 * 5 * 5 + 4 * 2 - 1
    assert counts["activethief_table4"] == 4 * 3
    assert counts["activethief_table5"] == 4 * 3 * 3


def test_the_ensemble_wins_13_of_the_20_columns_of_table_3():
    """An invariant of the paper that shows a number copied wrongly."""
    (file,) = (file for file in FILES if file.stem == "activethief_table3")
    columns = {}
    for number in load_benchmark(file).reported:
        if number.attack == "activethief":
            columns.setdefault((number.victim, number.budget), {})[number.variant] = number.fidelity
    assert len(columns) == 20
    winners = [max(column, key=column.get) for column in columns.values()]
    assert {name: winners.count(name) for name in set(winners)} == {"dfal+k-center": 13, "k-center": 5, "dfal": 2}
    assert sum(column["dfal+k-center"] > column["dfal"] for column in columns.values()) == 15
