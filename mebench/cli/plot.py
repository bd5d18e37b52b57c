"""``mebench plot``: curves and generated queries as figures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import click

from mebench.cli.output import OutputFile, say
from mebench.results.curves import CurveMetric


@click.command()
@click.argument("roots", metavar="DIR...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    *("-o", "--output"),
    type=OutputFile(),
    help="A .png, .svg or .pdf file.  [default: the kind and .png]",
)
@click.option(
    "--kind",
    type=click.Choice(("curves", "samples", "rounds", "labels", "cd", "adversarial")),
    default="curves",
    show_default=True,
    help="Curves against queries; the queries themselves, 25 early and 25 late ones of each attack, or at about 1, 10, "
    "25 and 50 % of the budget and at its end; how often the victim gave each label to them; mean ranks over victims "
    "(over seeds, if there is one victim) with their critical difference; or adversarial examples made on clones, with "
    "the victim's labels before and after.",
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
    kind: Literal["curves", "samples", "rounds", "labels", "cd", "adversarial"],
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
    """
    from mebench.report.figures import save_labels, save_plot, save_ranks, save_rounds, save_samples

    output = output or Path(f"{kind}.png")
    if kind == "curves":
        notes = save_plot(roots, output, metric, linear=linear)
    elif kind == "adversarial":
        notes = _save_adversarial(roots, output, only)
    else:
        save = {"samples": save_samples, "rounds": save_rounds, "labels": save_labels, "cd": save_ranks}[kind]
        notes = save(roots, output)
    for note in notes:
        say(note)
    say(f"wrote {output}")


def _save_adversarial(roots: tuple[Path, ...], output: Path, only: tuple[str, ...]) -> list[str]:
    import torch

    from mebench.report.figures.adversarial import save_adversarial

    torch.set_num_threads(1)  # the same bytes on every machine of a kind
    return save_adversarial(roots, output, only)
