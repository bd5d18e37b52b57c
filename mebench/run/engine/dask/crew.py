"""The workers of a run: who is there, what each sees of this machine, and who has room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mebench.run.engine.dask.calls import Survey


@dataclass
class Hand:
    """A worker that can be given jobs.

    Attributes:
        address: as dask names it.
        threads: how many jobs it runs at once.
        survey: what it has said of itself.
        busy: how many it has been given that have not ended.
        victims: that are in its cache, by the names of their folders.
    """

    address: str
    threads: int
    survey: Survey
    busy: int = 0
    victims: set[str] = field(default_factory=set)


class Crew:
    """All workers that are known.

    Args:
        most: how many jobs may run at once, whatever room there is; None for no limit.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._threads: dict[str, int] = {}
        self._hands: dict[str, Hand] = {}
        self.refused: dict[str, str] = {}
        """Why workers are given nothing, by their address."""

    @property
    def slots(self) -> int:
        """How many jobs can run at once."""
        room = sum(hand.threads for hand in self._hands.values())
        return room if self._most is None else min(room, self._most)

    @property
    def any(self) -> bool:
        """Whether there is a worker that can be given jobs."""
        return bool(self._hands)

    def hand(self, address: str) -> Hand | None:
        """The worker at an address, if it is there."""
        return self._hands.get(address)

    def met(self, threads: Mapping[str, int]) -> tuple[list[str], list[str]]:
        """Take note of who is there now.

        Args:
            threads: of all workers, by address.

        Returns:
            Addresses of those that nothing is known of yet, and of those that are gone.
        """
        new = [address for address in threads if address not in self._threads]
        gone = [address for address in self._threads if address not in threads]
        self._threads = dict(threads)
        for address in gone:
            self._hands.pop(address, None)
            self.refused.pop(address, None)
        return new, gone

    def introduce(self, address: str, answer: Survey | BaseException) -> None:
        """Take note of what a worker has answered to the question that all are asked."""
        if address not in self._threads:  # it is gone again
            return
        if isinstance(answer, BaseException):
            words = " ".join(f"{type(answer).__name__}: {answer}".split())
            self.refused[address] = f"dask worker {address} cannot run mebench ({words}): install the same there"
        elif answer.differences:
            told = ", ".join(answer.differences)
            self.refused[address] = f"dask worker {address} on {answer.host} has {told}: install the same there"
        else:
            self._hands[address] = Hand(address, self._threads[address], answer)

    def free(self) -> Hand | None:
        """The worker with the most room; None if there is none."""
        if self._most is not None and sum(hand.busy for hand in self._hands.values()) >= self._most:
            return None
        best = max(self._hands.values(), key=lambda hand: hand.threads - hand.busy, default=None)
        return best if best is not None and best.busy < best.threads else None
