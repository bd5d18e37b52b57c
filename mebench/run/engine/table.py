"""The engines by name: the one place that knows which there are."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.run.engine.jobs import Engine
from mebench.run.engine.settings import EngineSettings


@dataclass(frozen=True)
class EngineKind:
    """An engine that can be asked for by name.

    Attributes:
        summary: where jobs run, for help texts.
        target: ``"module:Class"``, imported when it is asked for.
        needs: the module that must be installed for it, or empty.
        extra: the extra of mebench that installs it, or empty.
    """

    summary: str
    target: str
    needs: str = ""
    extra: str = ""


ENGINES = {
    "processes": EngineKind("a process per trial on this machine", "mebench.run.engine.processes:ProcessEngine"),
    "inline": EngineKind("one after another in this process", "mebench.run.engine.inline:InlineEngine"),
    "dask": EngineKind(
        "on the workers of a dask cluster", "mebench.run.engine.dask.engine:DaskEngine", "distributed", "dask"
    ),
}


BATCH_SYSTEMS = {
    "slurm": "dask_jobqueue:SLURMCluster",
    "pbs": "dask_jobqueue:PBSCluster",
    "sge": "dask_jobqueue:SGECluster",
    "lsf": "dask_jobqueue:LSFCluster",
}
"""The batch systems whose jobs can be dask workers, and the class that submits them."""


def engine_asked_for(
    engine: str | None, workers: int | None, of_dask: Mapping[str, object], spelt: Callable[[str], str]
) -> str:
    """The engine that arguments name.

    Args:
        engine: its name; None where it follows from the others.
        workers: how many; 0 for inline.
        of_dask: what only dask knows, by name: a scheduler, a cluster, its options; None where it is not given.
        spelt: how the caller writes the name of an argument.

    Raises:
        ConfigurationError: there is no such engine, or the arguments do not go together.
    """
    given = [name for name, value in of_dask.items() if value is not None]
    name = ("dask" if given else "inline" if workers == 0 else "processes") if engine is None else engine
    if name not in ENGINES:
        raise ConfigurationError(f"{spelt('engine')} {name!r}: there is no such engine{did_you_mean(name, ENGINES)}")
    if given and name != "dask":
        raise ConfigurationError(f"{spelt(given[0])} is for the engine dask, not for {name}")
    if workers == 0 and name != "inline":
        raise ConfigurationError(f"{spelt('workers')} 0 is the engine inline, not {name}")
    if workers and name == "inline":
        raise ConfigurationError(f"{spelt('workers')}: the engine inline has one worker, not {workers}")
    if {"scheduler", "cluster"} <= set(given):
        raise ConfigurationError(f"{spelt('scheduler')} and {spelt('cluster')}: give one of them")
    if "cluster_options" in given and "cluster" not in given:
        raise ConfigurationError(f"{spelt('cluster_options')} needs {spelt('cluster')}, whose options they are")
    return name


def open_engine(name: str, settings: EngineSettings) -> Engine:
    """Make the engine of that name; close it after use.

    Raises:
        ConfigurationError: what it needs is not installed.
    """
    kind = ENGINES[name]
    require(kind.needs, kind.extra, f"the engine {name}")
    module, _, attribute = kind.target.partition(":")
    engine: type[Engine] = getattr(importlib.import_module(module), attribute)
    return engine.opened(settings)


def require(module: str, extra: str, what: str) -> None:
    """Make sure that a module of an extra is installed.

    Args:
        module: its name; empty for none.
        extra: of mebench, which installs it.
        what: asks for it.

    Raises:
        ConfigurationError: it is not; says how to get it.
    """
    if module and importlib.util.find_spec(module) is None:
        raise ConfigurationError(f"{what} needs {module}, which is not installed: pip install 'mebench[{extra}]'")
