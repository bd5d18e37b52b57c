"""Which of many drawings belong together, and how they are split so that none is on both sides.

Two belong together if their names are one but for numbers, sizes and colours, or if they look nearly the same: one
drawing at three sizes, in two colours, or as ten poses of one figure. Whatever hangs together so, through others too,
is a family, and a family is never parted.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mebench.data.nearness import standardised

LOOKS_THE_SAME = 0.9
"""Correlation over all pixels and channels, mirrored or not, from which on two drawings are of one family."""
MOST_IN_TEST = 4
"""Members of a family up to which it may be tested on: one large family would be much of a small test."""

_SAYS_NO_MORE = frozenset(
    {
        *("alt", "big", "bw", "large", "mini", "r", "small"),
        *("black", "blue", "brown", "gray", "green", "grey", "orange", "pink", "purple", "red", "white", "yellow"),
    }
)


def bare(stem: str) -> str:
    """The words of a file's name without numbers, sizes and colours: ``aiga bar`` of ``aiga_bar_small2_bw``."""
    words = re.findall(r"[^\W\d_]+", stem.lower())
    return " ".join(word for word in words if word not in _SAYS_NO_MORE)


def families(stems: Sequence[str], images: Tensor) -> list[list[int]]:
    """Put drawings that belong together into families.

    Args:
        stems: the name of each file, without its ending.
        images: (N, C, H, W) uint8, the drawings.

    Returns:
        the rows of each family, in order; families in the order of their first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    linked = [*_of_one_name(stems), *_alike(images)]
    first, second = np.array(linked, dtype=np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(stems), len(stems)))
    found: dict[int, list[int]] = {}
    for row, family in enumerate(connected_components(links, directed=False)[1].tolist()):
        found.setdefault(family, []).append(row)
    return list(found.values())


def split(
    grouped: Sequence[Sequence[int]], names: Sequence[str], labels: Sequence[int], most: int, test_share: float
) -> tuple[list[int], list[int]]:
    """Split drawings by family, in the order of the SHA-256 of each family's first name.

    A small family is tested on while all its classes have room for it there, and all others are trained on; of a class
    that has more than ``most``, families are left out at the end.

    Args:
        grouped: rows of each family.
        names: of all files, which no two share.
        labels: of all.
        most: drawings of a class that are kept.
        test_share: share of a class that is tested on.

    Returns:
        rows to train on, rows to test on.
    """
    to_test = {label: int(min(count, most) * test_share) for label, count in Counter(labels).items()}
    to_train = {label: most - count for label, count in to_test.items()}
    train: list[int] = []
    test: list[int] = []
    for family in sorted(grouped, key=lambda rows: hashlib.sha256(min(names[row] for row in rows).encode()).digest()):
        wanted = Counter(labels[row] for row in family)
        for room, rows, limit in ((to_test, test, MOST_IN_TEST), (to_train, train, most)):
            if len(family) <= limit and all(count <= room[label] for label, count in wanted.items()):
                rows += family
                room.update({label: room[label] - count for label, count in wanted.items()})
                break
    return train, test


def _of_one_name(stems: Sequence[str]) -> list[tuple[int, int]]:
    """Each row with the first of the same bare name; names without words say nothing."""
    first: dict[str, int] = {}
    return [(first.setdefault(name, row), row) for row, name in enumerate(map(bare, stems)) if name]


def _alike(images: Tensor) -> list[tuple[int, int]]:
    flat, mirrored = standardised(images).flatten(1), standardised(images.flip(3)).flatten(1)
    likeness = torch.maximum(flat @ flat.T, flat @ mirrored.T)
    return [(row, other) for row, other in (likeness >= LOOKS_THE_SAME).nonzero().tolist() if row < other]
