"""What a trial's files tell, checked and put into one record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from mebench.api.spec import TrialSpec
from mebench.registry.code import Code
from mebench.results.curves import Curve
from mebench.results.leaderboard.read.origin import Origin
from mebench.results.leaderboard.write.labels import cleaned

Model = TypeVar("Model")


class Metrics(BaseModel):
    """What the last clone scores on the test set. There is no result without accuracy and fidelity."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]
    accuracy: float
    fidelity: float

    def by_key(self) -> dict[str, float | None]:
        """All of them by their keys."""
        return {"accuracy": self.accuracy, "fidelity": self.fidelity, **(self.model_extra or {})}


class BestOnTest(BaseModel):
    """The best evaluation of the run; a diagnostic that nothing is chosen by."""

    accuracy: float
    queries: int


class Ledger(BaseModel):
    """The oracle's account at the end."""

    budget: int
    spent: int
    by_purpose: dict[str, int] = Field(default_factory=dict)
    explanations: int = 0
    victim_forward: int | None = None
    victim_backward: int | None = None


class VictimFacts(BaseModel):
    """The victim as it was met."""

    name: str
    weights_hash: str
    accuracy: float
    data_hash: str = ""
    agreement: float | None = None  # with itself, of a victim that is random


class CloneFacts(BaseModel):
    """The clone: what it started from, and what it ended as."""

    initial_hash: str = ""
    weights_hash: str = ""


class LinksFile(BaseModel):
    """What is kept of detectors, a mapping for each."""

    detectors: tuple[dict[str, Any], ...] = ()


class ResultFile(BaseModel):
    """The part of ``result.json`` that tables are made from."""

    format: int
    id: str
    status: str = "finished"
    metrics: Metrics
    best_on_test: BestOnTest | None = None
    ledger: Ledger
    victim: VictimFacts
    clone: CloneFacts = Field(default_factory=CloneFacts)
    provenance: Origin = Field(default_factory=Origin)
    flags: list[str] = Field(default_factory=list)
    query_label_entropy: float | None = None
    links: LinksFile = Field(default_factory=LinksFile)
    query_labels: Any = None  # as it stands in the file: tables are made without it


@dataclass(frozen=True)
class TrialRecord:
    """One trial as its files tell it.

    Attributes:
        id: content id; the folder's name may be another.
        spec: the resolved trial.
        plain: the spec as it stands in the file, with keys of other versions.
        status: ``finished``, ``failed``, ``partial`` (begun, not finished) or ``invalid`` (its result does not count).
        reason: why it is not finished.
        result, curve: None and empty unless finished.
        seconds, queries_per_second: over all sessions, if known.
        path: the folder that it was read from.
        code: what code ran, by kind and name of each part; None where that is not known.
    """

    id: str
    spec: TrialSpec
    plain: Mapping[str, Any]
    status: Literal["finished", "failed", "partial", "invalid"]
    reason: str = ""
    result: ResultFile | None = None
    curve: Curve = field(default_factory=Curve)
    seconds: float | None = None
    queries_per_second: float | None = None
    path: Path | None = None
    code: Mapping[str, Code] | None = None


def parse(model: type[Model], plain: Any) -> Model:
    """Check plain JSON values against a model or dataclass, and make its texts printable.

    Raises:
        ValueError: one line on the first thing that does not fit, and how many more there are.
    """
    try:
        return _adapter(model).validate_python(cleaned(plain))
    except ValidationError as error:
        first, *more = error.errors(include_url=False)
        place = ".".join(map(str, first["loc"])) or "file"
        rest = f" (and {len(more)} more)" if more else ""
        raise ValueError(f"{place}: {first['msg'][:1].lower()}{first['msg'][1:]}{rest}") from None


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def _adapter(model: type[Model]) -> TypeAdapter[Model]:
    if model not in _ADAPTERS:
        _ADAPTERS[model] = TypeAdapter(model)
    return _ADAPTERS[model]


def unique(trials: Sequence[TrialRecord], notes: list[str]) -> list[TrialRecord]:
    """Drop second copies of a trial: the finished one stays; copies that differ are noted."""
    kept: dict[tuple[str, ...], TrialRecord] = {}
    for trial in sorted(trials, key=lambda one: one.status != "finished"):
        facts = trial.result.victim if trial.result else None
        key = (trial.id, facts.weights_hash, facts.data_hash) if facts else (trial.id,)
        first = kept.get(key) or (None if facts else _any_of(kept, trial.id))
        if first is None:
            kept[key] = trial
        elif facts and _outcome(first) != _outcome(trial):
            notes.append(f"{trial.id} is there twice with different results; only the first is used")
    return list(kept.values())


def _any_of(kept: Mapping[tuple[str, ...], TrialRecord], identity: str) -> TrialRecord | None:
    return next((trial for key, trial in kept.items() if key[0] == identity), None)


def _outcome(trial: TrialRecord) -> str:
    assert trial.result is not None
    return json.dumps([trial.result.model_dump(), trial.curve.accuracy], sort_keys=True)
