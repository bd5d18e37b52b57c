"""How fast trials and trainings are on this machine, as ``mebench plan --measure`` found out before any of them ran.

The speeds are kept in one file of the cache, by what they depend on: the parts of a trial, but not its seed, its budget
or how often it is evaluated. Nothing here imports torch.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mebench.api.errors import ResultsError
from mebench.api.files import read_json, write_json
from mebench.api.spec import TrainingRecipe, TrialSpec, VictimSpec, content_digest
from mebench.data.sources import cache_dir
from mebench.plan.grid import SUPERVISED


def speeds_file() -> Path:
    """Where speeds are kept."""
    return cache_dir() / "speeds.json"


def trial_key(trial: TrialSpec, device: str = "cpu") -> str:
    """The key of a trial's speed: queries per second, or trainings per second of a supervised reference."""
    if trial.kind == SUPERVISED:
        return _key("supervised", device, [trial.victim.data, trial.victim.training or TrainingRecipe(), trial.clone])
    alike = replace(trial, seed=0, budget=1, evaluations=1, victim=replace(trial.victim, name=""))
    return _key("trial", device, alike)


def training_key(victim: VictimSpec, device: str = "cpu") -> str:
    """The key of the speed at which a victim is trained: trainings per second."""
    return _key("training", device, replace(victim, name=""))


class KeptSpeeds:
    """Speeds by their keys.

    Args:
        speeds: as the file holds them.
    """

    def __init__(self, speeds: Mapping[str, float] | None = None) -> None:
        self._speeds = dict(speeds or {})

    @classmethod
    def read(cls) -> KeptSpeeds:
        """Those that are kept; none if the file is damaged, for they can be measured again."""
        try:
            found = read_json(speeds_file())
        except (ResultsError, OSError, RecursionError):
            return cls()
        return cls({str(key): value for key, value in found.items() if _is_speed(value)})

    def get(self, key: str) -> float | None:
        """The speed of that key; None if it was not measured here."""
        return self._speeds.get(key)

    def keep(self, found: Mapping[str, float]) -> None:
        """Take speeds over, and write the file."""
        self._speeds.update(found)
        speeds_file().parent.mkdir(parents=True, exist_ok=True)
        write_json(speeds_file(), self._speeds)


def _key(what: str, device: str, parts: object) -> str:
    return f"{what}-{content_digest([platform.node(), device, parts])}"


def _is_speed(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value > 0
