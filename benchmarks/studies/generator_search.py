"""How other attacks were given the last layer and the learner of `mega`, on images that no benchmark tests on.

    python benchmarks/studies/generator_search.py                     all of it, some minutes of one core
    python benchmarks/studies/generator_search.py --stage compared    without the search
    python benchmarks/studies/generator_search.py --stage efficiency  rounds and passes of `mega`

The development victim is a LeNet-5 of seed 7, trained on the first 6,000 of the 8,000 training images of `mnist-10k`,
moved about at random; clones are scored on the 2,000 training images that it was not trained on. No benchmark scores a
row on any of these, and none has this victim. In `efficiency` there is one of clothes besides, trained on the first
6,000 images of `fashion-mnist-10k` as they are and scored likewise. The clone is the benchmark's; answers are
probabilities, and labels where a line says so. One seed or two in `search`, `others` and `efficiency`: the images alone
give a number a standard error of 1 point.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import torch
from torch import Tensor

from mebench.api.contract import Attack, AttackContext, Victim
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.data.datasets import load_dataset
from mebench.models.networks.build import build_network
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, DatasetEntry

CPU = torch.device("cpu")
CHANNELS = {"label": LabelChannel, "probability": ProbabilityChannel}
POINTS = 5
BRIGHTNESS = 0.02
"""Of `dfme`, by the search."""

TRAINED, SCORED = (0, 6000), (6000, 8000)
"""Rows of the training split."""
RECIPES = {
    "mnist-10k": TrainingRecipe(30, 64, "adam", 2e-3, augment="crop"),
    "fashion-mnist-10k": TrainingRecipe(30, 64, "adam", 2e-3),
}


@dataclass(frozen=True)
class Row:
    """One trial."""

    stage: str
    budget: int
    attack: str
    settings: dict[str, Any]
    seed: int = 0
    channel: str = "probability"
    data: str = "mnist-10k"


MATCHED = {
    "clone_optimizer": "adam",
    "clone_lr": 2e-3,
    "weight_decay": 0.0,
    "memory": 60_000,
    "milestones": [0.6, 0.85],
}
SGD = {"clone_lr": 0.03, "milestones": [0.5, 0.8]}
SMALL = {"batch_size": 64, "generator_width": 16, "loss": "l1"}
DFME = {**SMALL, "generator_lr": 1e-3}
DAST = {"batch_size": 200, "clone_lr": 1e-3, "generator_lr": 1e-3, "generator_width": 8}
REMEMBERING = {**DAST, "memory": 60_000}
MEGA = {
    "generator_width": 16,
    "noise_vectors": 2000,
    "noise": "restart",
    "max_epochs": 1,
    "memory": 60_000,
    "balance": 3.0,
    "milestones": [0.6, 0.85],
    "brightness_spread": 0.5,
}


def search() -> Iterator[Row]:
    """At which rate should the scale and the shift of `dfme` learn, with the learner of `mega`?"""
    for rate in (0.0, 0.002, 0.02, 0.2):
        yield Row("search", 24_000, "dfme", {**DFME, **MATCHED, "brightness_lr": rate})


def compared() -> Iterator[Row]:
    """`dfme` as it is, and with the learner and the last layer of `mega`; and `mega`, trained and untrained."""
    for seed in range(3):
        for attack, settings in (
            ("dfme", {**DFME, **MATCHED, "brightness_lr": BRIGHTNESS}),
            ("mega", {**MEGA, "brightness_lr": 0.2}),
            ("dfme", {**DFME, **SGD}),
            ("mega", {**MEGA, "generator_steps": 0}),
        ):
            yield Row("compared", 36_000, attack, settings, seed)


def parts() -> Iterator[Row]:
    """What of `mega` is it that `dfme` still lacks, and what is the learner worth to a generator that never learns?"""
    for seed in range(3):
        for attack, settings in (
            ("dfme", {**DFME, **MATCHED, "brightness_lr": BRIGHTNESS, "diversity": 1.0}),
            ("mega", {**MEGA, "brightness_lr": 0.2, "noise": "fresh"}),
            ("mega", {**MEGA, "brightness_lr": 0.2, "balance": 0.0}),
            ("random-generator", {**SMALL, **MATCHED}),
        ):
            yield Row("parts", 36_000, attack, settings, seed)


def others() -> Iterator[Row]:
    """Which rate suits `random-generator` with the learner of `mega`, and what does `dast` need beside a memory?

    The optimiser of `dast` is Adam already, and its last layer has a scale and a shift.
    """
    for seed in (0, 1):
        for rate in (1e-3, 5e-3):  # 2e-3 is in `parts`
            yield Row("others", 36_000, "random-generator", {**SMALL, **MATCHED, "clone_lr": rate}, seed)
    for channel in CHANNELS:
        for own in ({}, {"clone_lr": 2e-3}, {"batch_size": 64}, {"alpha": 1.0}):
            yield Row("others", 36_000, "dast", {**REMEMBERING, **own}, 0, channel)
    for memory in (60_000, 0):
        yield Row("others", 36_000, "dast", {**DAST, "memory": memory}, 1)


def efficiency() -> Iterator[Row]:
    """How many queries should a round of `mega` have, and how often should the clone pass over them?"""
    for data in RECIPES:
        for budget, passes, vectors, seed in itertools.product(
            (9_000, 36_000), (1, 4), (500, 1000, 2000, 4000), (0, 1)
        ):
            settings = {**MEGA, "brightness_lr": 0.2, "noise_vectors": vectors, "max_epochs": passes}
            yield Row("efficiency", budget, "mega", settings, seed, data=data)


STAGES = {"search": search, "compared": compared, "parts": parts, "others": others, "efficiency": efficiency}


@functools.cache
def development_victim(data: str) -> tuple[Victim, Tensor, Tensor]:
    """The victim, with images (N, 1, 28, 28) and labels (N,) to score clones by."""
    entry = registry().get(DatasetEntry, data)
    trained = entry.as_component({"rows": list(TRAINED)})
    spec = VictimSpec("development", data=trained, network=Component("lenet5"), training=RECIPES[data], seed=7)
    scored = load_dataset(entry.as_component({"rows": list(SCORED)}), "train")
    return prepare_victim(spec).victim, scored.inputs(), scored.labels


class Run:
    """One trial, with what it cost."""

    def __init__(self, victim: Victim, row: Row) -> None:
        channel = CHANNELS[row.channel]()
        clone = build_network(Component("plain-cnn", {"convolutions": 3, "width": 16}), victim.spec, row.seed)
        context = AttackContext(victim.spec, channel, row.budget, clone, CPU, RandomStreams(row.seed, CPU))
        self.attack: Attack = registry().get(AttackEntry, row.attack).call(context, given=row.settings)
        self.oracle = BudgetedOracle(victim, channel, QueryLedger(row.budget), row.attack)
        self.seconds = 0.0

    def until(self, spent: float) -> None:
        """Turns of the loop of `mebench.trial.loop`, until so many queries are spent."""
        attack, clone = self.attack, self.attack.learner.clone
        began = time.process_time()
        while self.oracle.remaining and self.oracle.spent < spent:
            queries = attack.strategy.propose(self.oracle, clone)
            response = self.oracle.query(queries)
            attack.learner.learn(queries, response)
            attack.strategy.observe(queries, response, clone)
        self.seconds += time.process_time() - began

    @torch.no_grad()
    def accuracy(self, inputs: Tensor, labels: Tensor) -> float:
        """Of the clone, in percent."""
        clone = self.attack.learner.clone.eval()
        return float(100 * (clone(inputs).argmax(1) == labels).float().mean())


def measured(row: Row) -> str:
    """A line of the table."""
    victim, inputs, labels = development_victim(row.data)
    run, curve = Run(victim, row), []
    for point in range(1, POINTS + 1):
        run.until(row.budget * point / POINTS)
        curve.append(run.accuracy(inputs, labels))
    course = " ".join(f"{one:3.0f}" for one in curve)
    return f"{curve[-1]:5.1f}  {course}  {run.seconds:4.0f} s  {described(row)}"


def described(row: Row) -> str:
    settings = " ".join(f"{name}={value}" for name, value in row.settings.items())
    channel = " label" if row.channel == "label" else ""
    data = "" if row.data == "mnist-10k" else f" {row.data}"
    return f"{row.stage} {row.budget // 1000}K{channel}{data} {row.attack} seed={row.seed} {settings}"


@click.command()
@click.option("--stage", type=click.Choice(list(STAGES)), default=None, help="Only this stage.")
def main(stage: str | None) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    click.echo("accuracy in % of the last clone, and at each fifth; CPU seconds of the attack")
    for name, rows in STAGES.items():
        for row in rows() if stage in (None, name) else ():
            click.echo(measured(row))


if __name__ == "__main__":
    main()
