"""How far the trials of a plan are on disk, which of them other code has made, and which are damaged.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.api.errors import ResultsError
from mebench.api.spec import TrialSpec
from mebench.plan.plan import Plan
from mebench.registry.code import OWN, Code, changes
from mebench.registry.parts import trial_code
from mebench.results.damage import damage
from mebench.results.trial_folder import Status, TrialFolder

State = Literal[Status, "running", "damaged", "other code"]
"""The status of a trial's folder; or that a process is at work in it; or that its result does not count, or was made by
other code, as may be what is half-run."""


@dataclass(frozen=True)
class PlanState:
    """How far the trials of a plan are on disk.

    Attributes:
        root: the benchmark's folder.
        trials: with their state, in the order of the plan.
        changes: what is other code for a trial, by its id, in one line; of those whose results are kept, too.
        damage: what is wrong with a trial that is damaged, by its id, in one line.
        holders: which process is at work on a trial, by its id.
    """

    root: Path
    trials: tuple[tuple[TrialSpec, State], ...]
    changes: Mapping[str, str]
    damage: Mapping[str, str]
    holders: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, root: Path, *, keep_other_code: bool = False) -> PlanState:
        """Look at the folders.

        Args:
            plan: whose trials.
            root: the benchmark's folder, which need not exist.
            keep_other_code: whether results that other code has finished count as finished.
        """
        trials: list[tuple[TrialSpec, State]] = []
        differences: dict[str, str] = {}
        problems: dict[str, str] = {}
        holders: dict[str, str] = {}
        for name, trial in plan.ids.items():
            folder = TrialFolder(root / name)
            state: State = folder.status
            if state != "finished" and (holder := folder.holder()):
                state, holders[name] = "running", holder
            elif problem := damage(folder, name):
                state, problems[name] = "damaged", problem
            elif state != "new" and (changed := code_changes(folder, trial_code(trial, plan.registry))):
                differences[name] = "; ".join(changed)
                if state == "partial" or (state == "finished" and not keep_other_code):
                    state = "other code"
            trials.append((trial, state))
        return cls(root, tuple(trials), differences, problems, holders)

    def having(self, *states: State) -> list[TrialSpec]:
        """The trials in one of these states."""
        return [trial for trial, state in self.trials if state in states]

    @property
    def pending(self) -> list[TrialSpec]:
        """The trials that will run: all but the finished ones."""
        return self.having("new", "partial", "running", "failed", "damaged", "other code")

    def other_code(self) -> dict[str, int]:
        """What is other code, in lines, and for how many trials."""
        lines = list(self.changes.values())
        return {line: lines.count(line) for line in dict.fromkeys(lines)}


def code_changes(folder: TrialFolder, now: Mapping[str, Code]) -> list[str]:
    """A clause for each part of a trial whose code is another now than when its folder was written.

    One alone if it is not known any more which code that was.
    """
    try:
        written = folder.code()
    except ResultsError as error:
        return [f"it is not known any more which made it ({error})"]
    return changes(_plugin_of_result(folder, now) if written is None else written, now)


def _plugin_of_result(folder: TrialFolder, now: Mapping[str, Code]) -> dict[str, Code]:
    """What a result of before there was ``code.json`` says of its attack: the plugin and its version."""
    attack = next((part for part in now if part.startswith("attack ") and now[part].distribution != OWN), None)
    if attack is None or folder.status != "finished":
        return {}
    try:
        said = folder.result()["provenance"]["plugin"]
        distribution, _, version = said.rpartition(" ")
    except (ResultsError, OSError, LookupError, TypeError, AttributeError, RecursionError):
        return {}
    return {attack: Code(distribution, version)} if distribution else {}
