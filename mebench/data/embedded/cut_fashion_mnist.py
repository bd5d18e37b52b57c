"""Cut the embedded subset out of the full Fashion-MNIST.

``python -m mebench.data.embedded.cut_fashion_mnist SOURCE TARGET`` with the folder of the published files, e.g. that
of Debian's package dataset-fashion-mnist. The same input gives the same images and labels.
"""

from __future__ import annotations

from pathlib import Path

import click

from mebench.data.idx import read_idx, write_idx
from mebench.data.layouts import FASHION_MNIST
from mebench.data.sources import Found

ROWS = {"train": 8_000, "t10k": 2_000}


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
def main(source: Path, target: Path) -> None:
    """Write the first 8,000 training and 2,000 test images of SOURCE, with their labels, to TARGET."""
    cut(source, target)


def cut(source: Path, target: Path) -> None:
    """Write the first rows of each published file; see `ROWS`."""
    for name in FASHION_MNIST.files:
        rows = ROWS[name.split("-")[0]]
        values = read_idx(Found(source, "").file(name), 3 if "images" in name else 1)
        write_idx(target / f"{name}.gz", values[:rows].clone())


if __name__ == "__main__":
    main()
