"""``mebench data overlap``: whether a pool holds what its victims were trained on or are scored on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.cli.numbers import Number
from mebench.cli.output import OutputFile, say
from mebench.cli.selection import PROFILE, takes_benchmark

if TYPE_CHECKING:
    from mebench.data.overlap import Overlap, Side


@click.command()
@takes_benchmark()
@PROFILE
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value of the file.")
@click.option(
    "--threshold",
    type=Number(0, 1, min_open=True),
    default=0.98,
    show_default=True,
    help="Correlation from which on two images are near duplicates.",
)
@click.option("--picture", type=OutputFile(), help="Draw the closest pairs: .png, .svg, .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def overlap(
    file: Path, profile: str | None, overrides: tuple[str, ...], threshold: float, picture: Path | None, as_json: bool
) -> None:
    """Compare the pools of a benchmark FILE with the training and test data of its victims.

    Exact duplicates are the same bytes at the victim's size. Near duplicates are images whose correlation over all
    pixels reaches the threshold, as they are or with one mirrored left to right: it sees through changes of brightness
    and contrast, light noise and compression, and not through shifts, other crops, rotations, blur or negatives. No
    pair that reaches the threshold is missed. Of texts only exact duplicates are found: the same ids of words in the
    same order, so that words outside the public list are all one.

    \b
    Examples:
      mebench data overlap activethief_table3
      mebench data overlap mine.yaml --profile paper --picture closest.png
    """
    import torch

    from mebench.cli.screen import progress_bar
    from mebench.data.overlap import overlaps
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import make_plan
    from mebench.report.figures.files import check_suffix

    if picture is not None:
        check_suffix(picture)
    torch.set_num_threads(1)  # the products are small: on a busy machine threads wait for each other
    plan = make_plan(load_benchmark(file, overrides, profile=profile), profile)
    with progress_bar():
        found = list(overlaps(plan.trials, threshold))
    if as_json:
        click.echo(json.dumps({"threshold": threshold, "overlaps": [_json(one) for one in found]}, indent=1))
    else:
        _print(found, threshold)
    if picture is not None:
        from mebench.report.figures.pairs import save_pairs

        save_pairs(found, picture)
        say(f"wrote {picture}")


def _print(found: Sequence[Overlap], threshold: float) -> None:
    from mebench.cli.screen import console, print_table

    screen = console()
    columns = ("", "inputs", "distinct", "exact", "near", "affected")
    for one in found:
        screen.print(f"{one.pool.name} against {one.victim.name} ({one.split})", style="bold", soft_wrap=True)
        rows = [_cells("pool", one.pool), _cells(one.split, one.victim)]
        print_table(screen, columns, rows, right=columns[1:])
        if one.closest:
            nearest = one.closest[0]
            where = f"rows {nearest.first:,} and {nearest.second:,}{', mirrored' if nearest.mirrored else ''}"
            screen.print(f"closest pair: correlation {nearest.correlation:.4f}, {where}", soft_wrap=True)
        screen.print()
    screen.print(
        f"exact: the same in the other, byte by byte. near: others with a correlation of {threshold:g} or more.",
        soft_wrap=True,
    )
    if any(one.pool.near is None for one in found):
        screen.print("near duplicates of texts are not looked for")


def _cells(name: str, side: Side) -> list[str]:
    near = "–" if side.near is None else f"{side.near:,}"
    share = f"{100 * side.affected / side.inputs:.2f} %"
    return [name, f"{side.inputs:,}", f"{side.distinct:,}", f"{side.exact:,}", near, share]


def _json(one: Overlap) -> dict[str, Any]:
    from dataclasses import asdict

    closest = [asdict(pair) for pair in one.closest]
    return {"pool": asdict(one.pool), "victim": asdict(one.victim), "split": one.split, "closest": closest}
