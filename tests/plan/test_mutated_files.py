"""Files that nobody would write: whatever is in them, the answer is a list of lines and never a traceback."""

from __future__ import annotations

import copy
import random
import re

import pytest
import yaml
from benchmark_texts import GOOD, load, toy_registry

from mebench.api.errors import MebenchError
from mebench.plan.plan import make_plan

VALUES = (None, True, 0, -1, 2.5, float("nan"), 10**30, "", "x", "vg", [], {}, [1], [[1]], [None])
VALUES += ({"a": 1}, {"name": "vg"}, {"name": None}, {"name": ["x"]}, {"name": "cifar10", "rows": [[1]]}, {1: 2})
SIGNS = "{}[]:,-&*!|>'\"%@`#?~<= \n\t\0é0a"
LINE = re.compile(r"(b\.yaml(:\d+:\d+)?: |--set )\S[^\n]*$")


def check(folder, text, *overrides):
    """Read and plan a file; any problem must be lines of the right form in plain words."""
    try:
        benchmark = load(folder, text, *overrides)
        for profile in benchmark.profiles:
            make_plan(benchmark, profile, registry=toy_registry(), seeds=1).notes()
    except MebenchError as error:
        for line in str(error).replace(f"{folder}/", "").splitlines():
            assert LINE.match(line), line
            assert not re.search("Input should|pydantic|<class", line), line
        return False
    return True


DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The quick one, where PyYAML has it."""


def locations(value, here=()):
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*here, key)
        yield from locations(child, (*here, key))


def mutate(content, chance):
    location = chance.choice(list(locations(content)))
    parent = content
    for key in location[:-1]:
        parent = parent[key]
    kind = chance.random()
    if kind < 0.2:
        del parent[location[-1]]
    elif kind < 0.3 and isinstance(parent, dict):
        parent[f"{location[-1]}s"] = parent.pop(location[-1])
    elif kind < 0.4 and isinstance(parent, list):
        parent.append(copy.deepcopy(parent[location[-1]]))
    else:
        parent[location[-1]] = copy.deepcopy(chance.choice(VALUES))


@pytest.mark.parametrize("seed", range(4))
def test_values_in_wrong_places_never_give_a_traceback(tmp_path, seed):
    chance = random.Random(seed)
    good = yaml.safe_load(GOOD)
    for _ in range(60):
        content = copy.deepcopy(good)
        for _ in range(chance.choice((1, 1, 2, 5))):
            mutate(content, chance)
        keys = (chance.choice(("*", str(key))) for key in chance.choice(list(locations(good))))
        override = f"{'.'.join(keys)}={yaml.safe_dump(chance.choice(VALUES), default_flow_style=True).splitlines()[0]}"
        check(tmp_path, yaml.dump(content, Dumper=DUMPER, sort_keys=False), *chance.choice(((), (override,))))


@pytest.mark.parametrize("seed", range(4))
def test_typing_errors_never_give_a_traceback(tmp_path, seed):
    chance = random.Random(seed)
    for _ in range(60):
        text = list(GOOD)
        for _ in range(chance.choice((1, 1, 2, 20))):
            place = chance.randrange(len(text))
            text[place : place + chance.randrange(2)] = chance.choice(("", chance.choice(SIGNS)))
        check(tmp_path, "".join(text))


def test_the_file_itself_passes_this_check(tmp_path):
    assert check(tmp_path, GOOD)
