"""Writing a registered report; a plugin's fault is one line that names it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mebench.api.files import write_atomically
from mebench.registry.catalogue import registry
from mebench.registry.entries import ReportEntry
from mebench.report.page.results import Results


def report_named(name: str) -> ReportEntry:
    """The metadata of a report.

    Raises:
        UnknownNameError: no such report; the message suggests the nearest.
    """
    return registry().get(ReportEntry, name)


def write_registered(entry: ReportEntry, roots: Sequence[Path], output: Path, given: Mapping[str, Any]) -> list[str]:
    """Write a report; return lines to tell the user.

    Args:
        entry: of the report.
        roots: results folders and the like.
        output: the file.
        given: parameters in place of the defaults.

    Raises:
        ConfigurationError: a parameter is wrong.
        ResultsError: a root holds no results.
        PluginFaultError: the report failed, or wrote no file.
        UnwritableError: the file cannot be written.
    """
    entry.resolve(given)
    results = Results(roots)
    if registry().ships(ReportEntry, entry.name):
        notes: list[str] = entry.call(results, output, given=given)
        return notes
    _ = results.board  # what is wrong with the results is no fault of the plugin's
    return _write_guarded(entry, results, output, given)


def _write_guarded(entry: ReportEntry, results: Results, output: Path, given: Mapping[str, Any]) -> list[str]:
    """Let a plugin write a file that takes the place of the last one once it is whole."""
    from mebench.guard.call import Guard

    guard = Guard.of(ReportEntry, entry.name)
    with tempfile.TemporaryDirectory(prefix="mebench-report-") as folder:
        unfinished = Path(folder) / f"report.{entry.suffix}"
        notes = entry.call(results, unfinished, given=given, through=guard)
        if notes is not None and not (isinstance(notes, (list, tuple)) and all(isinstance(one, str) for one in notes)):
            guard.fail(f"writing returned a {type(notes).__name__}, not a list of lines")
        if not unfinished.is_file():
            guard.fail("wrote no file to the path that it was given")
        write_atomically(output, unfinished.read_bytes())
    return list(notes or ())
