"""What mebench adds to the parameters of detectors and defences is its own business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest

from mebench.api.errors import ConfigurationError
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
    assert one.call("context", given=added) == ("context", Strength(1.0))
    other = entry(kind, "built_from_keywords", (Parameter("strength", "float", 1.0, "A knob."),))
    assert other.call("context", given=added) == ("context", {"strength": 1.0})


def test_an_operating_point_and_a_knob_that_was_set_are_refused_together() -> None:
    one = entry(DefenceEntry, "built", Strength)
    assert one.resolve({"l1": 0.5, "strength": 1.0})["l1"] == 0.5  # as a resolved defence has both
    with pytest.raises(ConfigurationError, match="l1: sets strength: give one of the two"):
        one.resolve({"l1": 0.5, "strength": 3.0})
