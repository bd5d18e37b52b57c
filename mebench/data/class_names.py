"""What the classes of data sets are called, in the order of their labels. Imports no torch.

Names are for readers: they are part of no trial's id and of no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import DataUnavailableError, MebenchError
from mebench.api.notices import notice
from mebench.api.printable import printable
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry

if TYPE_CHECKING:
    from mebench.data.entries import OwnImagesParameters
    from mebench.data.text.entries import MadeUpParameters

LONGEST = 200
"""Characters of a name that are kept."""


def names_of(entry: DatasetEntry, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of a data set's classes, fit for a line; empty where it has none, or where they cannot be told here.

    Args:
        entry: of the data set.
        given: its parameters.
    """
    declared: Any = entry.class_names
    if isinstance(declared, str):
        declared = _told(entry, declared, given)
    return cleaned(declared)


def cleaned(names: Sequence[str]) -> tuple[str, ...]:
    """Names of unknown origin without control characters, each of at most `LONGEST` characters."""
    return tuple(printable(name)[:LONGEST] for name in names)


def _told(entry: DatasetEntry, target: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Ask the function that tells the names; one that fails costs the names and nothing else."""
    asked = replace(entry, target=target)
    try:
        if registry().ships(DatasetEntry, entry.name):
            return tuple(asked.call(given=given))
        return _told_by_plugin(asked, given)
    except DataUnavailableError:  # whoever reads the data says so
        return ()
    except MebenchError as error:
        notice(f"data set {entry.name!r}: its classes are numbers: {error}")
        return ()


def _told_by_plugin(asked: DatasetEntry, given: Mapping[str, Any]) -> tuple[str, ...]:
    from mebench.guard.call import Guard  # it imports torch

    guard = Guard.of(DatasetEntry, asked.name)
    told = asked.call(given=given, through=guard)
    if not isinstance(told, (tuple, list)) or not all(isinstance(name, str) and name.strip() for name in told):
        guard.fail("class_names returned no list of names")
    return tuple(told)


def of_folders(parameters: OwnImagesParameters) -> tuple[str, ...]:
    """The folders of the classes of one's own images.

    Raises:
        DataUnavailableError: they are not there.
    """
    from mebench.data.class_folders import class_folders
    from mebench.data.folders import LeftOut

    if parameters.root is None:
        return ()
    return tuple(class_folders(Path(parameters.root).expanduser() / "train", LeftOut()))


def of_topics(parameters: MadeUpParameters) -> tuple[str, ...]:
    """The topics of made-up texts by their numbers."""
    return tuple(f"topic {number}" for number in range(*parameters.topics))
