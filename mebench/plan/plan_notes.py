"""What a reader of a plan must know before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mebench.api.spec import Component

if TYPE_CHECKING:
    from mebench.plan.plan import Plan


def plan_notes(plan: Plan) -> list[str]:
    """One sentence each: the scale, the file's own note, the GPU, and pools that overlap with training data."""
    settings = plan.settings
    scale = "The paper's own scale" if settings.scale == "paper" else "Reduced scale: not the paper's"
    notes = [f"{scale}. {settings.note}".strip().removesuffix(".") + "."]
    if settings.needs_gpu:
        notes.append("This profile needs a GPU to end in reasonable time.")
    return [*notes, *dict.fromkeys(_overlaps(plan))]


def _overlaps(plan: Plan) -> Iterator[str]:
    for trial in plan.trials:
        if trial.pool and trial.victim.training and _share_rows(trial.pool, trial.victim.data):
            yield (
                f"The pool of {trial.attack.name} holds images that {trial.victim.name} was trained on:"
                " give both of them rows that do not overlap, unless this is what you want to measure."
            )


def _share_rows(first: Component, second: Component) -> bool:
    """Whether two data sets are the same, with rows in common."""
    places = [{**data.parameters, "rows": None, "name": data.name} for data in (first, second)]
    (start, stop), (other_start, other_stop) = (
        data.parameters.get("rows") or (0, float("inf")) for data in (first, second)
    )
    return places[0] == places[1] and start < other_stop and other_start < stop
