"""A victim that would be right with other images or another order of classes: said in one line, with its accuracy."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mebench.api.contract import InputSpec, Victim
from mebench.api.errors import ConfigurationError
from mebench.models.victims.as_asked import AsAsked
from mebench.models.victims.behaviour import Behaviour, behaviour
from mebench.models.victims.normalise import with_normalisation
from mebench.models.victims.outputs import answers

SPEC = InputSpec((3, 8, 8), 10)


def images(count: int = 600):
    """Images of ten classes that differ in where they are bright, and in which colour; and their classes."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (count,), generator=generator)
    found = 0.35 * torch.rand(count, *SPEC.shape, generator=generator)
    for image, label in zip(found, labels.tolist(), strict=True):
        row, column, colour = label % 4, label // 2 % 4, label % 3
        image[colour, 2 * row : 2 * row + 2, 2 * column] += 0.6
    return found, labels


INPUTS, LABELS = images()


class Nearest(nn.Module):
    """Knows the mean image of each class, after it has turned the images that it was trained on into these.

    Args:
        turned: makes an image as it is here of one as it was there.
        order: output k is the class ``order[k]``.
    """

    def __init__(self, turned=lambda x: x, order=tuple(range(10))) -> None:
        super().__init__()
        self.register_buffer("means", torch.stack([INPUTS[k == LABELS].mean(0) for k in range(10)]))
        self.turned, self.order = turned, list(order)

    def forward(self, x):
        distance = (self.turned(x).clamp(-0.1, 1.1)[:, None] - self.means).flatten(2).pow(2).sum(2)
        return -10 * distance[:, self.order]


def tried(network: nn.Module, mean=None, std=None) -> Behaviour:
    asked = with_normalisation(AsAsked(network), SPEC, "mine", mean, std)
    victim = Victim(asked, SPEC, "mine", outputs="logits")
    accuracy = float((victim(INPUTS).argmax(1) == LABELS).double().mean())
    return behaviour(victim, INPUTS, LABELS, accuracy, None)


def said(network: nn.Module, **more) -> str:
    (line,) = (line for line in tried(network, **more).notes("mine") if "gradient" not in line)
    assert "\n" not in line
    return line


def bright(x):
    """Black and white: what is as bright as only one spot of an image is."""
    return (x > 0.58).float()


PERMUTED = (0, 2, 1, 5, 6, 7, 8, 9, 4, 3)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Nearest(lambda x: x / 255), "of 0 to 255 (mean: 0, std: 0.00392157)"),
        (Nearest(lambda x: 1 - x), "with black and white exchanged"),
        (Nearest(lambda x: bright(x * INPUTS.std() + INPUTS.mean())), "of mean 0 and variance 1 (mean: [0.1"),
        (Nearest(lambda x: x.transpose(-1, -2)), "with rows and columns exchanged"),
        (Nearest(lambda x: x.flip(-3)), "with red and blue exchanged (BGR)"),
        (Nearest(lambda x: x.reshape(-1, 8, 8, 3).permute(0, 3, 1, 2)), "with channels last"),
        (Nearest(lambda x: x.flip(-3) / 255), "of 0 to 255 (mean: 0, std: 0.00392157) and with red and blue exchanged"),
        (Nearest(order=(*range(1, 10), 0)), "if its class k is the data's class k + 1"),
        (Nearest(order=(9, *range(9))), "if its class k is the data's class k - 1"),
        (
            Nearest(order=PERMUTED),
            "if its classes are in another order: its 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 are the data's "
            "0, 2, 1, 5, 6, 7, 8, 9, 4, 3",
        ),
        (Nearest(lambda x: x / 255, PERMUTED), "of 0 to 255 (mean: 0, std: 0.00392157) if its classes are in another"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_images_or_classes_is_told_with_the_accuracy_that_a_victim_would_have(network, words):
    line = said(network)
    assert f"of images {words}" in line
    assert int(line.split("it is right for ")[1].split("%")[0]) >= 85


def test_a_mean_and_std_too_many_are_told():
    line = said(Nearest(), mean=(0.9, 0.9, 0.9), std=(100.0, 100.0, 100.0))
    assert "it is right for 100% of images as they are (without mean and std)" in line


def test_a_victim_that_fails_and_takes_channels_last_is_told_so():
    class Strict(nn.Module):
        def forward(self, x):
            return x.flatten(1, 2).sum(1) @ torch.ones(3, 10)

    with pytest.raises(ConfigurationError, match=r"channels last: let its forward permute\(0, 2, 3, 1\)"):
        answers(Victim(Strict(), SPEC, "mine", outputs="logits"), INPUTS[:5])


@pytest.mark.parametrize(
    "network",
    [
        Nearest(),
        nn.Sequential(nn.Flatten(), nn.Linear(192, 10)),
        nn.Sequential(nn.Flatten(), nn.Linear(192, 10), nn.Threshold(1e9, 0.5)),
    ],
    ids=["right", "untrained", "constant"],
)
def test_who_would_be_right_with_nothing_else_is_told_no_hint(network):
    assert tried(network).hint == ""


def test_no_order_of_classes_is_made_up_for_a_victim_that_names_one_class_only():
    labels = (torch.arange(600) % 10 == 0).long()
    spec = InputSpec(SPEC.shape, 2)
    constant = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    with torch.no_grad():
        constant[1].weight.zero_()
        constant[1].bias.copy_(torch.tensor([0.0, 3.0]))
    found = behaviour(Victim(constant, spec, "mine", outputs="logits"), INPUTS, labels, 0.1, None)
    assert found.at_chance
    assert found.hint == ""
