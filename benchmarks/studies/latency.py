"""What defences of answers and of inputs take for an answer, and what they learn in.

    python benchmarks/studies/latency.py

Processor time of one thread, beside a LeNet-5 at 1x32x32 that has been trained on 600 images: 1,000 answers one by
one, as a service gives them, and 1,000 in batches of 100. The victim's own time for the same is in the first line. What
it said is in latency.txt.
"""

from __future__ import annotations

import time

import click
import torch
from torch import Tensor

from mebench.api.contract import ResponseChannel, Victim
from mebench.api.defence import AnswerDefence, Defence, InputDefence, OwnersContext, OwnersData
from mebench.api.random_streams import RandomStreams, seeded_globals
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.data.datasets import load_dataset
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry
from mebench.registry.entries import DatasetEntry, NetworkEntry

ANSWERS, BATCH = 1_000, 100
CPU = torch.device("cpu")


def owners_context() -> tuple[OwnersContext, Tensor]:
    """A victim and data of its owner's, and queries of honest users."""
    data = Component("fashion-mnist-10k", registry().get(DatasetEntry, "fashion-mnist-10k").resolve({"rows": [0, 600]}))
    network = Component("lenet5", registry().get(NetworkEntry, "lenet5").resolve({}))
    spec = VictimSpec("lenet5", data=data, image_size=(32, 32), network=network, training=TrainingRecipe(epochs=5))
    prepared = prepare_victim(spec)
    whole = load_dataset(Component("fashion-mnist-10k", {**data.parameters, "rows": None}), "train", (32, 32))
    rows = torch.arange(1000, 3000)

    def new_network(seed: int) -> torch.nn.Module:
        with seeded_globals(seed):
            return registry().get(NetworkEntry, "lenet5").call(prepared.spec, given=network.parameters)

    channel: ResponseChannel = ProbabilityChannel()
    owned = OwnersData(whole.inputs(rows, (32, 32)), whole.labels[rows])
    streams = RandomStreams(0, CPU)
    context = OwnersContext(prepared.spec, channel, prepared.victim, new_network, owned, bytes(32), CPU, streams)
    return context, prepared.test_inputs[:ANSWERS]


def answered(defence: Defence | None, victim: Victim, queries: Tensor, size: int) -> float:
    """Milliseconds for an answer in batches of a size; of the victim without a defence."""
    took = 0.0
    with torch.no_grad():
        for part in queries.split(size):
            if defence is None:
                began = time.process_time()
                torch.softmax(victim(part), 1)
            else:
                probabilities = torch.softmax(victim(part), 1)
                began = time.process_time()
                if isinstance(defence, AnswerDefence):
                    defence.perturb(part, probabilities)
                elif isinstance(defence, InputDefence):
                    defence.receive(part)
            took += time.process_time() - began
    return 1000 * took / len(queries)


@click.command()
@click.option("--only", multiple=True, help="Defences; all of answers and of inputs without it.")
def main(only: tuple[str, ...]) -> None:
    """Print a line for each defence."""
    torch.set_num_threads(1)
    context, queries = owners_context()
    click.echo(f"{'':28s} {'one by one':>12s} {f'by {BATCH}':>12s}   milliseconds an answer; learns in, seconds")
    alone, together = (answered(None, context.victim, queries, size) for size in (1, BATCH))
    click.echo(f"{'the victim itself':28s} {alone:12.3f} {together:12.3f}")
    for entry in registry().entries(DefenceEntry):
        if entry.place == "explanation" or (only and entry.name not in only):
            continue
        times = []
        for size in (1, BATCH):
            defence = entry.call(context)
            began = time.process_time()
            defence.use(defence.fit())
            learnt = time.process_time() - began
            times.append(answered(defence, context.victim, queries, size))
        click.echo(f"{entry.name:28s} {times[0]:12.3f} {times[1]:12.3f}   {learnt:8.1f}")


if __name__ == "__main__":
    main()
