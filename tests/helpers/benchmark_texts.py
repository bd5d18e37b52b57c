"""A small valid benchmark file, and a registry that does not depend on what is installed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mebench.api.errors import ConfigurationError
from mebench.data.entries import DATASETS
from mebench.models.networks.entries import NETWORKS
from mebench.oracle.channels.entries import CHANNELS
from mebench.plan.file import Benchmark, load_benchmark
from mebench.registry.entries import AttackEntry, MetricEntry
from mebench.registry.parameter import Parameter
from mebench.registry.registry import Registry

GOOD = """\
name: example
title: An example
paper: {title: A paper, id: "arXiv:0000.00000", table: 1}
x-shared: &shared {batch_size: 8}
victims:
  small:
    data: {name: fashion-mnist-10k, rows: [0, 4000]}
    image_size: [32, 32]
    network: lenet5
    training: {epochs: 2, learning_rate: 1e-3}
  own:
    data: cifar10
    network: {name: resnet34, width: 8}
    weights: own.safetensors
    mean: [0.5, 0.5, 0.5]
    std: [0.5, 0.5, 0.5]
profiles:
  quick:
    scale: reduced
    note: a small one
    seeds: 2
    runs:
      - victims: [small]
        clone: lenet5
        budgets: [60_000, 1000]
        pool: {name: fashion-mnist-10k, rows: [4000, 8000], prior: problem-domain}
        attacks:
          - {attack: gradients, channel: vg, parameters: {<<: *shared, rate: 1e-3}}
          - {attack: gradients, channel: vg, parameters: {<<: *shared, loss: kl}}
          - {attack: gradients, channel: {name: vg, score: logit}}
          - {attack: chooser, channel: label}
  paper:
    scale: paper
    device: cuda
    needs_gpu: true
    seeds: [0, 3]
    references: [victim]
    runs:
      - victims: [own]
        clone: resnet18
        budgets: [20_000_000]
        attacks:
          - {attack: gradients, channel: vg}
reported:
  - {attack: gradients, variant: l1, victim: own, budget: 20_000_000, accuracy: 92.3, source: Table 1}
"""


def toy_registry() -> Registry:
    """What ships with mebench, `gradients` (needs explanations), `chooser` (needs a pool), and the metric `echoes`."""
    registry = Registry()
    registry.add([*CHANNELS, *NETWORKS, *DATASETS], "mebench 0")
    gradients = AttackEntry(
        "gradients",
        "Asks for explanations.",
        "nowhere:build",
        (
            Parameter("loss", "str", "l1", "Loss.", choices=("l1", "kl"), in_variant="always"),
            Parameter("rate", "float", 0.1, "Rate.", minimum=0),
            Parameter("batch_size", "int", 64, "Batch.", minimum=1),
            Parameter("twist", "float", 0.0, "Twist.", late=True),
        ),
        needs=frozenset({"probability", "explanation"}),
        minimum_budget=100,
    )
    chooser = AttackEntry("chooser", "Chooses.", "nowhere:build", family="pool", needs=frozenset({"label"}))
    echoes = MetricEntry("echoes", "Counts echoes.", "nowhere:measure")
    registry.add([gradients, chooser, echoes], "toys 1")
    return registry


@cache
def _toys() -> Registry:
    """The one that files are read with, which adds nothing to it."""
    return toy_registry()


def load(folder: Path, text: str, *overrides: str, profile: str | None = None) -> Benchmark:
    """Write a file and read it."""
    file = folder / "b.yaml"
    file.write_text(text, encoding="utf-8")
    return load_benchmark(file, overrides, profile=profile, registry=_toys())


def problems(folder: Path, text: str, *overrides: str, profile: str | None = None) -> list[str]:
    """The lines that reading the file gives, without the folder."""
    try:
        load(folder, text, *overrides, profile=profile)
    except ConfigurationError as error:
        return [line.replace(f"{folder}/", "") for line in error.problems]
    return []
