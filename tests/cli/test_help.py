"""Help texts of commands with many options, and options that take one of a few words."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from mebench.api.errors import ConfigurationError
from mebench.cli import cli, main
from mebench.cli.how import run_options
from mebench.cli.sections import OTHERS, SECTIONS, sections


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found
    return found


@pytest.mark.parametrize("name", ["run", "rerun", "plan", "compare"])
def test_each_option_of_a_long_command_is_below_one_heading_and_none_is_left(name: str) -> None:
    found = dict(sections(command(name).params))
    assert OTHERS not in found
    assert [title for title in SECTIONS if title in found] == list(found)
    assert sum(map(len, found.values())) == sum(isinstance(one, click.Option) for one in command(name).params)


def test_the_help_of_run_has_its_options_in_sections(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    titles = ["Which trials:\n", "Where they run:\n", "Limits:\n", "Results:\n", "Watching:\n", "Others:\n"]
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    assert places[1] < text.index("  --engine") < places[2] < text.index("  --max-failures") < places[3]


def test_what_says_how_a_run_goes_says_so_of_a_rerun_too() -> None:
    both = [{one.name for one in command(name).params} for name in ("run", "rerun")]
    own = {"file", "profile", "only", "overrides", "seeds", "shard", "keep_other_code", "out"}
    assert both[0] - both[1] == own
    assert both[1] - both[0] == {"trials", "failed", "place"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "table1", "--engine", "dsak"], "'--engine': there is no 'dsak'. Did you mean 'dask'?"),
        (["rerun", "--failed", "--cluster", "slrum"], "'--cluster': there is no 'slrum'. Did you mean 'slurm'?"),
        (["plot", ".", "--kind", "curvs"], "'--kind': there is no 'curvs'. Did you mean 'curves'?"),
        (["leaderboard", ".", "--format", "zzz"], "'--format': there is no 'zzz'. Known: text, md, csv, json, latex"),
    ],
)
def test_a_misspelt_word_of_few_is_told_the_nearest(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert f"Error: Invalid value for {said}\n" in capsys.readouterr().err


def test_options_that_do_not_go_together_are_told_as_they_are_written(tmp_path: Path) -> None:
    how = dict.fromkeys(("engine", "workers", "scheduler", "cluster", "per_gpu", "stall"))
    how |= {"cluster_options": tmp_path, "loggers": (), "logger_settings": ()}
    with pytest.raises(ConfigurationError, match=r"^--cluster-options needs --cluster"):
        run_options(tmp_path, how)
