"""A plugin of links: defences, recoveries and detectors of every kind, honest and broken. No torch at the top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mebench import DefenceEntry, DetectorEntry, Param, RecoveryEntry, hookimpl


@dataclass(frozen=True)
class Strength:
    share: Annotated[float, Param("Of the uniform distribution.", minimum=0, maximum=1, in_variant="always")] = 0.5


def _defence(name: str, target: str, **more: object) -> DefenceEntry:
    return DefenceEntry(name, "A test.", f"link_parts:{target}", **more)  # type: ignore[arg-type]


@hookimpl
def mebench_defences():
    return [
        _defence("mixing", "Mixing", parameters=Strength, knob="share", knob_range=(0.0, 1.0)),
        _defence("counting", "Counting"),
        _defence("forgetting", "Forgetting"),
        _defence("swapping", "Swapping"),
        _defence("drawing", "Drawing"),
        _defence("learning", "Learning", needs_data=True),
        _defence(
            "learnt-mixing",
            "LearntMixing",
            parameters=Strength,
            knob="share",
            knob_range=(0.0, 1.0),
            needs_data=True,
        ),
        _defence("grey", "Grey", place="input", texts=False),
        _defence("absolute-maps", "AbsoluteMaps", place="explanation"),
        _defence("broken", "Broken"),
        _defence("not-a-number", "NotANumber"),
    ]


@hookimpl
def mebench_recoveries():
    return [
        RecoveryEntry("twice", "A test.", "link_parts:Twice"),
        RecoveryEntry("unmixing", "A test.", "link_parts:Unmixing", knows="mechanism"),
        RecoveryEntry("picky", "A test.", "link_parts:Picky"),
        RecoveryEntry("short", "A test.", "link_parts:Short"),
    ]


@hookimpl
def mebench_detectors():
    return [
        DetectorEntry("many", "A test.", "link_parts:Many", threshold=150.0, texts=True),
        DetectorEntry("unsure", "A test.", "link_parts:Unsure", needs=frozenset({"probability"})),
    ]
