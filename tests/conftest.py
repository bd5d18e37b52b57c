"""Settings of the whole suite: one thread per process, and a cache of their own."""

from __future__ import annotations

import fcntl
import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from dearest import DEAREST

for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) == signal.SIG_IGN:  # a background job's, or nohup's, which children would inherit
        signal.signal(_number, _handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MEBENCH_OFFLINE", "1")
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers share the cache of the process that starts them
    _CACHE = tempfile.TemporaryDirectory(prefix="mebench-test-cache-")
    os.environ["MEBENCH_CACHE"] = _CACHE.name
os.environ.pop("MEBENCH_DATA", None)
# Results name no revision: it may change while tests run.
os.environ["GIT_DIR"] = str(Path(os.environ["MEBENCH_CACHE"]) / "no-repository")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each process of a test would compile mebench anew
os.environ.pop("COLUMNS", None)  # set by pytest-xdist in its workers; output would be taken for a terminal's


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, object, object]:
    """Let one worker compile a module whose assertions are to be rewritten; the others read what it has kept."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ or sys.dont_write_bytecode
    if alone or not isinstance(collector, pytest.Module) or _is_kept(collector.path):
        return (yield)
    with (Path(os.environ["MEBENCH_CACHE"]) / "compiling").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_kept(collector.path):  # another has compiled it meanwhile
            fcntl.flock(lock, fcntl.LOCK_UN)
        return (yield)


def _is_kept(module: Path) -> bool:
    """Whether a module was compiled since it was changed."""
    compiled = (module.parent / "__pycache__").glob(f"{module.stem}.*-pytest-*.pyc")
    return any(file.stat().st_mtime > module.stat().st_mtime for file in compiled)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage meanwhile: what is imported, and the tests themselves, all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.unfreeze()  # to the oldest generation, without being looked at
        gc.set_threshold(10_000, 50, 100)  # a sixth of all time went into looking for garbage more often
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a worker that has nothing left steal from the others: the dearest tests are all given to the first."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.option.dist == "load" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the dearest files begin first: at the end of a run, no worker is left alone with a long test."""
    place = {file: number for number, file in enumerate(DEAREST)}
    root = Path(__file__).resolve().parent
    items.sort(key=lambda item: place.get(_below(item.path, root), len(place)))


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Look for no garbage at the end either, as pytest would: all that was imported and run goes with the process."""
    gc.freeze()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _one_thread(request):
    """Keep torch from using more than one thread, in tests that have imported it."""

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
