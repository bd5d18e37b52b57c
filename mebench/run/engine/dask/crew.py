"""The workers of a run: who is there, what each sees of this machine, and who has room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mebench.run.engine.dask.calls import Survey


@dataclass
class Berth:
    """A device of a worker.

    Attributes:
        device: as torch names it there.
        room: how many jobs run on it at once.
        busy: how many it has been given that have not ended.
        alone: whether one of them must be alone.
        kept: whether it is to become free for one that must be alone.
    """

    device: str
    room: int
    busy: int = 0
    alone: bool = False
    kept: bool = False

    def take(self, alone: bool) -> None:
        """Give it a job."""
        self.busy += 1
        if alone:
            self.alone, self.kept = True, False

    def give_back(self) -> None:
        """One of its jobs has ended; one that was alone was the only one."""
        self.busy -= 1
        self.alone = False


@dataclass
class Hand:
    """A worker that can be given jobs.

    Attributes:
        address: as dask names it.
        threads: how many jobs it runs at once.
        survey: what it has said of itself.
        berths: its devices.
        victims: that are in its cache, by the names of their folders.
    """

    address: str
    threads: int
    survey: Survey
    berths: list[Berth] = field(default_factory=list)
    victims: set[str] = field(default_factory=set)

    @property
    def busy(self) -> int:
        """How many jobs it has been given that have not ended."""
        return sum(berth.busy for berth in self.berths)

    @property
    def slots(self) -> int:
        """How many jobs it runs at once."""
        return min(self.threads, sum(berth.room for berth in self.berths))


class Crew:
    """All workers that are known.

    Args:
        most: how many jobs may run at once, whatever room there is; None for no limit.
        per_gpu: how many jobs run on a GPU at once.
    """

    def __init__(self, most: int | None = None, per_gpu: int = 1) -> None:
        self._most, self._per_gpu = most, per_gpu
        self._devices: tuple[str, ...] = ("cpu",)
        self._threads: dict[str, int] = {}
        self._hands: dict[str, Hand] = {}
        self.refused: dict[str, str] = {}
        """Why workers are given nothing, by their address."""

    @property
    def slots(self) -> int:
        """How many jobs can run at once."""
        room = sum(hand.slots for hand in self._hands.values())
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
        if isinstance(answer, OSError):  # it was lost meanwhile, or is busy: it is asked again if it is still there
            del self._threads[address]
        elif isinstance(answer, BaseException):
            words = " ".join(f"{type(answer).__name__}: {answer}".split())
            self.refused[address] = f"dask worker {address} cannot run mebench ({words}): install the same there"
        elif answer.differences:
            told = ", ".join(answer.differences)
            self.refused[address] = f"dask worker {address} on {answer.host} has {told}: install the same there"
        else:
            threads = self._threads[address]
            self._hands[address] = Hand(address, threads, answer, self._berths(threads))

    def equip(self, devices: Sequence[str]) -> None:
        """Say which devices each worker has; while none is at work."""
        self._devices = tuple(devices)
        for hand in self._hands.values():
            hand.berths = self._berths(hand.threads)

    def free(self, *, alone: bool = False) -> tuple[Hand, Berth] | None:
        """The worker with the most room, and its emptiest device; None if there is none.

        Args:
            alone: whether for a job that must be alone on its device.
        """
        if self._most is not None and sum(hand.busy for hand in self._hands.values()) >= self._most:
            return None
        places = (
            (hand, berth)
            for hand in self._hands.values()
            if hand.busy < hand.threads
            for berth in hand.berths
            if (not berth.busy if alone else berth.busy < berth.room and not berth.alone and not berth.kept)
        )
        return max(places, key=lambda place: (place[0].threads - place[0].busy, -place[1].busy), default=None)

    def keep_one(self) -> None:
        """Let one device become free: a job waits that must be alone."""
        berths = [berth for hand in self._hands.values() for berth in hand.berths]
        if berths and not any(berth.kept for berth in berths):
            min(berths, key=lambda berth: berth.busy).kept = True

    def _berths(self, threads: int) -> list[Berth]:
        return [Berth(device, threads if device == "cpu" else self._per_gpu) for device in self._devices]
