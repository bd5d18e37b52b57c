"""A plugin of pytest that tells what each test has cost in processor time, with all that it has started.

``make expense`` runs the suite with it. Time of the processor does not depend on what else the machine does, as that of
the clock does.
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MOST = 40
"""Tests that are shown."""
TICKS = os.sysconf("SC_CLK_TCK")
ADOPT = 36
"""PR_SET_CHILD_SUBREAPER of prctl: what children leave behind falls to this process, and is counted."""


def pytest_configure(config: pytest.Config) -> None:
    ctypes.CDLL(None).prctl(ADOPT, 1, 0, 0, 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    item.stash[STARTED] = spent()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    report = yield
    if call.when == "teardown":
        report.user_properties = [("expense", spent() - item.stash[STARTED])]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = terminalreporter.stats.get("", [])  # those of teardowns
    found = {one.nodeid: value for one in reports for name, value in one.user_properties if name == "expense"}
    files: dict[str, float] = defaultdict(float)
    for test, seconds in found.items():
        files[test.partition("::")[0]] += seconds
    for title, rows in (("files", files), ("tests", found)):
        terminalreporter.section(f"{title} by seconds of the processor, of {sum(found.values()):.0f}")
        for name, seconds in sorted(rows.items(), key=lambda row: -row[1])[:MOST]:
            terminalreporter.write_line(f"{seconds:7.1f}  {name}")


STARTED = pytest.StashKey[float]()


def spent() -> float:
    """Seconds of the processor that this process, and all that it has started, have spent until now."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in own) + sum(descendants())


def descendants() -> Iterator[float]:
    """Those of each process below this one, and of what it has waited for."""
    below, times = defaultdict(list), {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(file.parent.name)
        below[int(fields[1])].append(pid)
        times[pid] = sum(map(int, fields[11:15])) / TICKS
    waiting = below[os.getpid()]
    while waiting:
        pid = waiting.pop()
        yield times[pid]
        waiting += below[pid]
