"""Defences of inputs and of explanations."""

from __future__ import annotations

import pytest
import torch
from owners import defence, images, owners_context
from torch.nn import functional as F  # noqa: N812
from toys import SPEC

from mebench import ConfigurationError, InputSpec

COLOUR = InputSpec((3, 9, 9), 4)


def maps(rows: int = 5, spec: InputSpec = SPEC) -> torch.Tensor:
    draws = torch.Generator().manual_seed(6)
    return torch.randn(rows, spec.num_classes, *spec.shape, generator=draws)


def released(name: str, given: torch.Tensor, spec: InputSpec = SPEC, **parameters) -> torch.Tensor:
    labels = torch.zeros(len(given), dtype=torch.int64)
    return defence(name, owners_context(spec), **parameters).release(images(len(given), spec), given, labels)


def test_eight_bits_are_256_levels():
    queries = torch.rand(20, *SPEC.shape)
    told = defence("eight-bit").receive(queries)
    assert torch.equal(told, (queries * 255).round() / 255)
    assert torch.equal(defence("eight-bit").receive(told), told)


def test_a_step_that_is_smaller_than_a_level_does_not_arrive():
    queries = images(5)
    assert torch.equal(defence("eight-bit").receive(queries + 1e-4), defence("eight-bit").receive(queries))


@pytest.mark.parametrize("spec", [SPEC, COLOUR])
def test_jpeg_is_what_a_file_gives_back(spec):
    import io

    import numpy as np
    from PIL import Image

    queries = images(3, spec)
    told = defence("jpeg", owners_context(spec), quality=30).receive(queries)
    pixels = (queries[0] * 255).byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(file, "JPEG", quality=30)
    read = torch.from_numpy(np.asarray(Image.open(file)).copy()).view(pixels.shape).permute(2, 0, 1) / 255
    torch.testing.assert_close(told[0], read)
    assert not torch.equal(told, queries)
    assert defence("jpeg", owners_context(spec)).receive(queries[:0]).shape == (0, *spec.shape)


def test_the_better_a_jpeg_the_nearer_it_is():
    queries = images(10)
    far, near = ((defence("jpeg", quality=q).receive(queries) - queries).abs().mean() for q in (10, 95))
    assert near < 0.5 * far


def test_there_are_no_jpegs_of_two_channels():
    with pytest.raises(ConfigurationError, match="1 or 3 channels"):
        defence("jpeg", owners_context(InputSpec((2, 8, 8), 3)))


def test_noise_on_inputs_stays_in_the_range_and_has_its_scale():
    grey = torch.full((200, *SPEC.shape), 0.5)
    grey[:, 0, 0, 0] = torch.arange(200) / 255
    told = defence("input-noise", sigma=0.1).receive(grey)
    assert abs((told - grey)[:, 0, 1:].std() - 0.1) < 0.003
    assert defence("input-noise", sigma=3.0).receive(grey).min() == 0
    assert defence("input-noise", sigma=3.0).receive(grey).max() == 1


def test_only_the_class_that_is_answered_is_explained():
    given, labels = maps(), torch.tensor([3, 0, 9, 9, 1])
    told = defence("map-top-1").release(images(5), given, labels)
    for row, label in enumerate(labels.tolist()):
        assert torch.equal(told[row, label], given[row, label])
        assert told[row].abs().sum() == told[row, label].abs().sum()


def test_signs_are_withheld():
    given = maps()
    assert torch.equal(released("map-absolute", given), given.abs())
    assert torch.equal(released("map-positive", given), given.relu())


def test_a_grey_map_has_the_largest_channel_everywhere_and_is_the_absolute_of_a_grey_image():
    given = maps(spec=COLOUR)
    told = released("map-channel-maximum", given, COLOUR)
    for channel in range(3):
        assert torch.equal(told[:, :, channel], given.abs().max(2).values)
    assert torch.equal(released("map-channel-maximum", maps()), maps().abs())


def test_a_normalised_map_reaches_1_and_nothing_stays_nothing():
    given = maps()
    given[0, 3] = 0
    told = released("map-normalised", given)
    assert told[0, 3].abs().sum() == 0
    rest = told.flatten(0, 1)[torch.arange(50) != 3].flatten(1)
    assert torch.equal(rest.abs().max(1).values, torch.ones(49))
    torch.testing.assert_close(F.cosine_similarity(told[1].flatten(1), given[1].flatten(1)), torch.ones(10))


def test_a_byte_an_entry_with_its_scale_or_without():
    given = maps()
    scale = given.flatten(2).abs().amax(2)[..., None, None, None]
    levels = (127 * given / scale).round() / 127
    torch.testing.assert_close(released("map-eight-bit", given), levels * scale)
    torch.testing.assert_close(released("map-eight-bit", given, tell_scale=False), levels)
    assert len(released("map-eight-bit", given, tell_scale=False).unique()) <= 255


def test_peaks_are_cut_and_signs_stay():
    given = torch.arange(-32, 33).float()[torch.arange(65) != 32].view(1, 1, *SPEC.shape).expand(1, 10, -1, -1, -1)
    told = released("map-clipped", given, lowest=0.25, highest=0.75)
    magnitudes = given[0, 0].flatten().abs().sort().values
    assert torch.equal(told.abs().amin(), magnitudes[round(0.25 * 63)])
    assert torch.equal(told.abs().amax(), magnitudes[round(0.75 * 63)])
    assert torch.equal(told.sign(), given.sign())
    with pytest.raises(ConfigurationError, match="at most highest"):
        released("map-clipped", given, lowest=0.9, highest=0.5)


def test_blocks_have_their_mean_also_at_the_edge():
    given = maps(spec=COLOUR)
    told = released("map-pooled", given, COLOUR, block=4)
    for top, left in ((0, 0), (4, 8), (8, 8)):
        block = slice(top, top + 4), slice(left, left + 4)
        mean = given[:, :, :, block[0], block[1]].mean((-1, -2), keepdim=True)
        torch.testing.assert_close(told[:, :, :, block[0], block[1]], mean.expand_as(told[:, :, :, block[0], block[1]]))
    assert torch.equal(released("map-pooled", given, COLOUR, block=1), given)


def test_noise_on_a_map_is_measured_by_its_range_and_none_is_put_on_nothing():
    given = maps(40)
    given[:, 1] = 0
    given[:, 2] *= 1000
    told = released("map-noise", given, sigma=0.2)
    assert told[:, 1].abs().sum() == 0
    for number in (0, 2):
        width = given[:, number].flatten(1).amax(1) - given[:, number].flatten(1).amin(1)
        relative = (told - given)[:, number].flatten(1) / width[:, None]
        assert abs(relative.std() - 0.2) < 0.02
