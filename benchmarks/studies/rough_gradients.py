"""What three kinds of victims answer to a generator's first images, and how far their gradients hold.

    python benchmarks/studies/rough_gradients.py    a minute of one core, once the victims are trained

Explains why an exact gradient serves a generator before one victim and not before another: the gradient of an image's
centred logits is compared with the gradient at the same image plus noise. Development victims, of a seed that no
benchmark has; images of the first 256 noise vectors of an untrained generator, and the first 256 test images.
"""

from __future__ import annotations

from collections.abc import Iterator

import click
import torch
from torch import Tensor, nn

from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.models.networks.generator import UpsamplingGenerator
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.toolkit import centred
from mebench.toolkit.strategies.generator import squash

RECIPE = TrainingRecipe(10, 64, "adam", 2e-3, schedule="cosine")
NETWORKS = (Component("lenet5"), Component("small-cnn", {"width": 16}), Component("resnet8"))
DATA = Component("fashion-mnist-10k")
IMAGES, SEED, COPIES = 256, 9001, 4
SIGMAS = (0.01, 0.03, 0.1)
"""Of the noise, in units of the input range."""
TINY = 1e-37
"""What counts as 0 in a loss."""


def victim_of(network: Component) -> PreparedVictim:
    """Train a development victim, or take it from the cache."""
    return prepare_victim(VictimSpec(network.name, DATA, network=network, training=RECIPE, seed=SEED))


def generated(victim: PreparedVictim) -> Tensor:
    """Images of an untrained generator of the benchmarks' width."""
    generator = UpsamplingGenerator(victim.spec, 256, 16, False)
    with torch.no_grad():
        return squash(generator(torch.randn(IMAGES, 256)), victim.spec)


def gradients(network: nn.Module, images: Tensor, weights: Tensor) -> Tensor:
    """Return the gradients (B, d) of the weighted sums of centred logits."""
    images = images.clone().requires_grad_()
    (found,) = torch.autograd.grad((centred(network(images)) * weights).sum(), images)
    return found.flatten(1)


def lines(victim: PreparedVictim) -> Iterator[str]:
    """What is printed of a victim: a line for each kind of images."""
    network = victim.victim.network
    for name, images in (("generated", generated(victim)), ("test", victim.test_inputs[:IMAGES])):
        with torch.no_grad():
            logits = centred(network(images))
        probabilities = logits.softmax(1)
        counts = probabilities.argmax(1).bincount(minlength=victim.spec.num_classes).sort(descending=True).values
        weights = torch.randint(0, 2, (victim.spec.num_classes,)) * 2.0 - 1
        here = gradients(network, images, weights - weights.mean())
        cosines = []
        for sigma in SIGMAS:
            there = [
                gradients(network, images + sigma * torch.randn_like(images), weights - weights.mean())
                for _ in range(COPIES)
            ]
            cosines.append(torch.stack([torch.cosine_similarity(here, one) for one in there]).mean().item())
        yield (
            f"{victim.accuracy:.3f}  {name:9}  labels {' '.join(f'{count:3}' for count in counts.tolist())}  "
            f"confidence {probabilities.max(1).values.mean():.2f}  logits {logits.std(1).mean():.1f}  "
            f"below {TINY:g} {100 * (probabilities < TINY).float().mean():.1f} %  "
            f"gradient {here.norm(dim=1).median():.0f}  cosine {' '.join(f'{one:.2f}' for one in cosines)}"
        )


@click.command()
def main() -> None:
    """Print a line for each victim and kind of images."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    click.echo(
        "victim, its accuracy; images; how many of them have each label, sorted; mean confidence; standard deviation\n"
        "of logits; probabilities that count as 0; median norm of the gradient; its cosine with that at noise of "
        f"{', '.join(map(str, SIGMAS))}"
    )
    for network in NETWORKS:
        for line in lines(victim_of(network)):
            click.echo(f"{network.name:9}  {line}")


if __name__ == "__main__":
    main()
