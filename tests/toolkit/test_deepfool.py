from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from toys import SPEC, Counting, convolutional, perceptron

from mebench.toolkit import boundary as module
from mebench.toolkit.boundary import deepfool

IMAGES = torch.rand(40, *SPEC.shape, generator=torch.Generator().manual_seed(0))


def one_by_one(network, image, overshoot=0.02, max_steps=50):
    """DeepFool of one image in float64, by the paper's Algorithm 2: norm, steps, moved image."""
    start = image.double()[None]
    label, total, moved, steps = int(network(start).argmax()), torch.zeros_like(start), start, 0
    while steps < max_steps and int(network(moved).argmax()) == label:
        point = moved.clone().requires_grad_()
        logits = network(point)[0]
        gradients = [torch.autograd.grad(logit, point, retain_graph=True)[0] for logit in logits]
        best, step = math.inf, None
        for k in range(len(logits)):
            if k != label:
                normal, gap = gradients[k] - gradients[label], (logits[k] - logits[label]).item()
                if abs(gap) / float(normal.norm()) < best:
                    best, step = abs(gap) / float(normal.norm()), abs(gap) / float(normal.norm()) ** 2 * normal
        total = total + step
        moved = start + (1 + overshoot) * total
        steps += 1
    return (1 + overshoot) * float(total.norm()), steps, moved[0]


def curved():
    """A perceptron whose units bend within a step, so that inputs need different numbers of steps."""
    network = perceptron(scale=3.0)
    with torch.no_grad():
        network[1].weight.mul_(8)
    return network


def linear(classes=4, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(SPEC.size, classes))


@pytest.mark.parametrize("network", [curved(), convolutional(SPEC).eval()], ids=["perceptron", "cnn"])
def test_norms_and_steps_are_those_of_one_image_after_another(network):
    network = network.double()
    found = deepfool(network, IMAGES.double())
    expected = [one_by_one(network, image) for image in IMAGES]
    torch.testing.assert_close(found.norms, torch.tensor([norm for norm, _, _ in expected], dtype=torch.float64))
    torch.testing.assert_close(found.moved, torch.stack([moved for _, _, moved in expected]))
    assert found.steps.tolist() == [steps for _, steps, _ in expected]
    assert len(set(found.steps.tolist())) > 1  # so that some leave the batch before others
    assert found.crossed.all()


@pytest.mark.parametrize("overshoot", [0.0, 0.02, 0.5])
def test_of_a_linear_classifier_the_norm_is_the_closed_form_in_one_step(overshoot):
    network = linear()
    weights, logits = network[1].weight, network(IMAGES)
    own = logits.argmax(1)
    gaps = logits.gather(1, own[:, None]) - logits
    lengths = (weights[own][:, None] - weights[None]).norm(dim=2)
    closed = torch.where(lengths > 0, gaps / lengths, torch.inf).amin(1).detach()
    found = deepfool(network, IMAGES, overshoot=overshoot, max_steps=1)
    torch.testing.assert_close(found.norms, (1 + overshoot) * closed)
    assert (found.steps == 1).all()
    assert found.crossed.all() or not overshoot


def test_the_class_of_a_moved_input_is_another():
    network = curved()
    found = deepfool(network, IMAGES)
    assert (network(found.moved).argmax(1) != network(IMAGES).argmax(1)).all()
    torch.testing.assert_close((found.moved - IMAGES).flatten(1).norm(dim=1), found.norms, rtol=1e-4, atol=1e-6)


def test_batches_change_nothing(monkeypatch):
    network = curved().double()
    whole = deepfool(network, IMAGES.double())
    monkeypatch.setattr(module, "BATCH", 7)
    parts = deepfool(network, IMAGES.double())
    torch.testing.assert_close(whole.norms, parts.norms)
    assert whole.steps.equal(parts.steps)


def test_inputs_whose_class_has_changed_leave_the_batch():
    network = Counting(curved().double())
    steps = deepfool(network, IMAGES.double()).steps
    # One row to find the class, and for every step one for the gradients and one to look at the class.
    assert network.rows == len(IMAGES) + 2 * int(steps.sum())
    assert int(steps.max()) * len(IMAGES) > int(steps.sum())


def test_an_input_that_does_not_cross_in_time_says_so():
    network = curved()
    full, short = deepfool(network, IMAGES), deepfool(network, IMAGES, max_steps=1)
    assert short.crossed.equal(full.steps <= 1)
    assert (short.steps == 1).all()
    torch.testing.assert_close(short.norms[short.crossed], full.norms[short.crossed])


def test_an_input_on_the_boundary_is_at_distance_0():
    network = linear(classes=2)
    with torch.no_grad():
        network[1].weight[1] = network[1].weight[0]
        network[1].bias.fill_(0)
    found = deepfool(network, IMAGES)
    assert found.crossed.all()
    assert not found.norms.any()
    assert not found.steps.any()


def test_where_a_network_is_flat_an_input_is_given_up_after_one_step():
    network = linear()
    with torch.no_grad():
        network[1].weight.fill_(0)
        network[1].bias.copy_(torch.arange(4.0))
    found = deepfool(network, IMAGES)
    assert not found.crossed.any()
    assert (found.steps == 1).all()
    assert found.moved.equal(IMAGES)


def test_logits_that_are_not_finite_stop_their_own_input_only():
    class Poles(nn.Module):
        def forward(self, inputs):
            logits = inputs.flatten(1)[:, :3]
            return torch.where(logits[:, :1] > 0.9, torch.nan, logits)

    inputs = torch.tensor([[0.5, 0.2, 0.1], [0.95, 0.2, 0.1]])
    found = deepfool(Poles(), inputs)
    assert found.crossed.tolist() == [True, False]
    assert found.norms[0] == pytest.approx(1.02 * 0.3 / 2**0.5, rel=1e-5)


def test_the_network_is_left_as_it_was():
    network = convolutional(SPEC).train()
    network[0].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    deepfool(network, IMAGES[:4])
    assert all(value.equal(before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert [p.requires_grad for p in network.parameters()] == [False, *[True] * 4]
    assert all(p.grad is None for p in network.parameters())


def test_no_inputs_have_no_norms():
    assert deepfool(perceptron(), IMAGES[:0]).norms.shape == (0,)


def test_foolbox_finds_the_same_norms():
    foolbox = pytest.importorskip("foolbox")
    network = curved().eval()
    model = foolbox.PyTorchModel(network, bounds=(-100, 100))
    attack = foolbox.attacks.L2DeepFoolAttack(steps=50, candidates=None, overshoot=0.02, loss="logits")
    theirs, _, crossed = attack(model, IMAGES, network(IMAGES).argmax(1), epsilons=None)
    assert crossed.all()
    norms = (theirs - IMAGES).flatten(1).norm(dim=1)
    torch.testing.assert_close(deepfool(network, IMAGES).norms, norms, rtol=1e-2, atol=1e-3)
