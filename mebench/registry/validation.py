"""Is what a hook returned what it must be? Said in one line, before any of it is used. Imports no torch."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, get_args

from mebench.api.errors import PluginError
from mebench.api.spec import Outputs
from mebench.registry.card import problem as card_problem
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, Knowledge, Place, RecoveryEntry
from mebench.registry.entries import (
    WORDS,
    AttackEntry,
    DatasetEntry,
    LoggerEntry,
    Medium,
    MetricEntry,
    MetricOutput,
    ReportEntry,
    VictimEntry,
)
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter, ParameterType

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
MOST = 10_000
RESERVED = frozenset({"queries", "gradient_cosine", "gradient_norm_ratio", "diagnostics", "query_label_entropy"})
"""Names that the points of a curve have besides metrics."""
DERIVED = frozenset(
    {
        *("auc", "best_on_test", "cost", "normalised_accuracy", "queries_per_second", "queries_to_maximum", "rank"),
        *("seconds", "victim_backward", "victim_forward"),
        *(f"queries_to_{goal}" for goal in (50, 80, 90, 95)),
    }
)
"""Names of numbers that rows have besides metrics; `mebench.results.derived` makes them."""
FACTS = frozenset(
    {
        *("attack", "budget", "channel", "clone", "clone_init", "clone_start", "curve", "data_hash", "data_prior"),
        *("defence", "detectors", "recovery", "service"),
        *("flags", "intervals", "key", "kind", "metrics", "per_seed", "pool", "profile", "protocol", "provenance"),
        *("rank_last", "reason", "reported", "reported_fidelity", "reported_metrics", "seed", "seeds"),
        *("seeds_planned", "settings", "status", "test_inputs", "track", "trial", "variant", "victim"),
        *("victim_accuracy", "victim_hash"),
    }
)
"""Names of what else rows and seeds tell."""


def checked_entries(wanted: type[Entry], returned: Any) -> Iterator[Entry]:
    """Yield the entries that the hook of a kind returned.

    Raises:
        PluginError: one of them is no entry of that kind, or a field of it is wrong.
    """
    hook = wanted.hook()
    if isinstance(returned, (str, bytes)) or not isinstance(returned, Iterable):
        raise PluginError(f"{hook} returned {_shown(returned)}: it must return a list of {wanted.__name__}")
    for number, entry in enumerate(islice(returned, MOST + 1)):
        if number == MOST:
            raise PluginError(f"{hook} returned more than {MOST:,} entries")
        if not isinstance(entry, wanted):
            raise PluginError(f"{hook} returned a list with {_shown(entry)} in it: all must be {wanted.__name__}")
        problem = _problem(entry)
        if problem:
            raise PluginError(f"{hook} returned {_shown(entry.name)}: {problem}")
        yield entry


def _problem(entry: Entry) -> str:
    """What is wrong with an entry; empty if nothing is."""
    if not isinstance(entry.name, str) or not NAME.fullmatch(entry.name):
        return "a name may hold only lower-case letters, digits, dots, - and _, at most 80"
    if not isinstance(entry.summary, str) or not entry.summary.strip():
        return "summary must be a sentence"
    if not isinstance(entry.target, str) or not TARGET.fullmatch(entry.target):
        return f'target must be a string "module:object", not {_shown(entry.target)}'
    return _parameters(entry) or _fields(entry)


def _parameters(entry: Entry) -> str:
    if not isinstance(entry.parameters, (tuple, list, type)):
        return f"parameters must be a frozen dataclass or a tuple of Parameter, not {_shown(entry.parameters)}"
    try:
        declared = entry.declared
    except PluginError as error:
        return str(error)
    return next(filter(None, (_parameter(one) for one in declared)), "") or _repeated(entry)


def _parameter(parameter: Any) -> str:
    if not isinstance(parameter, Parameter):
        return f"parameters must be Parameter objects, not {_shown(parameter)}"
    name = parameter.name
    if not isinstance(name, str) or not name.isidentifier():
        return f"a parameter's name must be a Python identifier, not {_shown(name)}"
    if parameter.type not in get_args(ParameterType):
        return f"parameter {name}: type must be one of {', '.join(get_args(ParameterType))}"
    if not isinstance(parameter.help, str):
        return f"parameter {name}: help must be a sentence"
    if not isinstance(parameter.late, bool):
        return f"parameter {name}: late must be true or false, not {_shown(parameter.late)}"
    try:
        parameter.check(parameter.default)
    except Exception as error:
        return f"parameter {name}: its default {str(error) or type(error).__name__}"
    return ""


def _repeated(entry: Entry) -> str:
    names = [parameter.name for parameter in entry.declared]
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"parameter {twice} is declared twice" if twice else ""


def _fields(entry: Entry) -> str:
    """Check the fields of words that combinations are checked by."""
    for field in ("needs", "gives"):
        words: Any = getattr(entry, field, frozenset())
        if not isinstance(words, (frozenset, set)) or not words <= WORDS:
            return f"{field} must be a frozenset of {', '.join(sorted(WORDS))}, not {_shown(words)}"
    if isinstance(entry, MetricEntry) and (problem := _metric(entry)):
        return problem
    if getattr(entry, "inputs", "images") not in get_args(Medium):
        return f"inputs must be images or texts, not {_shown(getattr(entry, 'inputs', None))}"
    if getattr(entry, "family", "pool") not in ("generator", "pool"):
        return f"family must be generator or pool, not {_shown(getattr(entry, 'family', None))}"
    if isinstance(entry, DatasetEntry) and (problem := _class_names(entry)):
        return problem
    if isinstance(entry, VictimEntry):
        return _of_victim(entry)
    if isinstance(entry, ReportEntry) and not (isinstance(entry.suffix, str) and entry.suffix.isalnum()):
        return f"suffix must be that of a file, such as csv, not {_shown(entry.suffix)}"
    if isinstance(entry, LoggerEntry) and not (
        isinstance(entry.packages, (tuple, list))
        and all(isinstance(name, str) and name.isidentifier() for name in entry.packages)
        and isinstance(entry.install, str)
    ):
        return "packages must be a tuple of names of modules, and install a text"
    if isinstance(entry, DefenceEntry):
        return _defence(entry)
    if isinstance(entry, RecoveryEntry) and entry.knows not in get_args(Knowledge):
        return f"knows must be one of {', '.join(get_args(Knowledge))}, not {_shown(entry.knows)}"
    if isinstance(entry, DetectorEntry) and not (entry.threshold is None or _numbers([entry.threshold], int, float)):
        return f"threshold must be a number or None, not {_shown(entry.threshold)}"
    if isinstance(entry, AttackEntry) and (type(entry.minimum_budget) is not int or entry.minimum_budget < 1):
        return f"minimum_budget must be a whole number of at least 1, not {_shown(entry.minimum_budget)}"
    return ""


def _metric(entry: MetricEntry) -> str:
    if not isinstance(entry.outputs, (tuple, list)):
        return f"outputs must be a tuple of MetricOutput, not {_shown(entry.outputs)}"
    wrong = next((one for one in entry.outputs if not isinstance(one, MetricOutput)), None)
    if wrong is not None:
        return f"outputs must be MetricOutput objects, not {_shown(wrong)}"
    names = [entry.name, *(output.name for output in entry.outputs)]
    if unfit := next((name for name in names if not (isinstance(name, str) and NAME.fullmatch(name))), None):
        return f"output {_shown(unfit)}: a name may hold only lower-case letters, digits, dots, - and _, at most 80"
    if twice := next((name for name in names[1:] if names[1:].count(name) > 1), ""):
        return f"output {twice} is declared twice"
    if RESERVED & set(names):
        return "every curve has something of this name: give the metric another"
    if taken := sorted((DERIVED | FACTS) & set(names)):
        return f"every row has something of the name {taken[0]}: give the metric another"
    if wrong_card := next(filter(None, map(card_problem, entry.numbers)), ""):
        return wrong_card
    if not isinstance(entry.networks, bool):
        return f"networks must be true or false, not {_shown(entry.networks)}"
    if entry.when not in ("evaluation", "end"):
        return f"when must be evaluation or end, not {_shown(entry.when)}"
    return ""


def _of_victim(entry: VictimEntry) -> str:
    size: Any = entry.image_size
    if not isinstance(entry.data, str) or not NAME.fullmatch(entry.data):
        return f"data must be the name of a data set, not {_shown(entry.data)}"
    if size is not None and not (_numbers(size, int) and len(size) == 2 and min(size) > 0):
        return "image_size must be height and width, or None"
    if not (_numbers(entry.mean, int, float) and _numbers(entry.std, int, float) and min(entry.std, default=1) > 0):
        return "mean and std must be tuples of numbers, those of std above 0"
    if entry.outputs not in (None, *get_args(Outputs)):
        return f"outputs must be one of {', '.join(get_args(Outputs))}, not {_shown(entry.outputs)}"
    return "" if len(entry.mean) == len(entry.std) else "mean and std must have as many numbers as each other"


def _defence(entry: DefenceEntry) -> str:
    if entry.place not in get_args(Place):
        return f"place must be one of {', '.join(get_args(Place))}, not {_shown(entry.place)}"
    if not entry.knob:
        return ""
    if entry.place != "answer":
        return "only a defence of answers has a knob, which is calibrated by distances of probabilities"
    if entry.knob not in [one.name for one in entry.declared if one.type == "float"]:
        return f"knob must be the name of one of its numbers, not {_shown(entry.knob)}"
    if not (_numbers(entry.knob_range, int, float) and len(entry.knob_range) == 2):
        return f"knob_range must be two numbers, not {_shown(entry.knob_range)}"
    return ""


def _class_names(entry: DatasetEntry) -> str:
    names: Any = entry.class_names
    if isinstance(names, str):
        return "" if TARGET.fullmatch(names) else 'class_names must be a tuple of names, or a string "module:function"'
    if not isinstance(names, (tuple, list)) or not all(isinstance(name, str) and name.strip() for name in names):
        return f"class_names must be a tuple of names, not {_shown(names)}"
    if names and len(names) != entry.num_classes:
        return f"class_names must be as many as num_classes, {_shown(entry.num_classes)}, not {len(names)}"
    return ""


def _numbers(values: Any, *types: type) -> bool:
    return isinstance(values, (tuple, list)) and all(type(one) in types and math.isfinite(one) for one in values)


def _shown(value: Any) -> str:
    """A value of a plugin's, whose ``repr`` is not to be trusted, in a few characters."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return f"{value!r:.60}"
    return f"a {type(value).__name__}"
