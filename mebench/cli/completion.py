"""What a shell completes besides commands and options: names of benchmarks, profiles, trials and registered things.

Imports no torch. Where a name cannot be told, as in a file with mistakes, nothing is completed and nothing is said.
docs/benchmark-files.md says how completion is switched on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from mebench.api.notices import notices_to
from mebench.cli.plugin_folders import add_folders

Names = Callable[[click.Context], Iterable[str]]
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def completing(names: Names) -> Complete:
    """What an argument or option takes as ``shell_complete``.

    Args:
        names: all that may stand there, by what has been written before.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in _known(names, context) if name.startswith(incomplete)]

    return complete


def benchmarks(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of benchmarks and files of this folder; where none begins so, the shell looks for files."""
    found = completing(_benchmarks)(context, parameter, incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def only(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What ``--only`` may name of the file that was written before; ids of trials once something is written."""
    sign, text = ("!", incomplete[1:]) if incomplete.startswith("!") else ("", incomplete)
    forms = [name for name in _known(_forms, context) if name.startswith(text)]
    return [CompletionItem(sign + name) for name in forms]


def profiles(context: click.Context) -> Iterator[str]:
    """Profiles of the file that was written before."""
    from mebench.plan.file import load_benchmark

    yield from load_benchmark(_file(context)).profiles


def registered(*kinds: str) -> Names:
    """Names of the kinds of entries, such as ``attack``; of all kinds without any."""

    def names(context: click.Context) -> Iterator[str]:
        from mebench.registry.catalogue import registry
        from mebench.registry.entries import KINDS

        for kind in KINDS:
            if not kinds or kind.kind in kinds:
                yield from registry().names(kind)

    return names


def kinds(context: click.Context) -> Iterator[str]:
    """The kinds of entries, as ``mebench list`` takes them."""
    from mebench.registry.entries import KINDS

    return (kind.plural for kind in KINDS)


def shipped_benchmarks(context: click.Context) -> Iterable[str]:
    """The benchmarks that come with mebench."""
    from mebench.plan.file.shipped import shipped

    return shipped()


def _benchmarks(context: click.Context) -> Iterator[str]:
    from mebench.plan.file.shipped import SUFFIXES

    yield from shipped_benchmarks(context)
    yield from sorted(file.name for file in Path().iterdir() if file.suffix in SUFFIXES)


def _forms(context: click.Context) -> list[str]:
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import make_plan

    planned = make_plan(load_benchmark(_file(context)), context.params.get("profile"))
    forms: dict[str, None] = {}
    for trial in planned.trials:
        attack, variant, victim, channel = planned.names(trial)
        forms |= dict.fromkeys((attack, f"{attack}/{variant}", f"{attack}/{variant}/{victim}/{channel}"))
    return [*forms, *planned.ids]


def _file(context: click.Context) -> str:
    """The benchmark that was written; before an option without its value, click leaves arguments as they are."""
    return str(context.params.get("file") or context.params.get("benchmark") or context.args[0])


def _known(names: Names, context: click.Context) -> list[str]:
    """All names, without a word on what goes wrong."""
    undo = add_folders(context.find_root().params.get("folders") or ())
    try:
        with notices_to(lambda line: None), contextlib.suppress(Exception):
            return list(names(context))
    finally:
        undo()
    return []
