"""Running checks, and saying what came of each in one line."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import numpy as np
import torch

from mebench.api.errors import PluginFaultError
from mebench.testing.checks import Check
from mebench.testing.faults import CheckFailed, CheckSkipped
from mebench.testing.process_state import restored
from mebench.testing.target import UnderTest

VerdictState = Literal["passed", "warned", "failed", "expected", "unexpected", "skipped"]
TIME_LIMIT = 300
"""Seconds for one check; a well-behaved one takes a few."""


@dataclass(frozen=True)
class Verdict:
    """What came of one check.

    Attributes:
        check: its name.
        state: ``passed``; ``warned``, passed with something to read; ``failed``; ``expected``, a failure that the
            author has listed; ``unexpected``, passed though listed to fail; ``skipped``.
        why: one line; empty if it passed.
        details: the traceback of an error that was raised by what is checked; else empty.
        picture: the file that shows what was found, if there is one; else empty.
    """

    check: str
    state: VerdictState
    why: str = ""
    details: str = ""
    picture: str = ""

    @property
    def good(self) -> bool:
        """Whether what is checked conforms, as far as this check goes."""
        return self.state not in ("failed", "unexpected")


def run_check(check: Check, target: UnderTest, time_limit: int = TIME_LIMIT) -> Verdict:
    """Run one check; an error of what is checked is a failure. Whatever it changes is put back."""
    name = check.__name__
    reason, picture = target.expected_failures.get(name), ""
    try:
        with restored(), _random_state_kept(), _limited(time_limit):
            note = check(target)
    except CheckSkipped as skipped:
        return Verdict(name, "skipped", str(skipped))
    except CheckFailed as failure:
        why, details = _line(str(failure)), ""
        picture = str(failure.picture or "")
    except PluginFaultError as fault:
        why, details = _line(str(fault)), traceback.format_exc()
    except (Exception, SystemExit) as error:
        why, details = _line(_raised(error)), traceback.format_exc()
    else:
        if reason is not None:
            return Verdict(name, "unexpected", f"passes, though it is expected to fail: {reason}")
        return Verdict(name, "warned" if note else "passed", note or "")
    if reason is not None:
        return Verdict(name, "expected", f"{reason} ({why})", picture=picture)
    return Verdict(name, "failed", why, details, picture)


def _raised(error: BaseException) -> str:
    """An error in words; where it was raised if it has none."""
    if str(error).strip():
        return f"{type(error).__name__}: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.name} ({Path(last.filename).name}, line {last.lineno}): {last.line}"


def _line(text: str) -> str:
    return " ".join(text.split())


@contextlib.contextmanager
def _random_state_kept() -> Iterator[None]:
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """End the block after some time, where the system and the thread allow it."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise CheckFailed(f"is not done after {seconds} s")

    before, started = signal.signal(signal.SIGALRM, stop), signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(started)
        signal.signal(signal.SIGALRM, before)
