"""Near duplicates: what the bound leaves out is nothing that brute force finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mebench.data import nearness
from mebench.data.nearness import near_duplicates

SHAPES = [(1, 12, 12), (3, 9, 11), (1, 5, 20)]


def images(count, shape, seed):
    """Smooth at random scales, so that many pairs are alike."""
    random = np.random.default_rng(seed)
    channels, height, width = shape
    coarse = random.normal(size=(count, channels, 3, 3))
    rows, columns = np.linspace(0, 2, height).round().astype(int), np.linspace(0, 2, width).round().astype(int)
    fine = coarse[:, :, rows][:, :, :, columns] + random.normal(size=(count, *shape)) * random.uniform(
        0, 1, (count, 1, 1, 1)
    )
    return torch.from_numpy((128 + 30 * fine).clip(0, 255).astype(np.uint8))


def brute(first, second):
    """Every correlation by numpy, with and without a mirror, in float64."""
    one, two = first.numpy().astype(float), second.numpy().astype(float)
    count = len(one)
    straight = np.corrcoef(one.reshape(count, -1), two.reshape(len(two), -1))[:count, count:]
    mirrored = np.corrcoef(one.reshape(count, -1), two[..., ::-1].reshape(len(two), -1))[:count, count:]
    return np.maximum(straight, mirrored)


@pytest.fixture(params=[False, True], ids=["pair by pair", "dense"])
def small_blocks(request, monkeypatch):
    """Blocks of 16 by 24, of which either way of computing takes all."""
    monkeypatch.setattr(nearness, "_ROWS", 16)
    monkeypatch.setattr(nearness, "_COLUMNS", 24)
    monkeypatch.setattr(nearness, "_AT_ONCE", 7)
    monkeypatch.setattr(nearness, "_DENSE", 0.0 if request.param else 2.0)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_exactly_the_images_that_brute_force_finds_are_found(shape, share):
    first, second = images(70, shape, 1), images(90, shape, 2)
    reference = brute(first, second)
    threshold = float(np.quantile(reference.max(1), share)) + 1e-5  # between two of them
    found = near_duplicates(first, second, threshold)
    np.testing.assert_array_equal(found.first.numpy(), (reference >= threshold).any(1))
    np.testing.assert_array_equal(found.second.numpy(), (reference >= threshold).any(0))
    assert found.first.any()
    assert not found.first.all()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_closest_pairs_are_brute_forces_also_below_the_threshold(shape):
    first, second = images(70, shape, 1), images(90, shape, 2)
    reference = brute(first, second)
    found = near_duplicates(first, second, 0.999, pairs=9)
    best = np.sort(reference.max(1))[::-1][:9]
    np.testing.assert_allclose([pair.correlation for pair in found.closest], best, atol=1e-5)
    for pair in found.closest:
        assert reference[pair.first, pair.second] == pytest.approx(pair.correlation, abs=1e-5)
        other = second[pair.second].flip(2) if pair.mirrored else second[pair.second]
        own = np.corrcoef(first[pair.first].numpy().ravel(), other.numpy().ravel())[0, 1]
        assert own == pytest.approx(pair.correlation, abs=1e-5)


def copies(image):
    """What is done to an image that somebody shows again."""
    values = image.float()
    generator = torch.Generator().manual_seed(0)
    return {
        "brighter": (values + 20).clamp(0, 255),
        "less contrast": 64 + values / 2,
        "light noise": (values + 4 * torch.randn(values.shape, generator=generator)).clamp(0, 255),
        "mirrored": values.flip(2),
        "mirrored and darker": (values * 0.7).flip(2),
    }


@pytest.mark.parametrize("change", ["brighter", "less contrast", "light noise", "mirrored", "mirrored and darker"])
def test_a_copy_that_was_changed_a_little_is_found(change):
    originals = images(40, (1, 16, 16), 3)
    pool = images(50, (1, 16, 16), 4)
    pool[17] = copies(originals[5])[change].round().byte()
    found = near_duplicates(pool, originals, 0.98)
    assert found.first.nonzero().flatten().tolist() == [17]
    assert found.second.nonzero().flatten().tolist() == [5]
    assert (found.closest[0].first, found.closest[0].second) == (17, 5)
    assert found.closest[0].mirrored == ("mirrored" in change)


def test_what_is_said_not_to_be_found_is_not():
    original = images(1, (1, 16, 16), 3)
    assert (original.float().std((1, 2, 3)) > 12).all()
    for other in (255 - original, original.roll(3, 2), original.rot90(1, (2, 3))):
        assert not near_duplicates(other, original, 0.98).first.any()


def test_images_of_one_value_are_near_to_nothing():
    flat = torch.stack([torch.full((1, 8, 8), value, dtype=torch.uint8) for value in (0, 7, 255)])
    assert not near_duplicates(flat, flat, 0.5).first.any()
    assert not near_duplicates(images(5, (1, 8, 8), 1), flat, 0.5).second.any()


def test_large_images_of_one_value_are_near_to_nothing_either():
    """The sum of their bytes is more than float32 has whole numbers for."""
    flat = torch.full((2, 3, 331, 331), 255, dtype=torch.uint8)
    assert not near_duplicates(flat, flat, 0.5).first.any()


@pytest.mark.usefixtures("small_blocks")
def test_a_correlation_of_1_is_reached_whatever_the_rounding():
    darker = torch.from_numpy(np.random.default_rng(5).integers(0, 200, (60, 3, 13, 9)).astype(np.uint8))
    found = near_duplicates(darker + 50, darker, 1.0)
    assert found.first.all()
    assert max(pair.correlation for pair in found.closest) <= 1


def test_images_of_noise_that_no_low_frequency_tells_apart_are_compared_all_the_same():
    noise = torch.randint(256, (60, 1, 20, 20), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    found = near_duplicates(noise, noise.roll(1, 0), 0.98)
    assert found.first.all()
    assert found.second.all()


def test_how_far_it_is_is_told(small_blocks):
    from mebench.api.progress import steps_to

    heard = []
    with steps_to(heard.append):
        near_duplicates(images(40, (1, 8, 8), 1), images(3, (1, 8, 8), 1), 0.9, name="mine")
    assert [(one.done, one.total, one.phase) for one in heard] == [(0, 40, "mine"), (16, 40, "mine"), (32, 40, "mine")]
