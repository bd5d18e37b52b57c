"""Measuring one registered metric, built in or a plugin's, and what of its answer is a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mebench.api.plain_numbers import MOST, is_measurable, plain_number
from mebench.api.spec import Component
from mebench.guard.call import Guard
from mebench.registry.catalogue import registry
from mebench.registry.entries import BuiltinMetric, MetricEntry
from mebench.trial.metrics.evidence import Evidence, NetworkEvidence


def at_end(metric: Component) -> bool:
    """Whether a registered metric is measured only at the end of a trial."""
    return registry().get(MetricEntry, metric.name).when == "end"


def measure_builtin(entry: BuiltinMetric, evidence: Evidence) -> float | None:
    """Compute what every trial is measured by.

    No guard stands around it: what fails in mebench's own function is the doing of the clone's logits, and whoever
    asks for them says whose clone it is.
    """
    value: float | None = entry.load()(evidence)
    return value


def measure(metric: Component, evidence: Evidence) -> dict[str, float | None]:
    """Compute a registered metric: its numbers by their keys in results.

    Args:
        metric: its name and parameters.
        evidence: a `NetworkEvidence` if its entry says that it needs ``networks``.

    Raises:
        PluginFaultError: it failed, wrote to what it was given, or returned something else than finite numbers.
    """
    entry, guard = registry().get(MetricEntry, metric.name), Guard.of(MetricEntry, metric.name)
    before = _writes(evidence)
    value = entry.call(evidence, given=metric.parameters, through=guard)
    if _writes(evidence) != before:
        guard.fail("measuring wrote to the victim's weights or to the test set")
    return {name: _number(one, guard) for name, one in _by_name(value, entry, guard).items()}


def _by_name(value: Any, entry: MetricEntry, guard: Guard) -> Mapping[str, Any]:
    """What a metric returned, by the names that it has declared."""
    if not entry.outputs:
        return {entry.name: value}
    known = [output.name for output in entry.outputs]
    if not isinstance(value, Mapping) or not value or not set(value) <= set(known):
        guard.fail(f"returned {value!r:.60}: it must return a mapping of numbers by some of {', '.join(known)}")
    return value


def _number(returned: Any, guard: Guard) -> float | None:
    value = plain_number(returned)
    if value is not None and not is_measurable(value):
        guard.fail(f"returned {_written(value)}: it must return a finite number, or None where there is none")
    return None if value is None else float(value)


def _written(value: Any) -> str:
    """A value in a few characters; one that is too large in words."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}, beyond {MOST:g}"
    return f"{value!r:.60}"


def _writes(evidence: Evidence) -> list[int]:
    """Counts, torch's own, of how often each tensor was written to that later evaluations need."""
    tests = (evidence.inputs, evidence.labels, evidence.victim_logits)
    weights = evidence.victim.parameters() if isinstance(evidence, NetworkEvidence) else ()
    return [tensor._version for tensor in (*tests, *weights)]
