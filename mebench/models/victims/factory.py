"""A user's factory: it is imported and called as a guest, who leaves the process as it was."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import io
import os
import random
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np
from torch import nn
from torch.nn.parameter import is_lazy

from mebench.api.errors import ConfigurationError
from mebench.api.notices import notice
from mebench.api.random_streams import seeded_globals
from mebench.api.suggestions import did_you_mean
from mebench.guard.process_state import ProcessState, threads_started
from mebench.registry.safe_import import what_happened, without_endings


def call_factory(factory: str, name: str, seed: int = 0) -> nn.Module:
    """Import ``module:callable``, the current folder included, and call it without arguments.

    The module is imported as a module, not as a script: it finds no command line, and its end is not that of mebench.
    What it prints goes to stderr. Settings of torch, the environment, the working directory and the global random
    generators are put back; settings that it has changed are said.

    Args:
        factory: as in a benchmark file.
        name: of the victim, for errors.
        seed: of what the call draws at random from the global generators of torch, NumPy and Python.

    Raises:
        ConfigurationError: it cannot be imported or called, or does not return an ``nn.Module``.
    """
    who, attribute = f"victim {name!r}: factory {factory!r}", factory.partition(":")[2]
    module = _imported(factory, name)
    if not hasattr(module, attribute):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        file = Path(module.__file__).name if module.__file__ else "the module"
        raise ConfigurationError(
            f"{who} failed: AttributeError: {file} has no {attribute!r}{did_you_mean(attribute, there)}"
        )
    target = getattr(module, attribute)
    _check_callable(target, who)
    with _as_guest(who, seed):
        try:
            network = target()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            _fail(who, error)
    if not isinstance(network, nn.Module):
        raise ConfigurationError(f"{who} returned {_in_words(network)}, not a torch.nn.Module")
    try:
        tensors = [*network.parameters(), *network.buffers()]
    except Exception as error:
        raise ConfigurationError(
            f"{who} returned what cannot say its tensors: {what_happened(error)}: torch calls parameters() and "
            "buffers() of a network: name a method or attribute of its own otherwise"
        ) from error
    if any(map(is_lazy, tensors)):
        raise ConfigurationError(f"{who} returned lazy modules, which have no shapes yet: call the network in it, once")
    return network


def factory_digest(factory: str, name: str) -> str:
    """Sixteen hexadecimal digits of the file that a factory is in; what that file imports is not looked at.

    Raises:
        ConfigurationError: it cannot be imported.
    """
    file = _imported(factory, name).__file__
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file and Path(file).is_file() else ""


def _imported(factory: str, name: str) -> ModuleType:
    """The module that a factory is in; what it draws at random when it is imported is the same everywhere."""
    who = f"victim {name!r}: factory {factory!r}"
    module, _, attribute = factory.partition(":")
    if not all(map(str.isidentifier, (*module.split("."), attribute))) or module.endswith(".py"):
        instead = module.removesuffix(".py").strip("./").replace("/", ".")
        hint = f"; for the file {module}, write {instead}:{attribute or 'NAME'}" if module.endswith(".py") else ""
        raise ConfigurationError(f"victim {name!r}: factory must be `module:callable`, not {factory!r}{hint}")
    said = io.StringIO()
    with _as_guest(who, 0):
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), without_endings():
                return importlib.import_module(module)
        except KeyboardInterrupt:
            raise
        except SystemExit as error:
            last = (said.getvalue().split("\n\n")[-1].strip().splitlines() or [""])[-1]
            said.truncate(said.seek(0))
            raise ConfigurationError(
                f"{who}: {module} is a script, which ends when it is imported{_where(error)}"
                f"{f' ({last[:200]})' if last else ''}: put what it does under `if __name__ == '__main__':`"
            ) from error
        except BaseException as error:
            _fail(who, error)
        finally:
            sys.stderr.write(said.getvalue())


def _check_callable(target: Any, who: str) -> None:
    """Check that a factory can be called without arguments."""
    if isinstance(target, nn.Module):
        raise ConfigurationError(f"{who} is a network already: name the class or function that makes it")
    if not callable(target):
        raise ConfigurationError(f"{who} is {_in_words(target)}: name a class or function that makes the network")
    try:
        inspect.signature(target).bind()
    except ValueError:  # it does not tell
        return
    except TypeError as error:
        raise ConfigurationError(
            f"{who} needs arguments ({error}), and is called without: name a function that calls it with them"
        ) from None


def _fail(who: str, error: BaseException) -> NoReturn:
    """Say what a factory's code raised, and where in the user's files."""
    raise ConfigurationError(f"{who} failed: {what_happened(error)}{_where(error)}") from error


def _where(error: BaseException) -> str:
    """The last line of a file below the current folder that an error came through, in brackets; or nothing."""
    if isinstance(error, SyntaxError):  # which says it by itself
        return ""
    here = str(Path.cwd())
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(here + os.sep) and "site-packages" not in frame.filename
    ]
    return f" ({os.path.relpath(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""


def _in_words(thing: Any) -> str:
    if thing is None:
        return "None (does it `return` what it makes?)"
    if isinstance(thing, type):
        return f"the class {thing.__name__} (does it call it?)"
    return type(thing).__name__


@contextlib.contextmanager
def _as_guest(who: str, seed: int) -> Iterator[None]:
    """The current folder first among those to import from, no command line, seeded generators; all of it put back."""
    folder, path, arguments, environment = Path.cwd(), sys.path[:], sys.argv, os.environ.copy()
    drawn = random.getstate(), np.random.get_state()
    state, threads = ProcessState(), threads_started()
    sys.path.insert(0, str(folder))
    sys.argv = sys.argv[:1]
    random.setstate(random.Random(seed).getstate())  # not seed(), which a trial watches
    np.random.set_state(np.random.RandomState(seed % 2**32).get_state())
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr), seeded_globals(seed):
            yield
    finally:
        random.setstate(drawn[0])
        np.random.set_state(drawn[1])
        sys.argv = arguments
        if sys.path != path:
            sys.path[:] = path
        if os.environ.copy() != environment:
            os.environ.clear()
            os.environ.update(environment)
        if changed := state.check(threads):
            notice(f"{who} {changed}; that is put back")
