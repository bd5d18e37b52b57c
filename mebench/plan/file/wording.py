"""Saying in plain words, and in one line each, what is wrong with a benchmark file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from mebench.api.shortened import bound, brief
from mebench.api.suggestions import did_you_mean
from mebench.plan.file.positions import Location, Problem
from mebench.plan.file.schema import PATTERN_WORDS, Benchmark, Named, section_at

Details = Mapping[str, Any]


def written(location: Location) -> str:
    """A location as a user reads it: ``profiles.quick.runs[0].attacks[2].parameters.loss``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def shown(value: Any) -> str:
    """A value, cut to a readable length."""
    words = {True: "true", False: "false", None: "null"}
    if value is None or isinstance(value, bool):
        return words[value]
    if isinstance(value, dict):
        return "a mapping"
    return brief(value)


def schema_problems(content: dict[str, Any]) -> list[Problem]:
    """What the schema finds: unknown keys, missing keys, wrong types, numbers out of range."""
    try:
        Benchmark.model_validate(content)
    except ValidationError as error:
        return [_problem(details) for details in error.errors(include_url=False)]
    return []


def _problem(details: Any) -> Problem:
    location: Location = details["loc"]
    if details["type"] == "extra_forbidden":
        section = section_at(location[:-1])
        near = did_you_mean(str(location[-1]), section.model_fields if section else ())
        return Problem(location, f"unknown key{near}", at_key=True)
    return Problem(location, _WORDS.get(details["type"], _other)(details))


def _expected(words: str) -> Callable[[Details], str]:
    return lambda details: f"must be {words}, not {shown(details['input'])}"


def _bound(words: str, key: str) -> Callable[[Details], str]:
    return lambda details: f"must be {words} {bound(details['ctx'][key])}, not {shown(details['input'])}"


def _section(details: Details) -> str:
    section = section_at(details["loc"])
    wanted = "a name, or a mapping with a name" if section and issubclass(section, Named) else "a mapping"
    return f"must be {wanted}, not {shown(details['input'])}"


def _too_short(details: Details) -> str:
    wanted = details["ctx"]["min_length"]
    return "must not be empty" if wanted == 1 else f"must have {wanted} items, not {len(details['input'])}"


def _literal(details: Details) -> str:
    known = details["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    near = did_you_mean(str(details["input"]), known) if len(known) > 2 else ""
    near = near if "mean" in near else ""
    return f"must be {' or '.join(known)}, not {shown(details['input'])}{near}"


def _pattern(details: Details) -> str:
    return f"{PATTERN_WORDS[details['ctx']['pattern']]}, not {shown(details['input'])}"


def _other(details: Details) -> str:
    """Our own errors, and whatever pydantic may add one day."""
    message: str = details["msg"]
    return f"{message[0].lower()}{message[1:]}, not {shown(details['input'])}"


_WORDS: dict[str, Callable[[Details], str]] = {
    "missing": lambda details: "is missing",
    "int_type": _expected("a whole number"),
    "int_from_float": _expected("a whole number"),
    "float_type": _expected("a number"),
    "finite_number": _expected("a finite number"),
    "string_type": _expected("text"),
    "bool_type": _expected("true or false"),
    "list_type": _expected("a list"),
    "dict_type": _expected("a mapping"),
    "model_type": _section,
    "model_attributes_type": _section,
    "too_short": _too_short,
    "string_too_short": _too_short,
    "too_long": lambda details: f"must have {details['ctx']['max_length']} items, not {len(details['input'])}",
    "greater_than": _bound("greater than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
}
