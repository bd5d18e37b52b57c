"""Rows from plain JSON: the keys of files are checked as they stand there, and then put into a row's mappings.

And rows to what is committed: without what differs from run to run, with thinned curves.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, Field, create_model

from mebench.registry.catalogue import registry
from mebench.registry.registry import Registry
from mebench.results.curves import Curve
from mebench.results.derived import GOAL_KEYS
from mebench.results.leaderboard.keys import CENSORED, CI, MAPPINGS, keys_of
from mebench.results.leaderboard.model import TIMES, Row, SeedResult
from mebench.results.leaderboard.read.trials import parse
from mebench.results.leaderboard.read.watched import watched_problem
from mebench.results.numbers import SCORES


def row_of(plain: Any) -> Row:
    """Make a row of plain JSON values; keys that are unknown are left out.

    Raises:
        ValueError: one line on what does not fit.
    """
    found = parse(_file_model(registry()), plain)
    told = [one for seed in found.per_seed for one in seed.detectors]  # type: ignore[attr-defined]
    if problem := next(filter(None, map(watched_problem, told)), ""):
        raise ValueError(problem)
    seeds = tuple(SeedResult(**_fields(SeedResult, one)) for one in found.per_seed)  # type: ignore[attr-defined]
    return Row(**_fields(Row, found) | {"per_seed": seeds})


def _fields(kind: type[Any], found: BaseModel) -> dict[str, Any]:
    """What a row or seed is made with, of the values of a file."""
    plain: dict[str, Any] = {key: getattr(found, key) for key in type(found).model_fields}
    own = {one.name: plain[one.name] for one in fields(kind) if one.name not in MAPPINGS}
    if kind is Row:
        own["provenance"] = {
            name: (told,) if isinstance(told, str) else told for name, told in own["provenance"].items()
        }
        own["service"] = own["service"] or _service_of(own["channel"], own["defence"])
    else:
        own["curve"] = Curve.from_columns(own["curve"])
    metrics = {key: plain[key] for key in _metric_keys(kind) if plain[key] is not None}
    intervals = {key.removesuffix(CI): plain[key] for key in _interval_keys(kind) if plain[key] is not None}
    more = {"intervals": plain[f"metrics{CI}"] | intervals} if kind is Row else {}
    reached = {goal: plain[key] for key, goal in GOAL_KEYS.items() if plain[key] is not None or plain[key + CENSORED]}
    return own | more | {"metrics": plain["metrics"] | metrics, "queries_to": reached}


def _service_of(channel: str, defence: str) -> str:
    """The channel alone, of a row of before it stood there: its defences came behind it."""
    return channel if defence == "none" else channel.removesuffix(", " + defence.replace(" > ", ", "))


def _metric_keys(kind: type[Any]) -> list[str]:
    known = {one.name for one in fields(kind)} | GOAL_KEYS.keys()
    return [key for key in keys_of(kind) if key not in known and not key.endswith((CI, CENSORED))]


def _interval_keys(kind: type[Any]) -> list[str]:
    return [key for key in keys_of(kind) if key.endswith(CI)]


@cache
def _file_model(known: Registry) -> type[BaseModel]:
    """What files hold of a row and its seeds: a field for each key."""
    scores: dict[str, Any] = dict.fromkeys(SCORES, (float, ...))
    seed = create_model("SeedFile", **_columns(SeedResult, int) | scores)
    seeds: dict[str, Any] = {"per_seed": (tuple[seed, ...], ())}  # type: ignore[valid-type]
    return create_model("RowFile", **_columns(Row, float) | seeds)


def _columns(kind: type[Any], count: type[int] | type[float]) -> dict[str, Any]:
    """The type and default of every key."""
    hints = get_type_hints(kind)
    known = [one for one in fields(kind) if one.name not in MAPPINGS]
    found: dict[str, Any] = {}
    for one in known:
        default: Any = ... if one.default is MISSING else one.default
        found[one.name] = (hints[one.name], Field(default_factory=dict) if one.default_factory is dict else default)
    for key in (*_metric_keys(kind), *_interval_keys(kind)):
        found[key] = (float | None, None)
    for key in GOAL_KEYS:
        found |= {key: (count | None, None), f"{key}{CENSORED}": (bool, False)}
    found |= {key: _mapping(float | None) for key in ("metrics", f"metrics{CI}")}
    if kind is Row:
        found["service"] = (str, "")  # rows of before it stood there tell it by their channel
        return found | {"provenance": _mapping(str | tuple[str, ...])}
    return found | {"curve": _mapping(list[float | None])}


def _mapping(values: Any) -> tuple[Any, Any]:
    return dict[str, values], Field(default_factory=dict)


def committed(row: Row) -> dict[str, Any]:
    """A row as it is committed: without times, and money, which may depend on them; with curves and provenance."""
    nothing = dict.fromkeys((*TIMES, "cost"))
    plain = row.to_json() | nothing
    provenance = {name: told[0] if len(told) == 1 else list(told) for name, told in row.provenance.items()}
    seeds = [
        one | nothing | ({"curve": seed.curve.thinned()} if seed.curve else {})
        for one, seed in zip(plain["per_seed"], row.per_seed, strict=True)
    ]
    return plain | {"per_seed": seeds} | ({"provenance": provenance} if provenance else {})
