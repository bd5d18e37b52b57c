"""``mebench check``: the conformance kit on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import ConfigurationError
from mebench.api.exit_codes import ExitCode
from mebench.api.plurals import counted
from mebench.cli import completion
from mebench.cli.output import OutputFolder
from mebench.cli.values import pairs, parameter_values
from mebench.cli.words import OneOf

if TYPE_CHECKING:
    from mebench.testing import Verdict
    from mebench.testing.checks import Kit
    from mebench.testing.target import UnderTest

KINDS = ("attack", "defence", "recovery", "detector")


@click.command()
@click.argument("name", required=False, shell_complete=completion.completing(completion.registered(*KINDS)))
@click.option(
    "--kind",
    type=OneOf(KINDS),
    help="What NAME is, if several kinds have that name; with --list: whose checks.",
)
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True, help="Replace a default; repeatable.")
@click.option("--channel", "channels", metavar="CHANNEL", multiple=True, help="Run on this channel only; repeatable.")
@click.option("--expect", "expected", metavar="CHECK=WHY", multiple=True, help="Expect a check to fail; repeatable.")
@click.option("--only", "only", metavar="CHECK", multiple=True, help="Run this check only; repeatable.")
@click.option(
    "--pictures",
    type=OutputFolder(),
    metavar="DIR",
    help="Where pictures of what is found are kept: a query beside the image that it was made of.",
)
@click.option("--list", "list_", is_flag=True, help="List the checks and what each proves.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(
    name: str | None,
    kind: str | None,
    settings: Sequence[str],
    channels: Sequence[str],
    expected: Sequence[str],
    only: Sequence[str],
    pictures: Path | None,
    list_: bool,
    as_json: bool,
) -> int:
    """Check whether the attack, defence, recovery or detector NAME does what results rest on.

    Of an attack: budget, oracle, seeds, resuming, global state. Of the others: valid answers whatever the batches,
    resuming, and what they say of themselves.

    Checks run an attack some hundred times before tiny victims, so give values that make it quick: batches of about
    32, small networks, short windows. Exit code 1 if a check fails, or passes though --expect says otherwise.

    \b
    Examples:
      mebench check --list
      mebench check random-pool --set rounds=3 --set epochs=15
      mebench check noise --set batch_size=32 --expect 'beats_noise=it is noise'
      mebench check near-duplicates --set window=20
    """
    from mebench.testing.checks import KITS

    if list_:
        return _list([kit for kit in KITS if kind in (None, kit.kind.kind)], as_json)
    if name is None:
        raise click.UsageError("which attack? `mebench list attacks` shows them")
    kit = _kit(name, kind)
    known = [one.__name__ for one in kit.checks]
    target = _target(kit, name, parameter_values("--set", settings), channels, pairs("--expect", expected), pictures)
    target.check_names(known)
    _check_only(only, known)
    target.resolved()
    verdicts = _run(target, kit, only, quiet=as_json)
    if as_json:
        click.echo(json.dumps({kit.kind.kind: name, "checks": [_plain(one) for one in verdicts]}, indent=1))
    else:
        _print(name, verdicts)
    return ExitCode.FINE if all(one.good for one in verdicts) else ExitCode.WORSE


def _kit(name: str, kind: str | None) -> Kit:
    """The checks of what has that name; where nothing has, of what has one like it."""
    from mebench.api.suggestions import nearest
    from mebench.registry.catalogue import registry
    from mebench.testing.checks import KITS

    if kind is not None:
        return next(kit for kit in KITS if kit.kind.kind == kind)
    found = [kit for kit in KITS if name in registry().names(kit.kind)]
    if len(found) > 1:
        raise ConfigurationError(f"{name}: is {' and '.join(kit.kind.phrase for kit in found)}; say which by --kind")
    found += [kit for kit in KITS if nearest(name, registry().names(kit.kind))]
    return (found or KITS)[0]


def _target(
    kit: Kit,
    name: str,
    values: Mapping[str, Any],
    channels: Sequence[str],
    reasons: Mapping[str, str],
    pictures: Path | None,
) -> UnderTest:
    from mebench.testing import AttackUnderTest

    if kit.target is AttackUnderTest:
        target = AttackUnderTest(name, values, tuple(channels), reasons, pictures=pictures)
        _ = target.channel_entries  # looks the names up
        return target
    if channels:
        raise ConfigurationError(f"--channel: only attacks are checked on channels, and {name} is {kit.kind.phrase}")
    made: Any = kit.target
    return made(name, values, reasons)  # type: ignore[no-any-return]


def _run(target: UnderTest, kit: Kit, only: Sequence[str], quiet: bool) -> list[Verdict]:
    """Run the checks, with a counter on a terminal."""
    import contextlib
    import io

    from rich.progress import track

    from mebench.run.console import PlainConsole
    from mebench.testing import run_check

    chosen = [one for one in kit.checks if not only or one.__name__ in only]
    screen = PlainConsole(stderr=True, quiet=quiet)
    shown = track(chosen, f"checking {target.name}", console=screen, transient=True, disable=not screen.is_terminal)
    verdicts = []
    for one in shown:
        with contextlib.redirect_stdout(io.StringIO()):  # what a plugin prints is no part of the table
            verdicts.append(run_check(one, target))
    return verdicts


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {**asdict(verdict), "good": verdict.good}


def _print(name: str, verdicts: Sequence[Verdict]) -> None:
    from mebench.cli.screen import console, print_table

    screen = console()
    print_table(screen, ("check", "result", "why"), [(one.check, one.state, one.why) for one in verdicts], wrap=["why"])
    for one in verdicts:
        if one.picture:
            screen.print(f"{one.check}: see {one.picture}", soft_wrap=True, highlight=False, markup=False)
    bad = sum(not one.good for one in verdicts)
    checks = counted(len(verdicts), "check")
    screen.print(f"{name}: {bad} of {checks} failed" if bad else f"{name}: conforms ({checks})")


def _list(kits: Sequence[Kit], as_json: bool) -> int:
    from mebench.cli.screen import console, print_table
    from mebench.testing.checks import summary

    rows = [(kit.kind.kind, one.__name__, summary(one)) for kit in kits for one in kit.checks]
    if as_json:
        told = [{"kind": kind, "check": name, "proves": text} for kind, name, text in rows]
        click.echo(json.dumps(told, indent=1))
    else:
        print_table(console(), ("of", "check", "what it proves"), rows, wrap=["what it proves"])
    return 0


def _check_only(only: Sequence[str], known: Sequence[str]) -> None:
    from mebench.api.suggestions import did_you_mean

    unknown = [f"--only: no check {name!r}{did_you_mean(name, known)}" for name in only if name not in known]
    if unknown:
        raise ConfigurationError(*unknown)
