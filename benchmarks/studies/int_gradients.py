"""How near to the true gradient one comes from Integrated Gradients: the table in docs/explanation-channels.md.

    python benchmarks/studies/int_gradients.py                       about ten minutes of one CPU core
    python benchmarks/studies/int_gradients.py --images 8 --quick    to try it

The victim is a LeNet-5 on Fashion-MNIST, the clone a perturbed copy of it. Compared is the victim's part of d L / d x,
with autograd in float64, over all pixels: pixels at the baseline are asked a millionth beside it, see `Best`. Forward
quotients ask (1 + alpha) x, which an oracle would refuse where it leaves the range; here the network is asked itself.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator

import click
import torch
from mebench_xai.reconstructions import RECONSTRUCTIONS, logit_weights
from torch import Tensor

from mebench.api.contract import AttackContext, Response, Victim
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.models.networks.generator import UpsamplingGenerator
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.entries import ExplainedParameters, IntegratedGradientsParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, VanillaGradientChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry, NetworkEntry
from mebench.toolkit.losses import loss_derivatives, make_loss
from mebench.toolkit.strategies.generator import squash

CPU = torch.device("cpu")
WEIGHTINGS = ("top", "l1", "kl")
ALPHAS = (1e-8, 1e-6, 1e-4, 1e-2, 0.05, 0.1, 0.2, 0.3, 0.5)


def lenet5(seed: int) -> tuple[Victim, Tensor]:
    """The victim of the benchmarks, whose seed is 0, or another like it; and its test images."""

    def part(kind, name):
        return Component(name, registry().get(kind, name).resolve({}))

    recipe = TrainingRecipe(epochs=30, batch_size=64, optimizer="adam", learning_rate=1e-3)
    data, network = part(DatasetEntry, "fashion-mnist-10k"), part(NetworkEntry, "lenet5")
    prepared = prepare_victim(
        VictimSpec("fmnist-lenet5", data=data, image_size=(32, 32), network=network, training=recipe, seed=seed)
    )
    return prepared.victim, prepared.test_inputs


def perturbed(victim: Victim, amount: float) -> Victim:
    """A clone that agrees with the victim on some images and not on others."""
    clone, noise = copy.deepcopy(victim), torch.Generator().manual_seed(1)
    for parameter in clone.network.parameters():
        parameter.data += amount * parameter.std() * torch.randn(parameter.shape, generator=noise)
    return clone


def generated(victim: Victim, count: int) -> Tensor:
    """Images of an untrained generator."""
    torch.manual_seed(0)
    with torch.no_grad():
        return squash(UpsamplingGenerator(victim.spec, 256, 16)(torch.randn(count, 256)), victim.spec)


class Study:
    """Images, what is wanted of them, and their Integrated Gradients at any scale."""

    def __init__(self, victim: Victim, clone: Victim, images: Tensor) -> None:
        self.victim, self.clone, self.images = victim, clone, images.clamp_min(1e-6)
        self.double = copy.deepcopy(victim).double()
        exact = VanillaGradientChannel(ExplainedParameters(score="logit")).answer(
            self.double, self.images.double(), True
        )
        answer = Response(exact.labels, exact.probabilities.float())
        self.weights = {name: self.derivative(name, answer) for name in WEIGHTINGS}
        self.logits = {name: logit_weights(answer, one) for name, one in self.weights.items()}
        dense = exact.explanation.dense()
        self.truth = {name: torch.einsum("bc,bc...->b...", one.double(), dense) for name, one in self.logits.items()}

    def derivative(self, weighting: str, answer: Response) -> Tensor:
        """d l / d f, (B, c): of the predicted class's probability, or of a loss."""
        if weighting == "top":
            return torch.nn.functional.one_hot(answer.labels, answer.probabilities.shape[1]).float()
        return loss_derivatives(make_loss(weighting, 1e-37), answer.probabilities, self.clone, self.images)[0]

    @functools.cache  # noqa: B019
    def integral(self, scale: float, score: str, rule: str, steps: int, double: bool, divide: bool = True) -> Tensor:
        """All classes' explanations at this scale, divided by the scaled image (times scale), (B, c, *shape)."""
        victim = self.double if double else self.victim
        asked = self.images.to(torch.float64 if double else torch.float32) * scale
        dense = (
            IntegratedGradientsChannel(IntegratedGradientsParameters(steps, 0.0, rule, score))
            .answer(victim, asked, True)
            .explanation.dense()
        )
        return scale * dense / asked.unsqueeze(1) if divide else dense

    def estimate(self, weighting: str, score: str, form: str, alpha: float, *settings: object) -> Tensor:
        """The contracted estimate."""
        weights = (self.logits if score == "logit" else self.weights)[weighting]
        divide = form != "printed"
        here = self.integral(1.0, score, *settings, divide)
        if form == "one query":
            return torch.einsum("bc,bc...->b...", weights.to(here.dtype), here)
        there = self.integral(1 - alpha if form == "backward" else 1 + alpha, score, *settings, divide)
        difference = here - there if form == "backward" else there - here
        return torch.einsum("bc,bc...->b...", weights.to(here.dtype), difference / alpha)

    def shipped(self, weighting: str, score: str, name: str, rule: str, steps: int) -> Tensor:
        """What the attack's reconstruction gives, through an oracle."""
        channel = IntegratedGradientsChannel(IntegratedGradientsParameters(steps, 0.0, rule, score))
        context = AttackContext(self.victim.spec, channel, 10**9, self.clone, CPU, RandomStreams(0, CPU))
        reconstruction = RECONSTRUCTIONS[name](context, None)
        oracle = BudgetedOracle(self.victim, channel, QueryLedger(10**9), "study")
        images = self.images.where(self.images > 1.5e-6, 0)
        reconstruction.prepare(oracle, images)
        asked = reconstruction.first(images)
        first = oracle.query(asked, explain=True)
        second = oracle.query(reconstruction.second(asked), explain=True)
        return reconstruction.gradient(first, second, asked, self.weights[weighting])

    def row(self, estimate: Tensor, weighting: str) -> str:
        """Median and quartiles of the cosine, and the median norm ratio."""
        ours, truth = estimate.double().flatten(1), self.truth[weighting].flatten(1)
        low, median, high = torch.cosine_similarity(ours, truth).quantile(torch.tensor([0.25, 0.5, 0.75]).double())
        ratio = (ours.norm(dim=1) / truth.norm(dim=1)).median()
        return f"{median:6.2f} [{low:5.2f}, {high:5.2f}]  x{ratio:<8.3g}"


