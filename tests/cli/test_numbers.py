"""What numbers the options of commands take."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from mebench.cli import COMMANDS, cli, main
from mebench.cli.numbers import Number


def options(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner
            yield from options(inner)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_of_a_command_takes_nan(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command
    for one in options(command):
        if isinstance(one.type, (click.types.FloatParamType, click.FloatRange)):
            assert isinstance(one.type, Number), one.opts


def test_a_difference_of_nan_points_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", ".", "--pairs", "--detect", "nan"]) == 2
    assert "'nan' is not a number" in capsys.readouterr().err
