"""What defences and detectors have learnt of the owner's data, kept on disk by all that it depends on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.lease import LEASE, HeldError, LeasePlace, leased
from mebench.api.progress import ShouldStop, Stopped, ended_by_a_stop, never
from mebench.api.spec import Component, content_digest
from mebench.data.sources import cache_dir
from mebench.models.state_file import load_state, save_state
from mebench.registry.catalogue import registry
from mebench.registry.entry import Entry

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_TRIES = 0.1


def learnt_dir() -> Path:
    """Where it is kept."""
    return cache_dir() / "defences"


def learnt_once(
    kind: type[Entry],
    component: Component,
    depends_on: dict[str, Any],
    learn: Callable[[], dict[str, Any]],
    should_stop: ShouldStop = never,
) -> dict[str, Any]:
    """What was learnt before, or is now; another process that needs the same waits.

    Args:
        kind, component: who learns.
        depends_on: all else that it depends on, as JSON values: the victim's weights, the owner's data.
        learn: does it.
        should_stop: asked while another process holds the place, and at the signs of life of ``learn``.

    Raises:
        Stopped: the user asked to stop meanwhile; nothing is kept.
    """
    code = {name: one.digest for name, one in registry().code(kind, component.name).items()}
    told = {"component": component, "code": code, "torch": torch.__version__.split(".")[0], **depends_on}
    key = f"{component.name}-{content_digest(told)}"
    path = learnt_dir() / f"{key}.safetensors"
    if (known := _read(path)) is not None:
        return known

    def wait(error: HeldError) -> None:
        if should_stop():
            raise Stopped("stopped while another process was fitting a defence") from None
        time.sleep(_SECONDS_BETWEEN_TRIES)

    try:
        with leased(LeasePlace(learnt_dir(), f".{key}{LEASE}"), wait):
            if (known := _read(path)) is not None:
                return known
            with ended_by_a_stop(should_stop):
                found = learn()
            save_state(path, found)
            return found
    except (OSError, UnwritableError) as error:
        _log.warning("what %s learnt could not be cached: %s", component.name, error)
        with ended_by_a_stop(should_stop):
            return learn()


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        return load_state(path)
    except ResultsError as error:
        _log.warning("%s: learnt again", error)
        return None
