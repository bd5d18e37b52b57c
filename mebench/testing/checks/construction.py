"""Is the attack registered, declared and built as its metadata say?"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from torch import nn

from mebench.api.contract import Attack, Learner, QueryStrategy
from mebench.api.errors import MebenchError
from mebench.registry.parameter import Parameter
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.session import Session
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest, UnderTest

_WHO_IMPORTS_TORCH = """
import importlib.abc, json, sys, traceback

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            files.update(frame.filename for frame in traceback.extract_stack())

files = set()
sys.meta_path.insert(0, Finder())
module = sys.argv[1]
if module:
    __import__(module)
else:
    from mebench.registry.catalogue import catalogue
    catalogue()
print(json.dumps(sorted(files)))
"""


def registers_without_torch(target: UnderTest) -> str | None:
    """Registering it imports no torch, so that `mebench list` answers at once."""
    if not target.registered and not target.module:
        kind = target.entry.kind
        raise CheckSkipped(f"the {kind} is not registered, and `module` does not say what would register it")
    path = os.pathsep.join(filter(None, sys.path))
    importers = _importers_of_torch(target.module, path, Path.cwd(), os.environ.get("MEBENCH_PLUGIN_DIR"))
    guilty = [file for file in importers if _belongs(file, target)]
    require(not guilty, f"{', '.join(Path(file).name for file in guilty)}: imports torch when names are listed")
    return None


@functools.cache
def _importers_of_torch(module: str, path: str, folder: Path, plugins: str | None) -> list[str]:
    """The files that lead to an import of torch where a module, or all that is registered, is imported in a process.

    Args:
        module: its name; empty for all that is registered.
        path: where modules are found.
        folder: in which the process runs.
        plugins: the folder of plugins, as the environment has it.
    """
    command, environment = [sys.executable, "-c", _WHO_IMPORTS_TORCH, module], os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=100)
    require(done.returncode == 0, f"registering it fails: {done.stderr.strip().splitlines()[-1:]}")
    importers: list[str] = json.loads(done.stdout.splitlines()[-1])
    return importers


def _belongs(file: str, target: UnderTest) -> bool:
    package = (target.module or target.package).partition(".")[0]
    origin = importlib.import_module(package).__file__
    if origin is None:
        return False
    home = Path(origin)
    return Path(file) == home or (home.name == "__init__.py" and home.parent in Path(file).parents)


def builds_from_defaults(target: AttackUnderTest) -> str | None:
    """With no parameter given, the attack builds a strategy and a learner with a clone."""
    session = Session(replace(target, parameters={}), Stage(budget=100_000))
    attack = session.attack
    require(isinstance(attack, Attack), f"its target returns {type(attack).__name__}, not Attack")
    require(isinstance(attack.strategy, QueryStrategy), f"its strategy is a {type(attack.strategy).__name__}")
    require(isinstance(attack.learner, Learner), f"its learner is a {type(attack.learner).__name__}")
    require(isinstance(attack.learner.clone, nn.Module), "its learner has no clone")
    require(session.ledger.spent == 0, f"spends {session.ledger.spent} queries while it is built")
    return None


def parameters_round_trip(target: UnderTest) -> str | None:
    """Resolved parameters survive being written to a file and read again, and none is declared twice."""
    names = [parameter.name for parameter in target.entry.declared]
    twice = sorted({name for name in names if names.count(name) > 1})
    require(not twice, f"declares {', '.join(twice)} twice")
    for resolved in (target.entry.resolve({}), target.resolved()):
        again = target.entry.resolve(json.loads(json.dumps(resolved)))
        require(again == resolved, f"parameters change on the way: {resolved} becomes {again}")
        require(target.entry.variant(again) == target.entry.variant(resolved), "the name of its variant changes")
    return None


def declares_what_it_accepts(target: UnderTest) -> str | None:
    """The target takes the parameters that are declared: as one object, or as a keyword argument for each."""
    function = inspect.signature(target.entry.load())
    if isinstance(target.entry.parameters, type):
        _require_one_object(function)
        return None
    signature = function.parameters.values()
    takes_all = any(one.kind is one.VAR_KEYWORD for one in signature)
    accepted = {one.name for one in signature if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    accepted -= {next(iter(signature)).name}  # the context
    declared = {parameter.name for parameter in target.entry.declared if parameter not in target.entry.added}
    hidden = sorted(accepted - declared)
    require(not hidden, f"takes {', '.join(hidden)}, which it does not declare: no benchmark file can set it")
    missing = sorted(declared - accepted)
    require(takes_all or not missing, f"declares {', '.join(missing)}, which its target does not take")
    return None


def _require_one_object(function: inspect.Signature) -> None:
    try:
        function.bind("the context", "the parameters")
    except TypeError as error:
        fail(f"its target cannot be called as target(context, parameters), with an object of its dataclass: {error}")
    named = [one.name for one in function.parameters.values() if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    hidden = ", ".join(named[2:])
    require(not hidden, f"takes {hidden} besides the object of its dataclass: no benchmark file can set it")


def every_choice_works(target: AttackUnderTest) -> str | None:
    """Every value that a parameter offers can be run, with all else as it is."""
    for parameter in target.entry.declared:
        for value in _offers(parameter):
            try:
                session = Session(target, Stage(budget=100), parameters={parameter.name: value})
                session.run()
            except MebenchError as error:
                fail(f"{parameter.name}={value}: {error}")
            except Exception as error:
                fail(f"{parameter.name}={value}: {type(error).__name__}: {error}")
    return None


def _offers(parameter: Parameter) -> list[object]:
    if parameter.type == "bool":
        return [True, False]
    return [[value] if parameter.is_list else value for value in parameter.choices]
