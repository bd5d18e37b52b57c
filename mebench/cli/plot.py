"""``mebench plot``: curves and generated queries as figures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

from mebench.curves import CurveMetric


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .png, .svg or .pdf file.  [default: curves.png, samples.png or cd.png]",
)
@click.option(
    "--kind",
    type=click.Choice(("curves", "samples", "cd")),
    default="curves",
    show_default=True,
    help="Curves against queries; the queries themselves, 25 early and 25 late ones of each attack; or mean ranks over "
    "victims (over seeds, if there is one victim) with their critical difference.",
)
@click.option(
    "--metric", type=click.Choice(get_args(CurveMetric)), default="accuracy", show_default=True, help="Of curves."
)
@click.option("--linear", is_flag=True, help="Of curves: show queries on a linear axis.")
def plot(
    roots: tuple[Path, ...],
    output: Path | None,
    kind: Literal["curves", "samples", "cd"],
    metric: CurveMetric,
    linear: bool,
) -> None:
    """Draw the curves of results folders: the mean over seeds, and a band from the lowest to the highest seed.

    \b
    Examples:
      mebench plot runs/megex-table1/quick -o curves.svg
      mebench plot runs/megex-table1/quick --metric gradient_cosine -o cosine.svg
      mebench plot runs/megex-table1/quick --kind samples -o samples.png
      mebench plot runs/all-victims --kind cd -o ranks.pdf
    """
    from mebench.plot import save_plot, save_ranks, save_samples

    output = output or Path(f"{kind}.png")
    if kind == "curves":
        notes = save_plot(roots, output, metric, linear=linear)
    else:
        notes = save_samples(roots, output) if kind == "samples" else save_ranks(roots, output)
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"wrote {output}", err=True)
