"""One of several parts of a plan, for a run that is spread over machines by whatever scheduler."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mebench.api.errors import ConfigurationError

MOST_SHARDS = 100_000
_FORM = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True)
class Shard:
    """The trials of one machine.

    Attributes:
        number: which shard, from 1 to ``count``.
        count: of how many.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``3/16``.

        Raises:
            ConfigurationError: it is no such text, or there is no such shard.
        """
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise ConfigurationError(f"must be NUMBER/COUNT, such as 3/16, not {text!r}")
        number, count = int(found[1]), int(found[2])
        if not 1 <= count <= MOST_SHARDS:
            raise ConfigurationError(f"there can be 1 to {MOST_SHARDS:,} shards, not {count:,}")
        if not 1 <= number <= count:
            raise ConfigurationError(f"shards are numbered from 1 to {count:,}: there is no shard {number:,}")
        return cls(number, count)

    def __str__(self) -> str:
        """As it is read."""
        return f"{self.number}/{self.count}"

    def of(self, ids: Iterable[str]) -> set[str]:
        """The trials of this shard: all of a plan, sorted by id, are dealt out like cards.

        Each is in exactly one shard, on every machine the same, whatever is finished already; shards differ by at most
        one trial, and each has trials of every attack, since ids begin with it.

        Args:
            ids: of all trials of the plan.
        """
        return set(sorted(ids)[self.number - 1 :: self.count])
