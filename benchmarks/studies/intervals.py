"""How often printed intervals hold what they are of, and how often equal attacks are told apart: by simulation.

    python benchmarks/studies/intervals.py > benchmarks/studies/intervals.txt

A seed's clone labels an image rightly if a normal number is below a threshold; the share of images that it gets right
spreads from seed to seed with standard deviation s. Seeds err on images of their own (`alike` 0), or mostly on the same
ones (`alike` 0.9), as clones of one attack do. Intervals and tests are those of `mebench leaderboard`.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from mebench.results.leaderboard.compute.ranks import compare_all
from mebench.results.sampling import standard_error
from mebench.results.stats import LEVEL, half_width

REPEATS, TESTS, MEAN = 2000, 2000, 0.9
SPREADS = (0.0, 0.003, 0.01, 0.05)
SEEDS = (2, 3, 5)
Values = NDArray[np.float64]


def measured(images: Values, seeds: int, spread: float, alike: float, random: np.random.Generator) -> Values:
    """(seeds,) accuracies on images of given difficulty (N,), standard normal."""
    shares = np.clip(random.normal(MEAN, spread, seeds), 0.001, 0.999)
    own = random.normal(size=(seeds, len(images)))
    right = np.sqrt(alike) * images + np.sqrt(1 - alike) * own < ndtri(shares)[:, None]
    return np.asarray(right.mean(1))


def on_these(images: Values, spread: float, alike: float) -> float:
    """The accuracy on these images that the mean over ever more seeds would come to."""
    shares = np.clip(MEAN + spread * ndtri((np.arange(21) + 0.5) / 21), 0.001, 0.999)
    return float(ndtr((ndtri(shares)[:, None] - np.sqrt(alike) * images) / np.sqrt(1 - alike)).mean())


def held(seeds: int, spread: float, alike: float, random: np.random.Generator) -> tuple[float, float]:
    """How often the interval holds the mean on these images, and that on all images like them."""
    here = everywhere = 0
    for _ in range(REPEATS):
        images = random.normal(size=TESTS)
        values = measured(images, seeds, spread, alike, random)
        half = half_width(list(values), standard_error(list(values), TESTS)) or 0.0
        here += abs(values.mean() - on_these(images, spread, alike)) <= half
        everywhere += abs(values.mean() - MEAN) <= half
    return here / REPEATS, everywhere / REPEATS


def told_apart(seeds: int, spread: float, alike: float, random: np.random.Generator) -> tuple[float, float]:
    """How often two equal attacks are told apart: that err on the same images, and on others."""
    found = [0, 0]
    for _ in range(REPEATS):
        for which, count in enumerate((1, 2)):
            images = random.normal(size=(count, TESTS))
            values = np.array([measured(images[row % count], seeds, spread, alike, random) for row in (0, 1)])
            errors = np.array([[standard_error(list(row), TESTS)] for row in values])
            found[which] += bool(compare_all(values, errors).p[0] < LEVEL)
    return found[0] / REPEATS, found[1] / REPEATS


def main() -> None:
    """Print the table of docs/results.md."""
    random, write = np.random.default_rng(0), sys.stdout.write
    write(f"{TESTS} test images, accuracy {100 * MEAN:.0f} %, {REPEATS} repeats each; in %\n\n")
    write("                 interval holds the mean     equal attacks are apart\n")
    write("alike     s  n   here    everywhere          same images  others\n")
    for alike in (0.0, 0.9):
        for spread in SPREADS:
            for seeds in SEEDS:
                shares = (*held(seeds, spread, alike, random), *told_apart(seeds, spread, alike, random))
                here, everywhere, same, others = (100 * share for share in shares)
                start = f"{alike:5.1f}  {100 * spread:4.1f}  {seeds}"
                write(f"{start}  {here:5.1f}         {everywhere:5.1f}                {same:5.1f}   {others:5.1f}\n")


if __name__ == "__main__":
    main()