def quotients(quick: bool) -> Iterator[tuple[str, str, float, str, int, bool]]:
    """Which quotients are measured: (score, form, alpha, rule, steps, double)."""
    for score in ("logit", "probability"):
        yield score, "one query", 0.0, "right", 50, False
        for alpha in (1e-8, 0.1) if quick else ALPHAS:
            for form in ("printed", "forward", "backward"):
                yield score, form, alpha, "right", 50, False
        if quick:
            continue
        for alpha in (1e-8, 1e-6, 1e-2, 0.1):
            for form in ("printed", "backward"):
                yield score, form, alpha, "right", 50, True
        for alpha in (0.1, 0.2):
            yield score, "backward", alpha, "midpoint", 50, False
            yield score, "backward", alpha, "right", 200, False


@click.command()
@click.option("--images", default=32, help="Images of each kind.")
@click.option("--quick", is_flag=True, help="A few rows only.")
@click.option("--seed", default=0, help="Of the victim.")
def main(images: int, quick: bool, seed: int) -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    victim, test = lenet5(seed)
    clone = perturbed(victim, 0.6)
    studies = {
        "test": Study(victim, clone, test[:images]),
        "generator": Study(victim, clone, generated(victim, images)),
    }
    click.echo("cosine: median [quartiles], and norm ratio, for the weights: " + " | ".join(WEIGHTINGS))
    for kind, study in studies.items():
        for score, form, alpha, rule, steps, double in quotients(quick):
            cells = [study.row(study.estimate(one, score, form, alpha, rule, steps, double), one) for one in WEIGHTINGS]
            name = f"{score} {form} alpha={alpha:g} {rule} m={steps} float{64 if double else 32}"
            click.echo(f"{kind:9} {name:57} " + " | ".join(cells))
        for score in ("logit", "probability"):
            for name in RECONSTRUCTIONS:
                for rule, steps in (("right", 50),) if quick else (("right", 50), ("midpoint", 50), ("right", 200)):
                    cells = [study.row(study.shipped(one, score, name, rule, steps), one) for one in WEIGHTINGS]
                    click.echo(f"{kind:9} {f'{score} int {name} {rule} m={steps}':57} " + " | ".join(cells))


if __name__ == "__main__":
    main()
