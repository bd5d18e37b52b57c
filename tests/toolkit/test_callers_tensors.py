"""No public function of the toolkit writes on a tensor of its caller's, in whichever precision that is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mebench.api.contract import InputSpec
from mebench.toolkit import (
    KLLoss,
    L1LogitLoss,
    Limits,
    Reservoir,
    bim,
    centred,
    deepfool,
    fgsm,
    k_center,
    logits_of,
    loss_derivatives,
    macro_f1,
    pgd,
    squash,
    to_device,
)

SPEC = InputSpec((1, 4, 4), 3)
LIMITS = Limits(epsilon=0.1, steps=2, step_size=0.05)


def network(kind):
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3)).to(kind)


def reserved(images, labels, shares):
    reservoir = Reservoir(2, torch.Generator().manual_seed(0))
    reservoir.add(images, labels)
    for drawn in reservoir.draw(4):
        drawn.zero_()
    reservoir.add(images, labels)


CALLS = {
    "k_center": lambda images, labels, shares: k_center(images.flatten(1), images[:2].flatten(1), 3),
    "kl": lambda images, labels, shares: KLLoss().per_query(shares, shares),
    "l1": lambda images, labels, shares: L1LogitLoss().per_query(shares, shares),
    "centred": lambda images, labels, shares: centred(shares),
    "derivatives": lambda images, labels, shares: loss_derivatives(KLLoss(), shares, network(images.dtype), images),
    "fgsm": lambda images, labels, shares: fgsm(network(images.dtype), images, labels, LIMITS),
    "bim": lambda images, labels, shares: bim(network(images.dtype), images, labels, LIMITS),
    "pgd": lambda images, labels, shares: pgd(
        network(images.dtype), images, labels, LIMITS, generator=torch.Generator().manual_seed(0)
    ),
    "deepfool": lambda images, labels, shares: deepfool(network(images.dtype), images),
    "logits_of": lambda images, labels, shares: logits_of(network(images.dtype), images),
    "macro_f1": lambda images, labels, shares: macro_f1(labels, labels, 3),
    "squash": lambda images, labels, shares: squash(images, SPEC),
    "to_device": lambda images, labels, shares: to_device(images, torch.device("cpu")),
    "reservoir": reserved,
}


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", CALLS)
def test_a_callers_tensors_stay_as_they_were(name, kind):
    drawn = torch.Generator().manual_seed(1)
    images = torch.rand(6, *SPEC.shape, generator=drawn).to(kind)
    shares = torch.rand(6, 3, generator=drawn).softmax(1).to(kind)
    labels = torch.randint(3, (6,), generator=drawn)
    given = (images, labels, shares)
    before = [tensor.clone() for tensor in given]
    CALLS[name](*given)
    for tensor, kept in zip(given, before, strict=True):
        assert tensor.equal(kept)
        assert not tensor.requires_grad
