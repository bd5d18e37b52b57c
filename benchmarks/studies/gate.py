"""How often the regression check notices a loss, and how often noise raises an alarm: simulated from committed rows.

    python benchmarks/studies/gate.py > benchmarks/studies/gate.txt

For each folder of committed rows, a baseline is drawn again with as many seeds as it has, and NEW with 2, 3 or 5, from
normal distributions with each row's mean and spread; NEW is lower by a loss, in all rows. What is compared is accuracy,
at the default tolerance, by `mebench.results.compare.gate` as `mebench compare` uses it.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.results.compare import gate
from mebench.results.leaderboard import build_leaderboard
from mebench.results.sampling import size_of_test_set, standard_error

RESULTS = Path(__file__).resolve().parents[2] / "results"
FOLDERS = ("megex-table1/quick", "megex-sg-ig/cpu-hour", "mega/cpu-hour", "activethief-table6/cpu-hour")
REPEATS, TOLERANCE = 1000, 0.02
LOSSES = (0.0, 0.02, 0.05, 0.10, 0.20)


def rows_of(folder: str) -> list[list[float]]:
    """The accuracies of each attack's seeds."""
    board = build_leaderboard([RESULTS / folder])
    values = [[seed.accuracy for seed in row.per_seed] for row in board.rows if row.kind == "attack"]
    return [row for row in values if len(row) > 1]


def alarms(
    rows: list[list[float]], tests: int, seeds: int, loss: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """(repeats, rows) whether each row is found to be worse."""
    means, spreads = [statistics.fmean(row) for row in rows], [statistics.stdev(row) for row in rows]
    found = np.zeros((REPEATS, len(rows)), bool)
    for repeat in range(REPEATS):
        base = [list(random.normal(m, s, len(row))) for m, s, row in zip(means, spreads, rows, strict=True)]
        new = [random.normal(m - loss, s, seeds).mean() for m, s in zip(means, spreads, strict=True)]
        known = gate.spreads(base, [standard_error(row, tests) for row in base])
        for number, (row, value, spread) in enumerate(zip(base, new, known, strict=True)):
            fell = statistics.fmean(row) - value
            sees = gate.sight(spread, fell, len(row), seeds, TOLERANCE, len(rows)).notices if spread else 0.0
            found[repeat, number] = fell > TOLERANCE and fell > sees
    return found


def main() -> None:
    """Print the table of docs/results.md."""
    random = np.random.default_rng(0)
    write = sys.stdout.write
    write(f"{REPEATS} simulated comparisons each; tolerance {100 * TOLERANCE:g} points; % of rows found worse, and\n")
    write("% of comparisons in which any row is\n\n")
    write(
        "folder, seeds of BASE -> NEW         "
        + "".join(f"  loss {100 * loss:4.0f}" for loss in LOSSES)
        + "   any, no loss\n"
    )
    for folder in FOLDERS:
        rows = rows_of(folder)
        tests = size_of_test_set([value for row in rows for value in row]) or 0
        for seeds in (2, 3, 5):
            found = [alarms(rows, tests, seeds, loss, random) for loss in LOSSES]
            cells = "".join(f"  {100 * one.mean():9.1f}" for one in found)
            write(f"{folder + f', {len(rows[0])} -> {seeds}':35s}{cells}   {100 * found[0].any(1).mean():9.1f}\n")


if __name__ == "__main__":
    main()
