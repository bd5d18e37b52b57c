"""Attacks that a benchmark puts together by name, ``strategy+learner``: ``random-pool+fit``. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from mebench.registry.entries import AttackEntry, Entry, LearnerEntry, StrategyEntry
from mebench.registry.parameter import Parameter
from mebench.registry.registry import Registry

JOIN = "+"


@dataclass(frozen=True)
class ComposedEntry(AttackEntry):
    """A strategy and a learner as one attack; parameters are named ``strategy.NAME`` and ``learner.NAME``.

    Attributes:
        strategy, learner: the parts.
    """

    strategy: StrategyEntry | None = None
    learner: LearnerEntry | None = None

    def load(self) -> Callable[..., Any]:
        """Import both parts; return a function that builds the attack.

        Raises:
            PluginError: a part cannot be imported.
        """
        assert self.strategy is not None
        assert self.learner is not None
        strategy, learner = self.strategy.load(), self.learner.load()

        def build(context: Any, **parameters: Any) -> Any:
            from mebench.api.contract import Attack

            return Attack(
                strategy(context, **_part("strategy", parameters)), learner(context, **_part("learner", parameters))
            )

        return build


def compose(strategy: Entry, learner: Entry) -> ComposedEntry:
    """Make the attack of a strategy and a learner."""
    assert isinstance(strategy, StrategyEntry)
    assert isinstance(learner, LearnerEntry)
    return ComposedEntry(
        name=f"{strategy.name}{JOIN}{learner.name}",
        summary=f"{strategy.summary.rstrip('.')}; and for the clone: {learner.summary}",
        target=strategy.target,
        parameters=(*_named("strategy", strategy), *_named("learner", learner)),
        family=strategy.family,
        needs=strategy.needs | learner.needs,
        paper="none: put together in the benchmark file",
        strategy=strategy,
        learner=learner,
    )


def composed(registry: Registry) -> list[ComposedEntry]:
    """Every strategy with every learner."""
    return [
        compose(strategy, learner)
        for strategy in registry.entries("strategy")
        for learner in registry.entries("learner")
    ]


def _named(part: str, entry: Entry) -> list[Parameter]:
    return [replace(parameter, name=f"{part}.{parameter.name}") for parameter in entry.parameters]


def _part(part: str, parameters: dict[str, Any]) -> dict[str, Any]:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in parameters.items() if name.startswith(start)}
