from __future__ import annotations

import pytest
import torch

from mebench.toolkit import BENIGN_STREAMS, CALIBRATION_STREAMS, mixed, transformed
from mebench.toolkit.transforms import TRANSFORMS

LABELS = torch.arange(400) % 10
IMAGES = torch.rand(400, 1, 12, 12, generator=torch.Generator().manual_seed(0))


def stream(family, length=300, seed=0):
    return BENIGN_STREAMS[family](IMAGES, LABELS, length, seed)


def which(queries):
    """The image that each query is; -1 for none."""
    same = (queries.flatten(1).unsqueeze(1) == IMAGES.flatten(1)).all(2)
    return torch.where(same.any(1), same.int().argmax(1), -1)


@pytest.mark.parametrize("family", BENIGN_STREAMS)
@pytest.mark.parametrize("length", [1, 300, 900])
def test_a_stream_is_a_pure_function_of_images_labels_length_and_seed(family, length):
    state, before = torch.get_rng_state(), IMAGES.clone()
    made = stream(family, length)
    assert made.shape == (length, 1, 12, 12)
    assert made.min() >= 0
    assert made.max() <= 1
    assert torch.equal(made, stream(family, length))
    assert not torch.equal(made, stream(family, length, seed=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(IMAGES, before)


@pytest.mark.parametrize("family", CALIBRATION_STREAMS)
def test_calibration_streams_repeat_nothing_while_there_are_images(family):
    assert len(stream(family, 400).flatten(1).unique(dim=0)) == 400


def test_a_skewed_client_sees_few_classes_most_of_the_time():
    shares = [LABELS[which(stream("skewed", 40, seed))].bincount(minlength=10).double() / 40 for seed in range(20)]
    assert torch.stack(shares).amax(1).mean() > 0.4
    assert torch.stack(shares).mean(0).amax() < 0.3


def test_a_repeater_retries_one_query_in_ten():
    made = stream("repeating", 3000)
    retries = (made[1:] == made[:-1]).flatten(1).all(1).double().mean()
    assert 0.07 < retries < 0.13


def test_who_wants_explanations_asks_half_of_all_images_twice():
    made = which(stream("explained", 300))
    again = (made[1:] == made[:-1]).double().mean()
    assert 0.25 < again < 0.42


def test_a_monitor_sends_a_hundred_images_in_turn():
    made = which(stream("monitoring", 250))
    assert len(made.unique()) == 100
    assert torch.equal(made[:100], made[100:200])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9])
def test_a_mixture_keeps_both_orders_and_has_the_share(share):
    ours, others = IMAGES[:200], IMAGES[200:]
    made = which(mixed(ours, others, share, 3))
    first, second = made[made < 200], made[made >= 200]
    assert first.tolist() == list(range(len(first)))
    assert second.tolist() == list(range(200, 200 + len(second)))
    assert len(second) / len(made) == pytest.approx(share, abs=0.005)
    assert max(len(first), len(second)) == 200


@pytest.mark.parametrize("kind", TRANSFORMS)
def test_each_change_is_small_and_leaves_a_flat_image_alike(kind):
    """Nothing of an even grey image can be moved; its light and its noise change by what is promised."""
    grey = torch.full((64, 1, 12, 12), 0.5)
    changed = transformed(grey, torch.Generator().manual_seed(1), (kind,))
    limits = {"brightness": 0.09, "uniform-noise": 0.064, "gaussian-noise": 0.5}
    assert (changed - grey).abs().max() <= limits.get(kind, 0.0) + 1e-6
    moved = transformed(IMAGES[:64], torch.Generator().manual_seed(1), (kind,))
    assert (moved - IMAGES[:64]).flatten(1).abs().amax(1).median() > 0.01
    assert moved.min() >= 0
    assert moved.max() <= 1


def test_images_change_by_one_of_the_kinds_each():
    changed = transformed(torch.full((400, 1, 4, 4), 0.5), torch.Generator().manual_seed(0), ("brightness", "rotation"))
    still = (changed == 0.5).flatten(1).all(1).double().mean()
    assert 0.4 < still < 0.6


def test_a_rotated_image_is_what_a_plain_rotation_gives():
    """A line from the middle to the right, turned: the share of its mass above and below tells the angle's sign."""
    image = torch.zeros(1, 1, 41, 41)
    image[..., 20, 20:] = 1
    turned = transformed(image.expand(30, -1, -1, -1), torch.Generator().manual_seed(0), ("rotation",))
    rows = torch.arange(41.0) - 20
    ends = (turned[:, 0, :, 35] * rows).sum(1) / turned[:, 0, :, 35].sum(1)
    angles = torch.atan2(ends, torch.tensor(15.0)).rad2deg().abs()
    assert 5 < angles.max() <= 15.5


def test_a_change_that_there_is_not_is_named():
    with pytest.raises(ValueError, match="no such change of an image: mirror; there are rotation, "):
        transformed(IMAGES, torch.Generator(), ("mirror",))
