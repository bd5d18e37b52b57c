"""Whose fault it is when a victim's own code fails: the victim's, in one line that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.progress import Stopped
from mebench.registry.safe_import import what_happened


@contextmanager
def blamed_on(name: str, doing: str, advice: str = "") -> Iterator[None]:
    """Blame whatever the block raises on a victim.

    Args:
        name: of the victim.
        doing: what cannot be done with it, after "cannot".
        advice: what its owner should do.

    Raises:
        ConfigurationError: the block raised something that mebench does not say by itself. Memory that ran out is
            nobody's fault, and is raised as it is.
    """
    try:
        yield
    except (MebenchError, Stopped, MemoryError, torch.OutOfMemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:  # also an end of the process, or of a task, that is none of the victim's to ask for
        said = what_happened(error) + (advice and f": {advice}")
        raise ConfigurationError(f"victim {name!r} cannot {doing}: {said}") from error
