"""Does the attack run on the channels that it says it runs on?"""

from __future__ import annotations

import torch

from mebench.api.errors import ConfigurationError
from mebench.plan.file import load_benchmark
from mebench.registry.catalogue import registry
from mebench.registry.entries import KINDS, AttackEntry, ChannelEntry
from mebench.registry.registry import Registry
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.session import Session, scratch
from mebench.testing.shared import finished
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest

_FILE = """
name: unfit
victims: {{v: {{data: fashion-mnist-10k, image_size: [8, 8], network: mlp, training: {{}}}}}}
profiles:
  p:
    scale: reduced
    seeds: 1
    runs:
      - victims: [v]
        clone: mlp
        budgets: [100]
        pool: {{name: fashion-mnist-10k, prior: public}}
        attacks: [{{attack: {attack}, channel: {channel}}}]
"""


def accepts_declared_channels(target: AttackUnderTest) -> str | None:
    """The attack runs on every channel that gives what it says it needs."""
    if not target.channel_entries:
        raise CheckSkipped(f"no registered channel gives {', '.join(sorted(target.entry.needs))}")
    for channel in target.channel_entries:
        try:
            finished(target, channel=channel)
        except Exception as error:
            fail(f"channel {channel.name}: {type(error).__name__}: {error}")
    return None


def refuses_other_channels(target: AttackUnderTest) -> str | None:
    """A benchmark that runs the attack on a channel which lacks what it needs is refused with a line that says so."""
    entry, channels = target.entry, _all_channels()
    given = frozenset[str]().union(*(channel.gives for channel in channels))
    require(bool(entry.needs), "needs nothing: say at least `label`, or it is run on channels that tell it nothing")
    require(entry.needs <= given, f"needs {', '.join(sorted(entry.needs - given))}, which no channel gives")
    for channel in channels:
        if not entry.needs <= channel.gives:
            _require_refusal(entry, channel)
    return None


def _require_refusal(entry: AttackEntry, channel: ChannelEntry) -> None:
    with scratch() as folder:
        file = folder / "unfit.yaml"
        file.write_text(_FILE.format(attack=entry.name, channel=channel.name), encoding="utf-8")
        try:
            load_benchmark(file, registry=_registry_with(entry))
        except ConfigurationError as error:
            lines = [line for line in error.problems if f"{entry.name} needs" in line]
            require(len(error.problems) == len(lines) == 1, f"channel {channel.name}: {error}")
        else:
            fail(f"a benchmark with channel {channel.name} is not refused")


def _registry_with(entry: AttackEntry) -> Registry:
    """All that is registered, and the attack under test."""
    known, copy = registry(), Registry()
    for kind in KINDS:
        same = kind is AttackEntry
        copy.add([one for one in known.entries(kind) if not (same and one.name == entry.name)], "others")
    copy.add([entry], "under test")
    return copy


def _all_channels() -> list[ChannelEntry]:
    return registry().entries(ChannelEntry)


def gets_answers_without_graph(target: AttackUnderTest) -> str | None:
    """No answer that reaches the attack can be differentiated back to its query, whatever the query requires."""
    for channel in target.channel_entries:
        session = Session(target, Stage(budget=60), channel=channel)
        queries = torch.rand(3, *session.stage.spec.shape).requires_grad_()
        session.oracle.query(queries, purpose="explore", explain="explanation" in channel.gives)
        session.run()
        for response in session.watch.responses:
            parts = (response.labels, response.probabilities, response.logits)
            leaks = any(part is not None and part.requires_grad for part in parts)
            require(not leaks, f"channel {channel.name}: an answer carries a graph back through the victim")
    return None
