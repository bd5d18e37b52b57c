from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from toys import SPEC, convolutional, perceptron

from mebench.models.modes import frozen
from mebench.toolkit import adversarial
from mebench.toolkit.adversarial import Limits, bim, fgsm, pgd

LIMITS = Limits(0.1, steps=7, step_size=0.03)


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def by(name: str, network, inputs, labels, limits=LIMITS, *, targeted=False, seed=0) -> Tensor:
    more = {"generator": stream(seed)} if name == "pgd" else {}
    return getattr(adversarial, name)(network, inputs, labels, limits, targeted=targeted, **more)


def images(count: int = 12, seed: int = 1) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    return torch.rand(count, *SPEC.shape), torch.randint(SPEC.num_classes, (count,))


def linear() -> nn.Linear:
    """Two classes, whose weights differ by (-1, 3, 0, 3)."""
    network = nn.Linear(4, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, -2, 0, 0], [0, 1, 0, 3]]))
        network.bias.copy_(torch.tensor([0.3, -0.2]))
    return network


POINT = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.05, 0.95, 0.2, 0.99]])


def test_fgsm_of_a_linear_model_is_what_a_hand_works_out() -> None:
    away = fgsm(linear(), POINT, torch.tensor([0, 0]), LIMITS)
    assert torch.allclose(away, torch.tensor([[0.4, 0.6, 0.5, 0.6], [0, 1, 0.2, 1]]))
    towards = fgsm(linear(), POINT, torch.tensor([0, 0]), LIMITS, targeted=True)
    assert torch.allclose(towards, torch.tensor([[0.6, 0.4, 0.5, 0.4], [0.15, 0.85, 0.2, 0.89]]))


def test_bim_of_a_linear_model_walks_to_the_edge_of_the_ball_and_stays_there() -> None:
    label = torch.tensor([0])
    after = [bim(linear(), POINT[:1], label, Limits(0.1, steps, 0.04)) for steps in (1, 2, 3, 9)]
    assert [round(float(one[0, 1]), 6) for one in after] == [0.54, 0.58, 0.6, 0.6]


def test_pgd_of_a_linear_model_starts_in_the_ball_and_ends_at_its_edge() -> None:
    first = pgd(linear(), POINT[:1], torch.tensor([0]), Limits(0.1, 0, 0.04), generator=stream())
    unit = torch.rand(1, 4, generator=stream())
    assert torch.allclose(first, POINT[:1] + 0.1 * (2 * unit - 1))
    last = pgd(linear(), POINT[:1], torch.tensor([0]), Limits(0.1, 5, 0.04), generator=stream())
    assert torch.allclose(last[0, [0, 1, 3]], torch.tensor([0.4, 0.6, 0.6]))
    assert last[0, 2] == first[0, 2]  # no gradient there


def naive(network, image: Tensor, label: int, start: Tensor, limits: Limits, steps: int, size: float, sign: int):
    """One example, by the papers' formulas, with a gradient to everything."""
    point = start
    for _ in range(steps):
        point = point.clone().requires_grad_()
        loss = functional.cross_entropy(network(point[None]), torch.tensor([label]))
        network.zero_grad()
        loss.backward()
        point = point.detach() + sign * size * point.grad.sign()
        point = image + torch.clip(point - image, -limits.epsilon, limits.epsilon)
        point = torch.clip(point, limits.low, limits.high)
    return point


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("build", [perceptron, convolutional])
def test_each_example_of_a_batch_is_the_one_that_is_made_alone(build, targeted: bool) -> None:
    network, (inputs, labels) = build(SPEC).eval(), images()
    starts = torch.clip(inputs + 0.1 * (2 * torch.rand(inputs.shape, generator=stream()) - 1), 0, 1)
    for name, begin, steps, size in (
        ("fgsm", inputs, 1, 0.1),
        ("bim", inputs, 7, 0.03),
        ("pgd", starts, 7, 0.03),
    ):
        alone = [
            naive(network, image, int(label), start, LIMITS, steps, size, -1 if targeted else 1)
            for image, label, start in zip(inputs, labels, begin, strict=True)
        ]
        assert torch.allclose(by(name, network, inputs, labels, targeted=targeted), torch.stack(alone), atol=1e-6), name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("targeted", [False, True])
