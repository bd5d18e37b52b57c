"""``mebench victims``: what is in the cache, training a benchmark's victims, and scoring a user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Outputs
from mebench.cli.numbers import MOST_PIXELS, Number
from mebench.cli.output import say
from mebench.cli.selection import PROFILE, takes_benchmark
from mebench.cli.words import OneOf
from mebench.run.bounds import MOST_THREADS

OUTPUTS: tuple[Outputs, ...] = get_args(Outputs)

if TYPE_CHECKING:
    from mebench.api.spec import VictimSpec
    from mebench.models.victims.loading import PreparedVictim


@click.group()
def victims() -> None:
    """List trained victims, train those of a benchmark, and score your own.

    \b
    Examples:
      mebench victims list
      mebench victims train table1
      mebench victims evaluate --help
    """


@victims.command("list")
def list_() -> None:
    """List the trained victims in the cache."""
    from mebench.cli.screen import console, print_table
    from mebench.models.victims.cache import entries, victims_dir

    found = entries()
    if not found:
        click.echo(f"no trained victims in {victims_dir()}")
        return
    columns = ("name", "network", "data", "accuracy", "size", "trained", "folder")
    print_table(console(), columns, [_row(folder, record) for folder, record in found], wrap=["folder"])


@victims.command()
@takes_benchmark("benchmark")
@PROFILE
@click.option("--device", default="cpu", show_default=True, help="Where to train: cpu or cuda.")
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1, MOST_THREADS), help="CPU threads; `run` uses 1."
)
def train(benchmark: Path, profile: str | None, device: str, threads: int) -> None:
    """Train the victims of a BENCHMARK file that are not in the cache yet.

    `mebench run` does this by itself. The number of threads changes the last bits of a victim's weights.
    """
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import make_plan

    plan = make_plan(load_benchmark(benchmark, profile=profile), profile)
    for spec in plan.victims():
        _echo(spec, _prepare(spec, device, threads))


@victims.command()
@click.option("--factory", metavar="MODULE:CALLABLE", help="Returns the network; the current folder is importable.")
@click.option("--network", metavar="NAME", help="A registered network, for --weights.")
@click.option("--weights", metavar="FILE", help="A safetensors file for --factory or --network.")
@click.option("--torchscript", metavar="FILE", help="A TorchScript file that returns logits.")
@click.option("--victim", metavar="NAME", help="A registered victim; see `mebench list victims`.")
@click.option("--data", "data_name", metavar="NAME", help="The data set to score on; a registered victim has its own.")
@click.option("--root", metavar="DIR", help="The data set's folder.")
@click.option(
    "--image-size", type=(click.IntRange(1, MOST_PIXELS),) * 2, metavar="H W", help="Resize the images to this."
)
@click.option("--mean", type=Number(-1e12, 1e12), multiple=True, help="Normalisation: once per channel.")
@click.option("--std", type=Number(0, 1e12, min_open=True), multiple=True, help="Normalisation: once per channel.")
@click.option("--outputs", type=OneOf(OUTPUTS), help="What the network returns; seen without it.")
@click.option("--device", default="cpu", show_default=True, help="Where to run: cpu or cuda.")
def evaluate(
    factory: str | None,
    network: str | None,
    weights: str | None,
    torchscript: str | None,
    victim: str | None,
    data_name: str | None,
    root: str | None,
    image_size: tuple[int, int] | None,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    outputs: Outputs | None,
    device: str,
) -> None:
    """Try a victim of your own on the test images of a data set: its accuracy, its hash, and what attacks would meet.

    It takes images in [0, 1]; give --mean and --std if it wants them normalised, and --outputs if it returns
    probabilities. Said are, a line each: answers that differ from call to call or with the rest of a batch, gradients
    that are missing, and an accuracy at chance.
    """
    from mebench.api.spec import Component, VictimSpec

    where = {} if root is None else {"root": root}
    if victim is not None:
        if factory or network or torchscript or weights or image_size or mean or std or outputs:
            raise ConfigurationError("--victim: a registered victim brings along all but --data and --root")
        spec = _registered(victim, data_name, where)
    elif not (factory or network or torchscript):
        raise ConfigurationError(
            "give your victim as --victim, as --factory, as --torchscript, or as --network with --weights"
        )
    elif data_name is None:
        raise ConfigurationError("--data: say which data set to score on")
    else:
        spec = VictimSpec(
            name=factory or torchscript or network or "",
            data=Component(data_name, where),
            image_size=image_size,
            network=None if network is None else Component(network),
            factory=factory,
            weights=weights,
            torchscript=torchscript,
            mean=mean or None,
            std=std or None,
            outputs=outputs,
        )
    prepared = _prepare(spec, device, threads=1)
    _echo_classes(spec)
    _echo(spec, prepared)


def _registered(name: str, data: str | None, where: dict[str, str]) -> VictimSpec:
    from mebench.api.spec import Component
    from mebench.plan.grid import registered_victim
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import VictimEntry

    entry = registry().get(VictimEntry, name)
    return registered_victim(name, entry, {}, Component(data or entry.data, where))


def _prepare(spec: VictimSpec, device: str, threads: int) -> PreparedVictim:
    """Prepare a victim under a progress bar, which shows only on a terminal and if there is training to do."""
    import torch
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mebench.api.progress import Progress as OnProgress
    from mebench.models.victims.loading import prepare_victim
    from mebench.run.console import PlainConsole

    torch.set_num_threads(threads)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = PlainConsole(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"train {spec.name}", total=None, visible=False)

        def on_progress(progress: OnProgress) -> None:
            bar.update(task, completed=progress.done, total=progress.total, visible=True)

        return prepare_victim(spec, device=device, on_progress=on_progress)


def _echo(spec: VictimSpec, prepared: PreparedVictim) -> None:
    if prepared.note:
        say(f"note: {prepared.note}")
    takes = prepared.spec
    what, given = ("texts", f"{takes.size} words") if takes.discrete else ("images", " x ".join(map(str, takes.shape)))
    say(
        f"{spec.name}: accuracy {prepared.accuracy:.4f} on {len(prepared.test_labels):,} test {what} of "
        f"{spec.data.name}, {prepared.network_parameters:,} parameters, hash {prepared.weights_hash}, given {given}, "
        f"returns {prepared.behaviour.outputs} ({prepared.source})",
        stdout=True,
    )


def _echo_classes(spec: VictimSpec) -> None:
    """Say which label is which class, where classes have names: the outputs must stand in that order."""
    from mebench.api.printable import numbered
    from mebench.data.class_names import names_of
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import DatasetEntry

    if names := names_of(registry().get(DatasetEntry, spec.data.name), spec.data.parameters):
        say(f"classes of {spec.data.name}: {numbered(names)}", stdout=True)


def _row(folder: Path, record: dict[str, Any]) -> list[str]:
    """One line of the list; a record that cannot be read shows as damaged."""
    try:
        spec, accuracy = record["spec"], float(record["accuracy"])
        network = spec["network"]["name"] if spec["network"] else spec["factory"]
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        words = [record["name"], network, spec["data"]["name"], f"{accuracy:.4f}", f"{size:.1f} MB"]
        return [*words, str(record["created"])[:10], str(folder)]
    except (KeyError, TypeError, ValueError):
        return ["damaged: trained again when needed", "", "", "", "", "", str(folder)]
