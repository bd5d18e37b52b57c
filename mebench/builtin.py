"""What ships with mebench itself, registered through the same hooks as any plugin."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.channel_entries import CHANNELS
from mebench.data.entries import DATASETS
from mebench.hookspecs import hookimpl
from mebench.networks.entries import NETWORKS
from mebench.registry import ChannelEntry, DatasetEntry, NetworkEntry


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
    """Image data sets."""
    return DATASETS
