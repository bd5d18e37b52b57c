"""The jobs of a benchmark run, as an engine calls them: check what is needed, prepare a victim, run a trial.

Importing this imports no torch; calling it does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mebench.api.errors import MebenchError, PluginFaultError, ResultsError
from mebench.api.notices import notices_to
from mebench.api.progress import OnProgress, ShouldStop, Stopped, steps_to
from mebench.api.spec import Component, TrialSpec, VictimSpec
from mebench.registry.catalogue import registry
from mebench.registry.entry import Entry
from mebench.results.damage import damage
from mebench.results.trial_folder import TrialFolder

BUSY_SECONDS = 20.0
_log = logging.getLogger(__name__)


class DataNeed(NamedTuple):
    """A split of a data set, and the height and width of images that it is read for, where that is known."""

    data: Component
    split: Literal["train", "test"]
    image_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Needs:
    """What a run needs.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``.
        gpu_wanted_by: the profile that is made for a GPU, or empty.
        data: of victims and pools, each once.
        components: kind and name of attacks, channels and networks, each once.
    """

    device: str
    gpu_wanted_by: str
    data: tuple[DataNeed, ...]
    components: tuple[tuple[type[Entry], str], ...]


@dataclass(frozen=True)
class Site:
    """What the machine offers.

    Attributes:
        problems: one line per need that is not met.
        devices: where trials can run, as torch names it: ``cpu``, or one or more GPUs.
        told: what a user should know of the data, such as files that were left out.
    """

    problems: tuple[str, ...]
    devices: tuple[str, ...]
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialWork:
    """A trial and the folder that it writes to."""

    spec: TrialSpec
    folder: Path

    def moved(self, folder: Path) -> TrialWork:
        """The same trial in another folder."""
        return replace(self, folder=folder)


def check(payload: Needs, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> Site:
    """Look for everything that a run needs, and download data that is to be had."""
    _begin_as_fresh()
    problems: list[str] = []
    heard: list[str] = []
    devices = _devices(payload, problems)
    for task in _lookups(payload):
        if should_stop():
            raise Stopped
        try:
            with steps_to(on_progress), notices_to(heard.append):
                task()
        except PluginFaultError:
            continue  # the trials that need it say so, and the others run
        except MebenchError as error:
            problems.append(str(error))
    return Site(tuple(dict.fromkeys(problems)), devices, tuple(dict.fromkeys(heard)))


def prepare(payload: VictimSpec, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> dict[str, Any]:
    """Train a victim, or find it in the cache, so that no two trials do it."""
    from mebench.models.victims.loading import prepare_victim

    _begin_as_fresh()
    heard: list[str] = []
    with notices_to(heard.append):
        victim = prepare_victim(payload, device=device, on_progress=on_progress, should_stop=should_stop)
    note = "; ".join(filter(None, (victim.note, *heard)))
    return {"accuracy": victim.accuracy, "source": victim.source, "note": note, "cached": victim.cached}


def run(payload: TrialWork, *, device: str, on_progress: OnProgress, should_stop: ShouldStop) -> dict[str, Any]:
    """Run a trial, or go on with it; return its metrics, and a ``note`` if there is something to say of it."""
    from mebench.trial.trial import run_trial

    folder = TrialFolder(payload.folder)
    _wait_for_others(folder, should_stop)
    heard: list[str] = []
    if folder.status == "finished" and (problem := damage(folder, payload.spec.id)):
        raise ResultsError(f"{folder.path}: {problem}: the same command sets it aside")
    if folder.status != "finished":
        ending = run_trial(
            payload.spec,
            folder,
            device=device,
            on_progress=on_progress,
            should_stop=should_stop,
            on_note=_noting(heard),
        )
        if ending == "stopped":
            raise Stopped
    return {**folder.result()["metrics"], "note": "; ".join(heard)}


def _begin_as_fresh() -> None:
    """Take away what plugins have set in this process while they were loaded, which is done now if it is not yet."""
    from mebench.guard.process_state import begin_as_fresh

    registry()
    begin_as_fresh()


def _noting(heard: list[str]) -> Callable[[str], None]:
    """Keeps a line, and logs it at once: the trial may be stopped before its end is told."""

    def note(line: str) -> None:
        _log.warning("%s", line)
        heard.append(line)

    return note


def _wait_for_others(folder: TrialFolder, should_stop: ShouldStop) -> None:
    """Give a worker whose engine was killed the time to save its checkpoint, and one that may be gone to show itself.

    Raises:
        ResultsError: another process goes on running the trial.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with folder.locked():
                return
        except ResultsError:
            if time.monotonic() > deadline and not folder.is_silent:
                raise
        if should_stop():
            raise Stopped
        time.sleep(0.2)


def _devices(needs: Needs, problems: list[str]) -> tuple[str, ...]:
    """Where trials can run; adds to ``problems`` what is asked for and not there."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    wanted, _, index = needs.device.partition(":")
    if wanted == "cpu":
        return ("cpu",)
    if not count:
        if needs.gpu_wanted_by:
            problems.append(_no_gpu(f"profile {needs.gpu_wanted_by!r} needs a GPU"))
        elif wanted == "cuda":
            problems.append(_no_gpu(f"device {needs.device} is asked for"))
        return ("cpu",)
    if index and int(index) >= count:
        problems.append(f"device {needs.device} is asked for, but there are only {count}, numbered from 0")
    if index or count == 1:
        return (needs.device if index else "cuda",)
    return tuple(f"cuda:{number}" for number in range(count))


def _no_gpu(what: str) -> str:
    import torch

    why = "torch sees none" if torch.version.cuda else "this torch is built for CPUs only"
    return f"{what}, but {why}: run it on a machine with a GPU, or with --device cpu here (much slower)"


def _lookups(needs: Needs) -> Iterable[Callable[[], object]]:
    """One call for each thing that must be there; it raises a `MebenchError` if it is not."""
    from mebench.data.datasets import load_dataset

    for kind, name in needs.components:
        yield partial(_load, kind, name)
    for data, split, image_size in needs.data:
        yield partial(load_dataset, data, split, image_size)


def _load(kind: type[Entry], name: str) -> None:
    from mebench.registry.catalogue import registry

    registry().get(kind, name).load()
