"""``mebench plot``: curves as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from mebench.curves import CurveMetric


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("curves.png"),
    show_default=True,
    help="A .png, .svg or .pdf file.",
)
@click.option("--metric", type=click.Choice(get_args(CurveMetric)), default="accuracy", show_default=True)
@click.option("--linear", is_flag=True, help="Show queries on a linear axis.")
def plot(roots: tuple[Path, ...], output: Path, metric: CurveMetric, linear: bool) -> None:
    """Draw the curves of results folders: the mean over seeds, and a band from the lowest to the highest seed.

    \b
    Example:
      mebench plot runs/megex-table1/quick -o curves.svg
    """
    from mebench.plot import save_plot

    for note in save_plot(roots, output, metric, linear=linear):
        click.echo(note, err=True)
    click.echo(f"wrote {output}", err=True)
