"""What ships with mebench itself, registered through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.data.entries import DATASETS
from mebench.data.text.entries import TEXT_DATASETS
from mebench.models.networks.entries import NETWORKS
from mebench.oracle.channels.entries import CHANNELS
from mebench.registry.entries import ChannelEntry, DatasetEntry, LearnerEntry, MetricEntry, NetworkEntry, ReportEntry
from mebench.registry.hooks import hookimpl
from mebench.report.entries import REPORTS
from mebench.toolkit.learners.entries import LEARNERS
from mebench.trial.metrics.entries import METRICS


@hookimpl
def mebench_channels() -> Sequence[ChannelEntry]:
    """Label, probability and explanation channels."""
    return CHANNELS


@hookimpl
def mebench_networks() -> Sequence[NetworkEntry]:
    """Networks for victims and clones."""
    return NETWORKS


@hookimpl
def mebench_datasets() -> Sequence[DatasetEntry]:
    """Data sets of images and of texts."""
    return (*DATASETS, *TEXT_DATASETS)


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """Learners, for attacks that a benchmark puts together."""
    return LEARNERS


@hookimpl
def mebench_metrics() -> Sequence[MetricEntry]:
    """What every trial is measured by."""
    return METRICS


@hookimpl
def mebench_reports() -> Sequence[ReportEntry]:
    """The HTML page."""
    return REPORTS
