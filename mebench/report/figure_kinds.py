"""The kinds of figures that results can be drawn as, by name; each is imported when it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

Kind = Literal["curves", "samples", "rounds", "labels", "cd", "adversarial", "matrix", "pareto", "detection"]


def save_kind(
    kind: Kind,
    roots: Sequence[Path],
    output: Path,
    *,
    metric: str = "accuracy",
    linear: bool = False,
    only: Sequence[str] = (),
) -> list[str]:
    """Draw a figure of results, and return lines to tell the user.

    Args:
        kind: what is drawn: see ``mebench plot --help``.
        roots: results folders, or folders of committed rows for curves and ranks.
        output: a ``.png``, ``.svg`` or ``.pdf`` file.
        metric, linear: of curves: what is drawn, and whether queries are on a linear axis.
        only: of adversarial examples: patterns of attacks or trials.

    Raises:
        ConfigurationError: the file has another suffix, or nothing is of that metric or pattern.
        ResultsError: a root holds no results, or nothing that can be drawn.
        UnwritableError: the file cannot be written.
    """
    from mebench.report.figures import save_labels, save_plot, save_ranks, save_rounds, save_samples
    from mebench.report.figures.alarms import save_alarms
    from mebench.report.figures.matrix import save_matrix
    from mebench.report.figures.pareto import save_pareto

    if kind == "curves":
        return save_plot(roots, output, metric, linear=linear)
    if kind == "adversarial":
        return _save_adversarial(roots, output, only)
    save: dict[str, Callable[[Sequence[Path], Path], list[str]]] = {
        "samples": save_samples,
        "rounds": save_rounds,
        "labels": save_labels,
        "cd": save_ranks,
        "matrix": save_matrix,
        "pareto": save_pareto,
        "detection": save_alarms,
    }
    return save[kind](roots, output)


def _save_adversarial(roots: Sequence[Path], output: Path, only: Sequence[str]) -> list[str]:
    import torch

    from mebench.report.figures.adversarial import save_adversarial

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the same bytes on every machine of a kind
    try:
        return save_adversarial(roots, output, only)
    finally:
        torch.set_num_threads(before)
