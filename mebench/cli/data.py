"""``mebench data``: which data sets there are, where they lie, and fetching them."""

from __future__ import annotations

import click

from mebench.api.errors import ConfigurationError
from mebench.cli import completion
from mebench.cli.output import say
from mebench.cli.overlap import overlap
from mebench.cli.screen import progress_bar
from mebench.data.layouts import LAYOUTS
from mebench.data.sources import Layout, find, unavailable
from mebench.data.text.layouts import VECTORS
from mebench.registry.entries import DatasetEntry


def _fetchable(context: click.Context) -> list[str]:
    """All that can be named here: data sets and word vectors."""
    return [*completion.registered("dataset")(context), *VECTORS]


_named = click.argument("name", shell_complete=completion.completing(_fetchable))
_root = click.option("--root", metavar="DIR", help="Look in this folder and nowhere else.")


@click.group()
def data() -> None:
    """List data sets and word vectors, show where they lie, and fetch them.

    \b
    Examples:
      mebench data list
      mebench data fetch fashion-mnist
      mebench data fetch glove-6b-100d
    """


@data.command("list")
def list_() -> None:
    """List every data set, and the word vectors, with licence and the place where each was found.

    Looked for in this order: the folder in MEBENCH_DATA, a system package, the cache (MEBENCH_CACHE).
    """
    from mebench.cli.screen import console, print_table
    from mebench.registry.catalogue import registry

    rows = []
    for known in registry().entries(DatasetEntry):
        shape = "x".join(map(str, known.shape)) or "any"
        rows.append((known.name, shape, str(known.num_classes or "any"), known.licence, _found(known)))
    for name, layout in VECTORS.items():
        rows.append((name, "word vectors", "", layout.licence, _place(layout)))
    print_table(console(), ("name", "shape", "classes", "licence", "found"), rows, wrap=["found"])


@data.command()
@_named
@_root
def path(name: str, root: str | None) -> None:
    """Print the folder that holds a data set's files."""
    layout = _layout(name)
    found = find(layout, root)
    if found is None:
        raise unavailable(layout, root)
    click.echo(str(found.folder))


@data.command()
@_named
@_root
def fetch(name: str, root: str | None) -> None:
    """Download a data set or word vectors, if they are nowhere yet, read them once, and print what was read.

    Downloads are checked against published checksums; MEBENCH_OFFLINE=1 forbids them.
    """
    if name in VECTORS:
        _fetch_vectors(name, root)
    else:
        _fetch_dataset(name, root)


def _fetch_vectors(name: str, root: str | None) -> None:
    from mebench.data.text.vectors import PUBLISHED

    if root is not None:
        raise ConfigurationError(f"--root: word vectors {name!r} are looked for in MEBENCH_DATA and the cache alone")
    with progress_bar():
        file = PUBLISHED[name]()
    click.echo(f"{name}: {file.stat().st_size / 2**20:.0f} MB\n{file}")


def _fetch_dataset(name: str, root: str | None) -> None:
    from mebench.api.spec import Component
    from mebench.data.datasets import load_dataset
    from mebench.data.overlap import digests

    entry = _entry(name)
    component = Component(name, {"root": root} if root is not None else {})
    for split in ("train", "test") if entry.has_test else ("train",):
        with progress_bar():
            loaded = load_dataset(component, split)
        different = len(set(digests(loaded.values)))
        twice = "" if different == len(loaded) else f" ({different:,} of them distinct)"
        what = f"{len(loaded):,} {entry.inputs}{twice}, digest {loaded.digest}"
        say(f"{name} {split}: {what}, from: {loaded.source}", stdout=True)
    if name in LAYOUTS and (found := find(LAYOUTS[name], root)):
        click.echo(str(found.folder))


data.add_command(overlap)


def _entry(name: str) -> DatasetEntry:
    from mebench.registry.catalogue import registry

    return registry().get(DatasetEntry, name)


def _layout(name: str) -> Layout:
    if name in VECTORS:
        return VECTORS[name]
    entry = _entry(name)
    if name not in LAYOUTS:
        raise ConfigurationError(f"data set {name!r} has no folder that mebench knows of; its source: {entry.source}")
    return LAYOUTS[name]


def _found(entry: DatasetEntry) -> str:
    """Place and folder of a data set, or how to come by it."""
    if entry.name not in LAYOUTS:
        return entry.source
    return _place(LAYOUTS[entry.name])


def _place(layout: Layout) -> str:
    found = find(layout)
    if found is None:
        run = f"`mebench data fetch {layout.name}`"
        return f"not found: run {run}" if layout.download else f"not found: by hand, {run} says how"
    return found.place if layout.embedded else f"{found.place}: {found.folder}"