def test_examples_are_those_of_foolbox(targeted: bool) -> None:
    foolbox = pytest.importorskip("foolbox")
    eagerpy = pytest.importorskip("eagerpy")
    network, (inputs, labels) = convolutional(SPEC).eval(), images(30)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    criteria = foolbox.criteria
    criterion = (criteria.TargetedMisclassification if targeted else criteria.Misclassification)(labels)
    starts = inputs + 0.1 * (2 * torch.rand(inputs.shape, generator=stream()) - 1)
    steps = {"abs_stepsize": 0.03, "steps": 7}
    attacks = {
        "fgsm": foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "bim": foolbox.attacks.LinfBasicIterativeAttack(random_start=False, **steps),
        "pgd": foolbox.attacks.LinfProjectedGradientDescentAttack(random_start=True, **steps),
    }
    attacks["pgd"].get_random_start = lambda x0, epsilon: eagerpy.astensor(starts)
    for name, attack in attacks.items():
        if name == "fgsm" and targeted:
            continue  # foolbox's takes no targets
        theirs, _, _ = attack(model, inputs, criterion, epsilons=0.1)
        assert torch.allclose(by(name, network, inputs, labels, targeted=targeted), theirs, atol=1e-6), name


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd"])
def test_examples_stay_in_the_ball_and_in_the_range_and_move_the_loss(name: str, targeted: bool) -> None:
    network, (inputs, labels) = perceptron(scale=5), images(40)
    inputs, limits = 2 * inputs - 1, Limits(0.2, 10, 0.05, low=-1, high=1)
    moved = by(name, network, inputs, labels, limits, targeted=targeted)
    assert (moved - inputs).abs().max() <= 0.2 + 1e-6
    assert moved.min() >= -1
    assert moved.max() <= 1
    before, after = (functional.cross_entropy(network(one), labels, reduction="none") for one in (inputs, moved))
    assert bool(((after < before) if targeted else (after > before)).all())


@pytest.mark.parametrize("name", ["fgsm", "bim", "pgd"])
def test_the_network_is_left_as_it_was(name: str) -> None:
    network, (inputs, labels) = convolutional(SPEC).train(), images()
    network[0].weight.requires_grad_(False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    given = inputs.clone()
    with torch.no_grad():
        by(name, network, inputs, labels)
        assert not torch.is_grad_enabled()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert network.training
    assert network[1].training
    assert [parameter.requires_grad for parameter in network.parameters()][:2] == [False, True]
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(inputs, given)
    assert not inputs.requires_grad


def test_batches_do_not_change_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    network, (inputs, labels) = perceptron(), images(11)
    whole = {name: by(name, network, inputs, labels) for name in ("fgsm", "bim", "pgd")}
    monkeypatch.setattr(adversarial, "BATCH", 4)
    for name, one in whole.items():
        assert torch.allclose(by(name, network, inputs, labels), one, atol=1e-6), name
    assert bim(network, inputs[:0], labels[:0], LIMITS).shape == (0, *SPEC.shape)


def test_pgd_draws_its_start_from_the_generator_alone() -> None:
    network, (inputs, labels) = perceptron(), images()
    short = Limits(0.1, steps=1, step_size=0.001)
    state = torch.get_rng_state()
    one, again, other = (by("pgd", network, inputs, labels, short, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)
    moves = (one - inputs).abs()
    assert 0.04 < float(moves.mean()) < 0.06  # uniform in the ball


class Broken(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)[:, :3] * float("nan")


def test_where_the_gradient_is_no_number_nothing_moves() -> None:
    inputs, labels = images()
    for name in ("fgsm", "bim"):
        assert torch.equal(by(name, Broken(), inputs, labels % 3), inputs)


def test_parameters_that_were_frozen_stay_frozen_even_after_an_error() -> None:
    network = perceptron()
    network[1].bias.requires_grad_(False)
    learning = [parameter.requires_grad for parameter in network.parameters()]

    def fail() -> None:
        with frozen(network):
            assert not any(parameter.requires_grad for parameter in network.parameters())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [parameter.requires_grad for parameter in network.parameters()] == learning
