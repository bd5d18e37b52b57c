"""What a report is made from, as a report of a plugin gets it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from mebench.results.leaderboard import Leaderboard, build_leaderboard


class Results:
    """Results folders, folders of committed rows, or leaderboard.json files.

    Args:
        roots: where they are.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)

    @cached_property
    def board(self) -> Leaderboard:
        """The leaderboard of all of them.

        Raises:
            ResultsError: a root holds no results.
        """
        return build_leaderboard(self.roots)
