"""What mebench adds to the parameters of detectors and defences is its own business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from mebench.registry.defence_entries import DefenceEntry, DetectorEntry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Param, Parameter


@dataclass(frozen=True)
class Strength:
    """A knob."""

    strength: Annotated[float, Param("How strong it is.")] = 1.0


def built(context, parameters):
    return context, parameters


def built_from_keywords(context, **parameters):
    return context, parameters


def entry(kind: type[Entry], target: str, parameters) -> Entry:
    more = {"knob": "strength"} if kind is DefenceEntry else {}
    return kind("odd", "Odd.", f"{__name__}:{target}", parameters, **more)


@pytest.mark.parametrize(("kind", "added"), [(DetectorEntry, {"threshold": 2.0}), (DefenceEntry, {"l1": 0.5})])
def test_the_target_gets_its_own_parameters_alone(kind: type[Entry], added: dict[str, float]) -> None:
    one = entry(kind, "built", Strength)
    assert one.resolve(added)["strength"] == 1.0
    assert one.resolve(added).items() >= added.items()
    assert one.call("context", given={"strength": 3.0, **added}) == ("context", Strength(3.0))
    other = entry(kind, "built_from_keywords", (Parameter("strength", "float", 1.0, "A knob."),))
    assert other.call("context", given=added) == ("context", {"strength": 1.0})
