"""A plan of trials whose specs lie in a results folder, so that they can run again without their benchmark file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.api.files import read_json
from mebench.api.spec import TrialSpec
from mebench.plan.file import Benchmark, Profile
from mebench.plan.plan import Plan
from mebench.registry.catalogue import registry
from mebench.results.set_aside import set_aside_before
from mebench.results.trial_folder import TrialFolder
from mebench.results.trial_names import FACTS, known_trials

MOST_LOOKED_AT = 100
"""Trials whose files are read to see where and how the trials of a folder ran."""


@dataclass(frozen=True)
class RecordedPlan(Plan):
    """The trials of a results folder that are to run.

    Attributes:
        facts: what ``benchmark.json`` holds, which stays as it is.
        device: where trials of the folder ran before: ``cpu`` or ``cuda``, or ``auto`` if that is not known.
    """

    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    device: str = "auto"

    @property
    def settings(self) -> Profile:
        """What is on record of the profile's: its scale, and where trials ran."""
        scale = "paper" if self.facts.get("scale") == "paper" else "reduced"
        return Profile.model_construct(scale=scale, device=self.device, runs=[])

    def notes(self) -> list[str]:
        """None: what there was to know was said when the benchmark ran."""
        return []

    def metadata(self) -> dict[str, Any]:
        """What ``benchmark.json`` holds already."""
        return dict(self.facts)


def recorded_plan(root: Path, ids: Sequence[str]) -> RecordedPlan:
    """Plan to run trials of a results folder as their folders say.

    Args:
        root: the folder.
        ids: of trials that have been begun.

    Raises:
        ConfigurationError: with a line for each trial whose spec is not there, or is of another version.
    """
    problems: list[str] = []
    specs: dict[str, TrialSpec] = {}
    for name in ids:
        try:
            specs[name] = _spec(TrialFolder(root / name))
        except (ResultsError, LookupError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"{name}: cannot run from its folder ({error}): run its benchmark file")
    if problems:
        raise ConfigurationError(*problems)
    try:
        facts = read_json(root / FACTS)
    except ResultsError:
        facts = {"format": 1, "trials": known_trials(root)}
    name, title, profile = (str(facts.get(key) or "") for key in ("name", "title", "profile"))
    benchmark = Benchmark.model_construct(name=name, title=title, victims={}, profiles={}, reported=[])
    device = next(iter(_recorded(root, ids, "env.json", "device")), "auto")
    return RecordedPlan(
        benchmark, profile, specs, registry(), facts=facts, device=str(device).partition(":")[0] or "auto"
    )


def recorded_threads(root: Path, ids: Sequence[str]) -> int | None:
    """How many threads the trials of a results folder had; None if none of those looked at tells."""
    for provenance in _recorded(root, ids, "result.json", "provenance"):
        threads = provenance.get("threads") if isinstance(provenance, Mapping) else None
        if isinstance(threads, int) and threads > 0:
            return threads
    return None


def _recorded(root: Path, ids: Sequence[str], file: str, key: str) -> Iterator[Any]:
    """What a file of some trials says, those asked for first."""
    for name in islice(dict.fromkeys([*ids, *known_trials(root)]), MOST_LOOKED_AT):
        try:
            value = read_json(root / name / file).get(key)
        except ResultsError:
            continue
        if value is not None:
            yield value


def _spec(folder: TrialFolder) -> TrialSpec:
    """The spec as the folder's files tell it, if it is the one that the folder is named by.

    Of a trial that was set aside and has not begun again since, its old folder tells it.
    """
    if folder.status == "new":
        folder = next(set_aside_before(folder), folder)
    if folder.status == "new":
        raise ResultsError("it has not begun")
    try:
        spec = folder.spec()
    except ResultsError:
        spec = TrialSpec.from_json(folder.failure()["spec"])
    if spec.id != folder.path.name:
        raise ResultsError(f"its spec is that of {spec.id}, or of another version of mebench")
    return spec
