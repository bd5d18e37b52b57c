"""Training by a recipe: equal to a loop written by hand, reproducible, and stopped cleanly."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from data_files import pictures

from mebench.api.contract import InputSpec
from mebench.api.progress import Stopped
from mebench.api.spec import Component, TrainingRecipe
from mebench.data.dataset import Dataset
from mebench.data.pools import DatasetPool
from mebench.models.augmentation import augmented
from mebench.models.networks.build import build_network
from mebench.models.victims.training import predict, train_classifier

RECIPE = TrainingRecipe(epochs=3, batch_size=16, optimizer="sgd", learning_rate=0.05)


def toy(count=40, channels=1, size=8):
    images, labels = pictures(count, channels, size, seed=count)
    return Dataset("toy", torch.from_numpy(images), torch.from_numpy(labels), 10, "made up")


def network(name="mlp", size=8, **parameters):
    return build_network(Component(name, parameters), InputSpec((1, size, size), 10), 0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(module):
    return torch.cat([value.flatten().double() for value in module.state_dict().values()])


def train(module, recipe, data, **arguments):
    train_classifier(module, DatasetPool(data), data.labels, recipe, generator=generator(), **arguments)
    return module


@pytest.mark.parametrize("schedule", ["constant", "cosine", "multistep"])
def test_sgd_is_the_textbook_update_under_every_schedule(schedule):
    """The reference writes momentum, weight decay and the learning rate out, parameter by parameter."""
    data, steps = toy(48), 3 * 3
    reference = network()
    velocity = [torch.zeros_like(value) for value in reference.parameters()]
    draws = generator()
    rates = {
        "constant": [0.05] * 9,
        "multistep": [0.05] * 5 + [0.005] * 2 + [0.0005] * 2,  # halfway is step 4.5, three quarters is step 6.75
        "cosine": [0.025 * (1 + torch.cos(torch.tensor(torch.pi * t / steps)).item()) for t in range(steps)],
    }[schedule]
    rates = iter(rates)
    for _ in range(3):
        for rows in torch.randperm(48, generator=draws).split(16):
            loss = F.cross_entropy(reference(data.images[rows].float() / 255), data.labels[rows])
            gradients = torch.autograd.grad(loss, list(reference.parameters()))
            rate = next(rates)
            with torch.no_grad():
                for value, gradient, v in zip(reference.parameters(), gradients, velocity, strict=True):
                    v.mul_(0.9).add_(gradient + 5e-4 * value)
                    value.sub_(rate * v)
    ours = train(network(), replace(RECIPE, schedule=schedule), data)
    torch.testing.assert_close(weights(ours), weights(reference), rtol=1e-5, atol=1e-6)


def test_adam_is_torchs_adam_with_its_rate_and_decay():
    data, draws, reference = toy(16), generator(), network()
    optimizer = torch.optim.Adam(reference.parameters(), lr=3e-3, weight_decay=1e-2)
    for _ in range(4):
        rows = torch.randperm(16, generator=draws)
        optimizer.zero_grad()
        F.cross_entropy(reference(data.inputs(rows)), data.labels[rows]).backward()
        optimizer.step()
    recipe = TrainingRecipe(
        epochs=4, batch_size=16, optimizer="adam", learning_rate=3e-3, weight_decay=1e-2, schedule="constant"
    )
    torch.testing.assert_close(weights(train(network(), recipe, data)), weights(reference))


def test_the_same_generator_gives_the_same_weights_and_the_global_stream_is_untouched():
    data = toy()
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    recipe = replace(RECIPE, augment="crop-flip")
    first, second = train(network(), recipe, data), train(network(), recipe, data)
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(weights(first), weights(second))
    other = network()
    train_classifier(other, DatasetPool(data), data.labels, recipe, generator=generator(1))
    assert not torch.equal(weights(first), weights(other))


def test_a_tensor_of_inputs_trains_like_a_pool():
    data, by_tensor = toy(), network()
    train_classifier(by_tensor, data.inputs(), data.labels, RECIPE, generator=generator())
    assert torch.equal(weights(by_tensor), weights(train(network(), RECIPE, data)))


def test_it_learns_what_can_be_learnt_and_ends_in_eval_mode():
    data = toy(200)
    module = train(network("small-cnn", width=4), replace(RECIPE, epochs=8), data)
    assert not module.training
    assert (predict(module, DatasetPool(toy(100))) == toy(100).labels).float().mean() > 0.95


def test_a_last_batch_of_one_row_does_not_break_batch_norm():
    train(network("resnet18", width=2), replace(RECIPE, epochs=1), toy(33))


def test_progress_is_told_once_per_epoch_under_the_given_phase():
    told = []
    train(network(), RECIPE, toy(), on_progress=told.append, phase="supervised")
    assert [(p.done, p.total, p.unit, p.phase) for p in told] == [(n, 3, "epochs", "supervised") for n in (1, 2, 3)]


def test_it_stops_before_the_next_step():
    answers = iter([False] * 4 + [True])
    with pytest.raises(Stopped, match="epoch 2 of 3"):
        train(network(), RECIPE, toy(), should_stop=lambda: next(answers))
    assert list(answers) == []


def test_no_augmentation_returns_the_very_images():
    images = torch.rand(3, 1, 8, 8)
    assert augmented(images, "none", generator()) is images


@pytest.mark.parametrize(("how", "mirrors"), [("crop", False), ("crop-flip", True)])
def test_a_crop_is_some_shift_by_up_to_four_pixels_and_a_flip_mirrors_some(how, mirrors):
    """Every output must be found among the 81 shifts of its image, mirrored ones only where asked for."""
    images = torch.rand(60, 2, 9, 7) + 0.1
    outputs = augmented(images, how, generator())
    padded = F.pad(images, (4, 4, 4, 4))
    mirrored, shifts = 0, set()
    for i, output in enumerate(outputs):
        matches = []
        for y in range(9):
            for x in range(9):
                window = padded[i, :, y : y + 9, x : x + 7]
                matches += [(y, x, False)] * torch.equal(output, window)
                matches += [(y, x, True)] * torch.equal(output, window.flip(2))
        assert len(matches) == 1
        mirrored += matches[0][2]
        shifts.add(matches[0][:2])
    assert len(shifts) > 25
    assert (15 < mirrored < 45) if mirrors else mirrored == 0


def test_predictions_do_not_depend_on_the_batch_size():
    module, pool = network().eval(), DatasetPool(toy(37))
    assert torch.equal(predict(module, pool, batch_size=5), predict(module, pool))
