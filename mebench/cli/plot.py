"""``mebench plot``: curves and generated queries as figures."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from mebench.cli.output import InputPath, OutputFile, say
from mebench.cli.words import OneOf
from mebench.report.figure_kinds import Kind
from mebench.results.curves import CurveMetric


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=InputPath())
@click.option(
    *("-o", "--output"),
    type=OutputFile(),
    help="A .png, .svg or .pdf file.  [default: the kind and .png]",
)
@click.option(
    "--kind",
    type=OneOf(get_args(Kind)),
    default="curves",
    show_default=True,
    help="Curves against queries; the queries themselves, 25 early and 25 late ones of each attack, or at about 1, 10, "
    "25 and 50 % of the budget and at its end; how often the victim gave each label to them; mean ranks over victims "
    "(over seeds, if there is one victim) with their critical difference; adversarial examples made on clones, with "
    "the victim's labels before and after; the matrix of attackers and defences; what defences buy and cost (pareto); "
    "or when detectors were alarmed.",
)
@click.option(
    "--metric",
    metavar="NAME",
    default="accuracy",
    show_default=True,
    help=f"Of curves: {', '.join(get_args(CurveMetric))}; a metric that the benchmark measures besides; or a number "
    "that a strategy tells of itself.",
)
@click.option("--linear", is_flag=True, help="Of curves: show queries on a linear axis.")
@click.option(
    "--only", metavar="GLOB", multiple=True, help="Of adversarial: only ATTACK, ATTACK/VARIANT or a trial's id."
)
def plot(
    roots: tuple[Path, ...],
    output: Path | None,
    kind: Kind,
    metric: str,
    linear: bool,
    only: tuple[str, ...],
) -> None:
    """Draw curves of results folders or committed rows: the mean over seeds, a band from the lowest to the highest.

    \b
    Examples:
      mebench plot runs/megex-table1/quick -o curves.svg
      mebench plot runs/megex-table1/quick --metric gradient_cosine -o cosine.svg
      mebench plot runs/megex-table1/quick --kind samples -o samples.png
      mebench plot runs/megex-table1/quick --kind rounds -o rounds.png
      mebench plot runs/activethief-table3/quick --kind labels -o labels.png
      mebench plot runs/all-victims --kind cd -o ranks.pdf
      mebench plot runs/megex-table1/quick --kind adversarial --only megex -o examples.png
      mebench plot runs/defences/quick --kind matrix -o matrix.png
    """
    from mebench.report.figure_kinds import save_kind

    output = output or Path(f"{kind}.png")
    for note in save_kind(kind, roots, output, metric=metric, linear=linear, only=only):
        say(note)
    say(f"wrote {output}")
