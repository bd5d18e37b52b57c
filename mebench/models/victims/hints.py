"""What may be wrong with a victim's inputs or classes: found by giving it labelled images in other ways, cheaply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import torch
from torch import Tensor, nn

from mebench.api.contract import Victim
from mebench.models.victims.normalise import Normalise

ROWS = 128
"""Images that each way is tried on."""
BETTER = 0.2
"""By how much more often a victim must be right for a way to be told."""
_AS_GOOD = 0.03
"""By how much a plainer way may be right less often than the best one."""
_SHOWN = 10
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Predicted = Mapping[str, Tensor]
"""The classes that a network gives to images, (B,), by the way in which they were given to it."""
Found = tuple[float, str]
"""How often it would be right, and with what, after "it is right for x of images"."""


@torch.no_grad()
def hint(victim: Victim, inputs: Tensor, labels: Tensor, at_chance: bool) -> str:
    """Say with which images, or with which order of classes, a victim would be right much more often; or nothing.

    Args:
        victim: of images (B, C, h, w) in [0, 1], on its device.
        inputs, labels: of its test set, (B, C, h, w) and (B,).
        at_chance: whether it is hardly better than guessing, so that two ways at once are worth a try.
    """
    inputs, labels = inputs[:ROWS], labels[:ROWS]
    network, ranges, layouts = _without_normalisation(victim.network), _ranges(inputs, victim), _layouts(inputs)
    as_it_is = {"": victim.network(inputs).argmax(1)}
    most = float(torch.bincount(labels).max()) / len(labels)
    enough = max(_right(as_it_is[""], labels), most if at_chance else 0.0) + BETTER
    ways = [{**as_it_is, **_predicted(network, {**ranges, **layouts})}]
    if at_chance:
        pairs = {f"{one} and {other}": _layouts(ranges[one])[other] for one, other in product(ranges, layouts)}
        ways.append(_predicted(network, pairs))
    found = [one for predicted in ways for one in _with_classes(predicted, labels, victim.spec.num_classes)]
    best = max(accuracy for accuracy, _ in found)
    accuracy, words = next(one for one in found if one[0] >= best - _AS_GOOD)  # the plainest
    return f"it is right for {accuracy:.0%} of images {words}" if accuracy >= enough else ""


def _with_classes(predicted: Predicted, labels: Tensor, classes: int) -> Iterator[Found]:
    """How often each way is right, with the classes as they are, shifted, and in another order."""
    for words, given in predicted.items():
        yield _right(given, labels), words
    for words, given in predicted.items():
        but = f"{words} " if words else ""
        for shift, said in ((1, "k + 1"), (-1, "k - 1")) if classes > 2 else ():
            yield _right((given + shift) % classes, labels), f"{but}if its class k is the data's class {said}"
        accuracy, order = _in_another_order(given, labels, classes)
        yield accuracy, f"{but}if its classes are in another order: {order}"


def _right(predicted: Tensor, labels: Tensor) -> float:
    return float((predicted == labels).double().mean())


def _in_another_order(predicted: Tensor, labels: Tensor, classes: int) -> Found:
    """How often a network is right whose classes are renamed by the other half of the images; the names in words."""
    halves = [_renamed(predicted[start::2], labels[start::2], classes) for start in (0, 1)]
    right = [_right(halves[1 - start][predicted[start::2]], labels[start::2]) for start in (0, 1)]
    names = _renamed(predicted, labels, classes).tolist()
    known = [(own, of_data) for own, of_data in enumerate(names) if of_data >= 0][:_SHOWN]
    more = ", ..." if sum(name >= 0 for name in names) > len(known) else ""
    own, of_data = (", ".join(str(pair[side]) for pair in known) for side in (0, 1))
    return sum(right) / 2, f"its {own}{more} are the data's {of_data}{more}"


def _renamed(predicted: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The data's class for each of a network's, one for one, the most frequent pairs first; -1 where none is left."""
    counts = torch.zeros(classes, classes, dtype=torch.int64, device=labels.device)
    counts.index_put_((predicted, labels), torch.ones_like(labels), accumulate=True)
    names = torch.full((classes,), -1, device=labels.device)
    while int(counts.max()) > 0:
        own, of_data = divmod(int(counts.argmax()), classes)
        names[own] = of_data
        counts[own], counts[:, of_data] = 0, 0
    return names


def _predicted(network: nn.Module, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a network says of images that are given in several ways; without those that it cannot take."""
    found = {}
    for words, inputs in given.items():
        try:
            found[words] = network(inputs).argmax(1)
        except Exception:  # it takes no such images, which says enough
            continue
    return {words: classes for words, classes in found.items() if classes.shape == (len(given[words]),)}


def _without_normalisation(network: nn.Module) -> nn.Module:
    """A victim's network without the mean and std that its owner has given."""
    normalised = isinstance(network, nn.Sequential) and isinstance(network[0], Normalise)
    return network[1] if normalised else network  # type: ignore[index]


def _ranges(inputs: Tensor, victim: Victim) -> dict[str, Tensor]:
    """Images in other ranges, by what a benchmark file would say of them."""
    own = victim.network is not _without_normalisation(victim.network)
    found = {"as they are (without mean and std)": inputs} if own else {}
    found["of -1 to 1 (mean: 0.5, std: 0.5)"] = 2 * inputs - 1
    mean, std = inputs.mean((0, 2, 3)), inputs.std((0, 2, 3)).clamp_min(1e-6)
    found[f"of mean 0 and variance 1 (mean: {_list(mean)}, std: {_list(std)})"] = _normalised(inputs, mean, std)
    if inputs.shape[1] == 3:
        mean, std = (torch.tensor(values, device=inputs.device) for values in _IMAGENET)
        words = f"normalised as those of ImageNet (mean: {_list(mean)}, std: {_list(std)})"
        found[words] = _normalised(inputs, mean, std)
    found["of 0 to 255 (mean: 0, std: 0.00392157)"] = 255 * inputs
    found["with black and white exchanged"] = 1 - inputs
    return found


def _layouts(inputs: Tensor) -> dict[str, Tensor]:
    """Images whose channels or sides are in another order."""
    found = {"with rows and columns exchanged": inputs.transpose(2, 3)} if inputs.shape[2] == inputs.shape[3] else {}
    if inputs.shape[1] == 3:
        found["with red and blue exchanged (BGR)"] = inputs.flip(1)
    if inputs.shape[1] > 1:
        found["with channels last"] = inputs.permute(0, 2, 3, 1)
    return found


def _normalised(inputs: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    return (inputs - mean[:, None, None]) / std[:, None, None]


def _list(values: Tensor) -> str:
    return f"[{', '.join(f'{value:.3g}' for value in values.tolist())}]"
