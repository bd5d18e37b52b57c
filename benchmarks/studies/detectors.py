"""What detectors of extraction see, and whom they take for an attacker who is none: thresholds set, frozen and tried.

    python benchmarks/studies/detectors.py
    python benchmarks/studies/detectors.py --costs

A LeNet-5 is trained on 3,500 images of fashion-mnist-10k. Of the other training images 1,000 are what detectors learn
from, 2,000 make the benign streams that thresholds are set on, 1,000 are what attackers make queries of, and 500 what
they hide them among. The 2,000 test images make the benign streams that false alarms are counted on. Digits of
scikit-learn are what the owner has none of.

What they said is in detectors.txt; `hoda`, which takes as long as all others, with fewer streams.

A stream is one client's. Streams of a kind share images: "reused" says how often each image comes in the streams of a
kind on average, and limits, which take streams for independent, are too narrow where it is above 1.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import click
import torch
import torch.nn.functional as F  # noqa: N812
from sklearn.datasets import load_digits
from torch import Tensor

from mebench.api.contract import Response, Victim
from mebench.api.defence import ClientWatch, Detector, OwnersContext, OwnersData
from mebench.api.random_streams import RandomStreams, seeded_globals
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.data.datasets import load_dataset
from mebench.models.networks.generator import UpsamplingGenerator
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.answers import LabelChannel
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DetectorEntry
from mebench.registry.entries import DatasetEntry, NetworkEntry
from mebench.results.detection import (
    Calibration,
    calibrated,
    exact_interval,
    first_alarm,
    highest,
    kaplan_meier,
    per_thousand,
    upper_limit,
)
from mebench.toolkit.strategies.generator import squash
from mebench.toolkit.streams import BENIGN_STREAMS, CALIBRATION_STREAMS, mixed, stream_kinds
from mebench.toolkit.transforms import transformed

CPU, SIZE = torch.device("cpu"), (32, 32)
LEARNT, CALIBRATION, ATTACKERS, HIDING = (3500, 4500), (4500, 6500), (6500, 7500), (7500, 8000)
DETECTORS: Mapping[str, tuple[str, dict[str, object]]] = {
    "prada": ("prada", {}),
    "prada, mean plus std": ("prada", {"growth": "mean-plus-std"}),
    "near-duplicates": ("near-duplicates", {}),
    "seat": ("seat", {}),
    "hoda": ("hoda", {}),
    "mmd of logits": ("mmd", {"features": "logits"}),
    "mmd of values": ("mmd", {}),
    "energy, ks": ("energy", {}),
    "max-softmax, ks": ("energy", {"of": "max-softmax"}),
    "label-histogram": ("label-histogram", {}),
    "extraction-monitor": ("extraction-monitor", {}),
}
RATES = (0.05, 0.01)
SYBILS, SYBILS_QUERIES, SYBILS_STREAMS = (1, 5, 25, 125), 1000, 2
MIXED, SHARES = ("augmented", "integrated pairs", "digits"), (0.25, 0.5, 0.75, 0.9)
Stream = Callable[[int, int], Tensor]
"""Makes (length, \\*shape) queries of a length and a seed."""


@dataclass
class Data:
    """The victim, and who has which images."""

    rows: int = 3500
    victim: Victim = field(init=False)
    accuracy: float = field(init=False)

    def __post_init__(self) -> None:
        parts = Component("fashion-mnist-10k", registry().get(DatasetEntry, "fashion-mnist-10k").resolve({}))
        network = Component("lenet5", registry().get(NetworkEntry, "lenet5").resolve({}))
        recipe = TrainingRecipe(epochs=30, batch_size=64, optimizer="adam", learning_rate=1e-3)
        rows = Component(parts.name, {**parts.parameters, "rows": [0, self.rows]})
        spec = VictimSpec("fmnist-lenet5", data=rows, image_size=SIZE, network=network, training=recipe, seed=0)
        prepared = prepare_victim(spec)
        self.victim, self.accuracy = prepared.victim, prepared.accuracy
        self.test = OwnersData(prepared.test_inputs, prepared.test_labels)
        self.train = load_dataset(parts, "train", SIZE)
        self.network = network
        digits = torch.from_numpy(load_digits().images).float().unsqueeze(1) / 16
        self.digits = F.interpolate(digits, SIZE, mode="bilinear").clamp(0, 1)

    def of(self, rows: tuple[int, int]) -> OwnersData:
        """Training images [start, stop)."""
        chosen = torch.arange(*rows)
        return OwnersData(self.train.inputs(chosen, SIZE), self.train.labels[chosen])

    def context(self) -> OwnersContext:
        """What detectors are built from."""
        return OwnersContext(
            self.victim.spec, LabelChannel(), self.victim, self.new_network, self.of(LEARNT), bytes(32), CPU,
            RandomStreams(0, CPU),
        )  # fmt: skip

    def new_network(self, seed: int) -> torch.nn.Module:
        """A network like the victim's."""
        with seeded_globals(seed):
            return registry().get(NetworkEntry, "lenet5").call(self.victim.spec, given=self.network.parameters)


