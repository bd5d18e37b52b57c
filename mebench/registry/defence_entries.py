"""What can be named of what stands between a victim and an attack: defences, recoveries, detectors. Imports no torch.

They are kinds like those of `mebench.registry.entries`; the contract is `mebench.api.defence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mebench.api.errors import ConfigurationError
from mebench.registry.entry import Entry, Known
from mebench.registry.parameter import Parameter

Knowledge = Literal["blind", "mechanism", "mechanism+aux"]
"""What an attacker knows of a defence: nothing; its code and parameters, but neither key nor auxiliary models; or both
but the key."""
Place = Literal["answer", "explanation", "input"]
_PLACES = {
    "answer": "changes the probabilities",
    "explanation": "changes the maps",
    "input": "changes what reaches the victim",
}
OPERATING_POINT = Parameter(
    "l1",
    "float",
    None,
    "Operating point: the mean L1 distance from the victim's probabilities on benign inputs, to which the knob is "
    "calibrated; null for the knob as it is given.",
    minimum=0.0,
    maximum=2.0,
    in_variant="changed",
)
_THRESHOLDS = (
    Parameter(
        "threshold",
        "float",
        None,
        "Score above which a client is alarmed of; null for the published one, or for what false_positives gives.",
        in_variant="changed",
    ),
    Parameter(
        "false_positives",
        "float",
        None,
        "Share of benign streams that may raise an alarm: the threshold is calibrated on the owner's data to it.",
        minimum=0.0,
        maximum=0.5,
        in_variant="changed",
    ),
)


@dataclass(frozen=True)
class DefenceEntry(Entry):
    """A defence. Its target is called as ``target(context, parameters)`` with an `OwnersContext`, and returns an
    `AnswerDefence`, an `ExplanationDefence` or an `InputDefence`. Since version 1.8.

    Attributes:
        place: what it changes: ``answer``, ``explanation`` or ``input``.
        knob: the number among its parameters that says how strong it is; calibrated where a benchmark file gives an
            operating point, ``l1``, in its place. Empty without one; only defences of answers have one.
        knob_range: from no effect to the strongest; the mean L1 distance rises from one end to the other, so the first
            may be the greater.
        needs_data: whether it needs the owner's reserve.
        forward, backward: rows that it computes by itself for each answer, forward and back; its cost.
        texts: whether it also works where inputs are texts.
        paper: short reference with an arXiv or DOI number.
    """

    kind, plural, phrase = "defence", "defences", "a defence"

    place: Place = "answer"
    knob: str = ""
    knob_range: tuple[float, float] = (0.0, 1.0)
    needs_data: bool = False
    forward: float = 0.0
    backward: float = 0.0
    texts: bool = True
    paper: str = ""

    @property
    def added(self) -> tuple[Parameter, ...]:
        """The operating point, where it has a knob."""
        return (OPERATING_POINT,) if self.knob else ()

    def shown(self, parameters: Mapping[str, Any]) -> tuple[Parameter, ...]:
        """All, but the knob where an operating point sets it."""
        set_by_point = parameters.get(OPERATING_POINT.name) is not None
        return tuple(one for one in self.declared if not (set_by_point and one.name == self.knob))

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As `Entry.resolve`; beside an operating point the knob that it sets must be left as it is by default."""
        resolved, point = super().resolve(given), OPERATING_POINT.name
        default = next((one.default for one in self.declared if one.name == self.knob), None)
        if given.get(point) is not None and resolved.get(self.knob) != default:
            raise ConfigurationError(f"{point}: sets {self.knob}: give one of the two")
        return resolved

    def facts(self, known: Known) -> dict[str, str]:
        """Paper, place, knob, and cost."""
        cost = {"forward": self.forward, "backward": self.backward}
        return {
            "paper": self.paper,
            "place": f"{self.place} ({_PLACES[self.place]})",
            "knob": self.knob,
            "needs": "the owner's own data" if self.needs_data else "",
            "passes an answer": ", ".join(f"{value:g} {way}" for way, value in cost.items() if value),
        }


@dataclass(frozen=True)
class RecoveryEntry(Entry):
    """A recovery. Its target is called as ``target(context, parameters)`` with a `RecoveryContext`, and returns a
    `Recovery`. Since version 1.8.

    Attributes:
        needs: what an answer must hold: ``probability``, ``explanation``.
        knows: what the attacker must know of the defence: ``blind``, ``mechanism`` or ``mechanism+aux``.
        oracle: whether it is told what no attacker has, so that it is an upper bound and never ranked.
        costs: the parameter that says how many queries a row costs; without such a parameter it costs one.
        texts: whether it also works where inputs are texts.
        paper: short reference with an arXiv or DOI number.
    """

    kind, plural, phrase = "recovery", "recoveries", "a recovery"

    needs: frozenset[str] = frozenset({"probability"})
    knows: Knowledge = "blind"
    oracle: bool = False
    costs: str = "copies"
    texts: bool = True
    paper: str = ""

    def queries_per_row(self, parameters: Mapping[str, Any]) -> float:
        """How many queries a row costs with these parameters."""
        value = parameters.get(self.costs, 1)
        return value if isinstance(value, (int, float)) and value >= 1 else 1

    def facts(self, known: Known) -> dict[str, str]:
        """Paper, needs, and what it knows."""
        return {"paper": self.paper, "needs": ", ".join(sorted(self.needs)), "knows": self.knows}


@dataclass(frozen=True)
class DetectorEntry(Entry):
    """A detector. Its target is called as ``target(context, parameters)`` with an `OwnersContext`, and returns a
    `Detector`. Since version 1.8.

    Attributes:
        threshold: the published one, above which a score is an alarm; None if there is none, so that a benchmark file
            gives one, or the owner's data calibrates it.
        needs_data: whether it needs the owner's reserve, besides for calibrating.
        needs: what an answer of the channel must hold for it.
        forward: rows that it computes by itself for each query.
        texts: whether it also works where inputs are texts.
        texts_with: parameters that it must have for that.
        paper: short reference with an arXiv or DOI number.
    """

    kind, plural, phrase = "detector", "detectors", "a detector"

    threshold: float | None = None
    needs_data: bool = False
    needs: frozenset[str] = frozenset({"label"})
    forward: float = 0.0
    texts: bool = False
    texts_with: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""

    @property
    def added(self) -> tuple[Parameter, ...]:
        """How its threshold comes about."""
        return _THRESHOLDS

    def facts(self, known: Known) -> dict[str, str]:
        """Paper, published threshold and needs."""
        return {
            "paper": self.paper,
            "published threshold": "" if self.threshold is None else f"{self.threshold:g}",
            "needs": "the owner's own data" if self.needs_data else "",
        }
