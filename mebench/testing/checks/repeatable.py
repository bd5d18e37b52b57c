"""Is a trial a pure function of its spec, whenever it is stopped?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from mebench.testing.control import is_to_blame
from mebench.testing.faults import CheckFailed, fail, require
from mebench.testing.session import Session, scratch
from mebench.testing.shared import finished
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest

MANY_TURNS = 8


Check = Callable[[AttackUnderTest], str | None]


def _unless_the_channel(check: Check, target: AttackUnderTest, what_the_channel_does: str) -> str | None:
    """Check an attack; where it does not repeat because its channel does not, say so.

    Raises:
        CheckFailed: in words that name the channel, if it is the channel's fault.
    """
    channel = target.channel_entries[0] if target.channel_entries else None
    blamed = f"channel {channel.name} {what_the_channel_does}; the attack is not to blame" if channel else ""
    try:
        note = check(target)
    except CheckFailed as failure:
        if channel is None or str(failure).startswith("channel ") or not is_to_blame(channel, check):
            raise
        fail(blamed)
    return blamed if note and channel and is_to_blame(channel, check) else note


def repeats_for_a_seed(target: AttackUnderTest) -> str | None:
    """The same seed gives the same queries and the same clone, bit for bit, whatever was run in between."""
    does = "answers the same queries otherwise the second time; it must draw from what `use_randomness` brings"
    return _unless_the_channel(_repeats, target, does)


def _repeats(target: AttackUnderTest) -> str | None:
    first = finished(target).fingerprint
    Session(target, Stage(seed=4, victim_seed=2)).run()
    again = Session(target).run().fingerprint
    require(first[0] == again[0], "the same seed asks other queries the second time")
    require(first[1] == again[1], "the same seed gives another clone the second time")
    return None


def differs_for_another_seed(target: AttackUnderTest) -> str | None:
    """Another seed asks other queries; otherwise the interval over seeds would say nothing."""
    queries = finished(target).fingerprint[0]
    differs = any(finished(target, Stage(seed=seed)).fingerprint[0] != queries for seed in (1, 2))
    require(differs, "asks the same queries whatever the seed: draw from `context.random`")
    return None


def draws_from_named_streams(target: AttackUnderTest) -> str | None:
    """Draws on the global generators of torch, NumPy and Python change no result; this check only warns.

    A trial saves the global generators too, so that such an attack still resumes. But it is no longer compared with
    the same noise as others of the same seed.
    """
    does = "draws from a global generator; `use_randomness` brings streams of the trial's own"
    return _unless_the_channel(_draws, target, does)


def _draws(target: AttackUnderTest) -> str | None:
    plain = finished(target)
    disturbed = Session(target)
    _disturb()
    for _ in disturbed.turns():
        _disturb()
    if plain.fingerprint == disturbed.fingerprint:
        return None
    return "draws from a global generator; `context.random.torch(name)` gives streams of the attack's own"


def _disturb() -> None:
    torch.rand(3)
    np.random.random(3)
    random.random()


def resumes_from_every_turn(target: AttackUnderTest) -> str | None:
    """Stopped after any turn, saved, and loaded into a newly built attack, it ends as if it had never stopped."""
    does = "answers otherwise once it is saved and loaded; its state_dict must return all that changes"
    return _unless_the_channel(_resumes, target, does)


def _resumes(target: AttackUnderTest) -> str | None:
    with scratch() as folder:
        plain, saved = finished(target).fingerprint, Session(target)
        saved.save(folder / "0")
        for turn, _ in enumerate(saved.turns(), 1):
            saved.save(folder / str(turn))
        require(saved.fingerprint == plain, "`state_dict()` changes what comes after it")
        turns = len(saved.proposals)
        for cut in _cuts(turns):
            resumed = _resumed(target, folder / str(cut))
            problem = "asks other queries" if resumed[0] != plain[0] else "ends with another clone"
            require(resumed == plain, f"stopped after {cut} of {turns} turns, it {problem} than uninterrupted")
    return None


def _cuts(turns: int) -> Sequence[int]:
    """Every turn, from before the first to after the last; of many, those at both ends and some between."""
    if turns <= MANY_TURNS:
        return range(turns + 1)
    return sorted({0, 1, 2, turns // 3, turns // 2, turns - 2, turns - 1, turns})


def _resumed(target: AttackUnderTest, checkpoint: Path) -> tuple[str, str]:
    Session(target, Stage(seed=5, budget=60)).run()  # so that nothing is left where only luck would find it
    resumed = Session(target)
    resumed.load(checkpoint)
    return resumed.run().fingerprint
