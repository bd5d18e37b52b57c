"""Windows cut out of pictures: where they come from, and which are left out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mebench.data.crops import LEAST_SPREAD, cut_windows, spread

SIZE = 8


def noise(height=40, width=56, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8).squeeze()


def cut(values, most=200, seed=1):
    return cut_windows(Image.fromarray(values), SIZE, most, np.random.default_rng(seed))


def places_of(values):
    """Every window of an image (H, W, 3), by its bytes."""
    height, width = values.shape[:2]
    return {
        np.ascontiguousarray(values[y : y + SIZE, x : x + SIZE].transpose(2, 0, 1)).tobytes(): (y, x)
        for y in range(height - SIZE + 1)
        for x in range(width - SIZE + 1)
    }


@pytest.mark.parametrize("channels", [1, 3])
def test_the_spread_is_the_largest_channels_standard_deviation_in_every_window(channels):
    level = np.random.default_rng(2).integers(0, 256, (channels, 13, 11)).astype(np.uint8)
    found = spread(level, 5)
    assert found.shape == (9, 7)
    for y, x in ((0, 0), (8, 6), (3, 5)):
        assert found[y, x] == pytest.approx(level[:, y : y + 5, x : x + 5].std((1, 2)).max())


def test_every_window_is_a_part_of_the_picture_or_of_its_halves_and_none_comes_twice():
    values = noise()
    windows = cut(values)
    half = Image.fromarray(values).reduce(2)
    pyramid = [places_of(np.asarray(level)) for level in (values, half, half.reduce(2))]
    levels = [sum(window.tobytes() in places for window in windows) for places in pyramid]
    assert sum(levels) == len(windows) == len({window.tobytes() for window in windows})
    assert levels == [114, 57, 11]  # 200 by 4:2:1; of the quarter, all 3 x 7 places at 8 x 4 on 64: 21 / 2


def test_windows_without_texture_in_any_channel_are_left_out():
    values = noise()
    values[:, :28] = (250, 10, 120)  # flat, though its channels differ: the standard deviation over all of it is 98
    windows = cut(values)
    assert len(windows) > 20
    assert (windows.std((2, 3)).max(1) > LEAST_SPREAD).all()
    assert not cut(np.full((40, 40, 3), (250, 10, 120), np.uint8)).size


def test_a_small_textured_part_does_not_give_all_windows():
    values = np.full((64, 64), 128, np.uint8)
    values[:12, :12] = noise(12, 12, 1)
    assert 0 < len(cut(values, 4000)) < 100


def test_a_picture_smaller_than_a_window_gives_none():
    assert cut(noise(7, 50)).shape == (0, 3, SIZE, SIZE)
    assert cut(noise(7, 50, 1)).shape == (0, 1, SIZE, SIZE)