def benign(data: OwnersData, digits: Tensor) -> dict[str, Stream]:
    """The kinds of honest clients, B1 to B8."""

    def of_family(name: str) -> Stream:
        return lambda length, seed: BENIGN_STREAMS[name](data.inputs, data.labels, length, seed)

    def with_digits(share: float) -> Stream:
        def made(length: int, seed: int) -> Tensor:
            order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(seed))
            return mixed(of_family("iid")(length, seed), digits[order], share, seed)[:length]

        return made

    found = {name: of_family(name) for name in stream_kinds(discrete=False)}
    return found | {"5 % digits": with_digits(0.05), "30 % digits": with_digits(0.3)}


def attacks(data: Data) -> dict[str, Stream]:
    """Streams of attackers, by what they ask."""
    spec, own, honest = data.victim.spec, data.of(ATTACKERS).inputs, data.of(HIDING).inputs

    def drawn(length: int, seed: int, images: Tensor = own) -> Tensor:
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        return images[order.repeat(-(-length // len(images)))[:length]]

    def noise(shape: tuple[int, ...], seed: int) -> Tensor:
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed))

    def augmented(length: int, seed: int) -> Tensor:
        """A hundred images, and then random-sign steps of 64/255 from earlier queries, as in Jacobian augmentation."""
        made = drawn(min(100, length), seed)
        while len(made) < length:
            steps = noise(made.shape, seed + len(made)).sub(0.5).sign() * 64 / 255
            made = torch.cat([made, (made + steps).clamp(0, 1)])
        return made[:length]

    def pairs(second: Callable[[Tensor, int], Tensor]) -> Stream:
        def made(length: int, seed: int) -> Tensor:
            first = drawn(-(-length // 2), seed)
            return torch.stack([first, second(first, seed)], 1).flatten(0, 1)[:length]

        return made

    def blobs(length: int, seed: int) -> Tensor:
        """Images of an untrained generator."""
        with seeded_globals(seed), torch.no_grad():
            generator = UpsamplingGenerator(spec, 256, 16)
            return torch.cat([squash(generator(torch.randn(100, 256)), spec) for _ in range(-(-length // 100))])[
                :length
            ]

    def probe(first: Tensor, seed: int) -> Tensor:
        direction = torch.randn(first.shape, generator=torch.Generator().manual_seed(seed)).flatten(1)
        return (first + 1e-3 * F.normalize(direction).view_as(first) * spec.size**0.5).clamp(0, 1)

    def blinded(stream: Stream) -> Stream:
        return lambda length, seed: transformed(stream(length, seed), torch.Generator().manual_seed(seed))

    def hidden(stream: Stream, share: float) -> Stream:
        """Among honest images of the attacker's own."""
        return lambda length, seed: mixed(stream(length, seed), drawn(length, seed, honest), share, seed)[:length]

    found = {
        "pool of the owner's domain": drawn,
        "digits": lambda length, seed: drawn(length, seed, data.digits),
        "augmented": augmented,
        "integrated pairs": pairs(lambda first, seed: 0.9 * first),
        "zeroth-order pairs": pairs(probe),
        "uniform noise": lambda length, seed: noise((length, *spec.shape), seed),
        "generator": blobs,
    }
    found |= {f"{name}, blinded": blinded(found[name]) for name in ("augmented", "integrated pairs")}
    return found | {f"{name}, {share:.0%} benign": hidden(found[name], share) for name in MIXED for share in SHARES}


def watched(detector: Detector, victim: Victim, stream: Tensor) -> list[float]:
    """The running scores of one client."""
    with torch.no_grad():
        labels = victim(stream).argmax(1)
    return detector.client().score(stream, Response(labels)).tolist()


@dataclass
class Scored:
    """Running scores of streams, by kind."""

    calibration: list[list[float]]
    benign: dict[str, list[list[float]]]
    attacks: dict[str, list[list[float]]]
    sybils: dict[tuple[str, int], list[list[float]]]


def score(detector: Detector, data: Data, length: int, streams: int, of_calibration: int) -> Scored:
    """Let a detector watch all streams."""

    def scores(stream: Stream, count: int, first: int) -> list[list[float]]:
        return [watched(detector, data.victim, stream(length, first + number)) for number in range(count)]

    known = benign(data.of(CALIBRATION), data.digits)
    calibration = [one for name in CALIBRATION_STREAMS for one in scores(known[name], of_calibration, 1000)]
    honest = {name: scores(stream, streams, 2000) for name, stream in benign(data.test, data.digits).items()}
    asked = attacks(data)
    found = {name: scores(stream, max(streams // 2, 1), 3000) for name, stream in asked.items()}
    plain = list(itertools.islice(asked, 7))
    split = {(name, count): list(shared_out(detector, data, asked[name], count)) for name in plain for count in SYBILS}
    return Scored(calibration, honest, found, split)


def shared_out(detector: Detector, data: Data, stream: Stream, clients: int) -> Iterator[list[float]]:
    """An attack's queries in turn to so many clients: the scores of up to five of them."""
    for seed in range(4000, 4000 + SYBILS_STREAMS):
        queries = stream(SYBILS_QUERIES, seed)
        for client in range(min(clients, 5)):
            yield watched(detector, data.victim, queries[client::clients])


def rate(found: list[list[float]], threshold: float) -> tuple[int, list[int | None]]:
    """How many streams raise an alarm, and after how many queries."""
    alarms = [first_alarm(one, threshold) for one in found]
    return sum(alarm is not None for alarm in alarms), alarms


def show(name: str, calibration: Calibration | None, threshold: float, scored: Scored, reused: float) -> None:
    """What a threshold comes to."""
    said = "published" if calibration is None else (
        f"{calibration.rate:.0%} of {calibration.streams} benign streams, "
        f"{'certain' if calibration.certain else 'not certain'} if these were independent"
    )  # fmt: skip
    click.echo(f"\n{name}: threshold {threshold:.4g} ({said})")
    click.echo(
        f"  {'honest client':28s}  alarms      %  limit %  per 1,000 queries    (images reused {reused:.1f} times)"
    )
    for kind, found in scored.benign.items():
        count, alarms = rate(found, threshold)
        often = per_thousand(alarms, [len(one) for one in found])
        limit = upper_limit(count, len(found))
        share = count / len(found)
        click.echo(f"  {kind:28s}  {count:3d}/{len(found):<3d} {share:6.0%}  {limit:6.0%}  {often:17.2f}")
    click.echo(f"  {'attack':34s}  alarms      %   95 % interval  median query   clients, of 1,000 queries")
    for kind, found in scored.attacks.items():
        count, alarms = rate(found, threshold)
        limits, share = exact_interval(count, len(found)), count / len(found)
        median = kaplan_meier(alarms, [len(one) for one in found]).median
        click.echo(
            f"  {kind:34s}  {count:3d}/{len(found):<3d} {share:6.0%}  [{limits.low:4.0%}, {limits.high:4.0%}]"
            f"  {'-' if median is None else median!s:>12}   {until_missed(kind, scored, threshold)}"
        )


def until_missed(kind: str, scored: Scored, threshold: float) -> str:
    """The fewest of the tried numbers of clients, who share 1,000 queries, of whom fewer than half raise an alarm."""
    if (kind, SYBILS[0]) not in scored.sybils:
        return ""
    for count in SYBILS:
        found = scored.sybils[kind, count]
        if rate(found, threshold)[0] < len(found) / 2:
            return str(count)
    return f"more than {SYBILS[-1]}"


def cost(detector: Detector, data: Data, length: int) -> str:
    """Milliseconds of processor time a query, and bytes a client, over 1,000 queries of the owner's domain."""
    stream = data.test.inputs[:length]
    with torch.no_grad():
        labels = data.victim(stream).argmax(1)
    watch, began = detector.client(), time.process_time()
    watch.score(stream, Response(labels))
    return f"{1000 * (time.process_time() - began) / length:.2f} ms a query, {size_of(watch) / 1e6:.3f} MB a client"


def size_of(watch: ClientWatch) -> int:
    """Bytes of a watch's state."""

    def of(value: object) -> int:
        if isinstance(value, Tensor):
            return value.numel() * value.element_size()
        if isinstance(value, dict):
            return sum(map(of, value.values()))
        return sum(map(of, value)) if isinstance(value, list) else 8

    return of(watch.state_dict())


def known_numbers(data: Data) -> None:
    """What PRADA gave with another victim: docs/detectors.md says which."""
    detector = registry().get(DetectorEntry, "prada").call(data.context())
    images = torch.cat([data.test.inputs, data.of((4000, 8000)).inputs])  # none of the victim's
    lowest = [1 - highest(watched(detector, data.victim, part)) for part in images.split(1000)]
    click.echo(
        f"PRADA on {len(lowest)} disjoint benign streams of 1,000: lowest W {' '.join(f'{w:.3f}' for w in lowest)}"
    )
    click.echo("  streams that it alarms of: " + ", ".join(
        f"{sum(w < delta for w in lowest)} at delta {delta}" for delta in (0.9, 0.95, 0.96, 0.97)
    ))  # fmt: skip
    asked = attacks(data)
    asked["every image twice"] = lambda length, seed: images[: length // 2].repeat_interleave(2, 0)
    asked["half noise, half images"] = lambda length, seed: mixed(
        asked["uniform noise"](length, seed), images, 0.5, seed
    )[:length]
    for name in (*itertools.islice(asked, 7), "every image twice", "half noise, half images"):
        scores = watched(detector, data.victim, asked[name](1000, 0))
        at = [first_alarm(scores, 1 - delta) for delta in (0.9, 0.95)]
        click.echo(f"  {name:28s} lowest W {1 - highest(scores):.3f}  alarm at {at[0]} (delta 0.9), {at[1]} (0.95)")
    for growth in ("mean-minus-std", "mean-plus-std"):
        watch = registry().get(DetectorEntry, "prada").call(data.context(), given={"growth": growth}).client()
        with torch.no_grad():
            watch.score(images[:1000], Response(data.victim(images[:1000]).argmax(1)))
        click.echo(f"  kept of 1,000 by {growth}: {sum(len(one['rows']) for one in watch.state_dict()['sets'])}")


@click.command()
@click.option("--length", default=200, help="Queries of a stream.")
@click.option("--streams", default=20, help="Benign streams of each kind; attacks get half as many.")
@click.option("--calibration", default=35, help="Streams of each of the three kinds that thresholds are set on.")
@click.option("--only", multiple=True, help="Detectors; all without it.")
@click.option("--costs", is_flag=True, help="What detectors cost, and nothing else.")
def main(length: int, streams: int, calibration: int, only: tuple[str, ...], costs: bool) -> None:
    """Print all tables."""
    torch.set_num_threads(1)
    data = Data()
    click.echo(f"victim: LeNet-5, {data.rows} images, accuracy {data.accuracy:.1%}; streams of {length}")
    click.echo(
        f"thresholds: {calibration} streams of each of {', '.join(CALIBRATION_STREAMS)}, of 2,000 images, reused "
        f"{calibration * length / 2000:.1f} times in each;\ntried on 2,000 others, which are {2000 // length} disjoint "
        f"streams: no alarm in these says that fewer than {upper_limit(0, 2000 // length):.0%} raise one\n"
    )
    chosen = only or tuple(DETECTORS)
    if "prada" in chosen and not costs:
        known_numbers(data)
    for name in chosen:
        entry, given = DETECTORS[name]
        detector = registry().get(DetectorEntry, entry).call(data.context(), given=given)
        began = time.process_time()
        detector.use(detector.fit())
        if costs:
            click.echo(f"{name:20s} learns in {time.process_time() - began:5.1f} s; {cost(detector, data, 1000)}")
            continue
        scored = score(detector, data, length, streams, calibration)
        click.echo(f"\n{'=' * 100}\n{name}")
        published = registry().get(DetectorEntry, entry).threshold
        reused = streams * length / 2000
        for allowed in RATES:
            frozen = calibrated([highest(one) for one in scored.calibration], allowed)
            show(name, frozen, frozen.threshold, scored, reused)
        if published is not None:
            show(name, None, published, scored, reused)


if __name__ == "__main__":
    main()
