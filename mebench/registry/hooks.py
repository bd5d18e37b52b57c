"""The hooks that a plugin may implement: each returns metadata only, and must not import torch."""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from mebench.registry.entries import (
    AttackEntry,
    ChannelEntry,
    DatasetEntry,
    LearnerEntry,
    MetricEntry,
    NetworkEntry,
    ReportEntry,
    StrategyEntry,
    VictimEntry,
)

PROJECT = "mebench"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications. A plugin is any module or object with some of these, marked ``@hookimpl``."""

    @hookspec(firstresult=True)
    def mebench_api_version(self) -> tuple[int, int]:  # type: ignore[empty-body]
        """The version of `mebench.api` that the plugin was built for, e.g. ``(1, 0)``; ``(1, 0)`` without it."""

    @hookspec
    def mebench_attacks(self) -> Sequence[AttackEntry]:  # type: ignore[empty-body]
        """Attacks."""

    @hookspec
    def mebench_channels(self) -> Sequence[ChannelEntry]:  # type: ignore[empty-body]
        """Response channels."""

    @hookspec
    def mebench_networks(self) -> Sequence[NetworkEntry]:  # type: ignore[empty-body]
        """Networks, for victims and clones alike."""

    @hookspec
    def mebench_datasets(self) -> Sequence[DatasetEntry]:  # type: ignore[empty-body]
        """Data sets, for victims, test inputs and pools."""

    @hookspec
    def mebench_strategies(self) -> Sequence[StrategyEntry]:  # type: ignore[empty-body]
        """Query strategies by themselves, which a benchmark puts together with a learner: ``strategy+learner``."""

    @hookspec
    def mebench_learners(self) -> Sequence[LearnerEntry]:  # type: ignore[empty-body]
        """Learners by themselves."""

    @hookspec
    def mebench_metrics(self) -> Sequence[MetricEntry]:  # type: ignore[empty-body]
        """Numbers about clones, which a benchmark asks for by name."""

    @hookspec
    def mebench_victims(self) -> Sequence[VictimEntry]:  # type: ignore[empty-body]
        """Victims that bring their weights. Since version 1.2."""

    @hookspec
    def mebench_reports(self) -> Sequence[ReportEntry]:  # type: ignore[empty-body]
        """Reports about results, which ``mebench report --format`` writes. Since version 1.2."""
