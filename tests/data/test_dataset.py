"""Data sets and pools: bytes in memory, float32 in [0, 1] on request."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from data_files import pictures
from PIL import Image

from mebench.api.errors import ConfigurationError
from mebench.data.dataset import Dataset
from mebench.data.pools import DatasetPool


@pytest.fixture
def dataset():
    images, labels = pictures(30, 3, 8, seed=0)
    return Dataset("toy", torch.from_numpy(images), torch.from_numpy(labels), 10, "made up")


def test_inputs_are_the_bytes_over_255(dataset):
    inputs = dataset.inputs([4, 2])
    assert inputs.dtype == torch.float32
    np.testing.assert_allclose(inputs.numpy(), dataset.images[[4, 2]].numpy() / 255.0, rtol=1e-6)
    assert dataset.inputs().shape == (30, 3, 8, 8)


def test_all_256_grey_levels_survive_the_way_to_float_and_back():
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    inputs = Dataset("levels", levels, torch.zeros(1, dtype=torch.int64), 1, "").inputs()
    assert torch.equal((inputs * 255).round().byte(), levels)
    assert inputs.min() == 0
    assert inputs.max() == 1


@pytest.mark.parametrize("size", [(16, 16), (11, 8), (5, 5)])
def test_resizing_is_pillows_bilinear(dataset, size):
    resized = dataset.inputs([7], size)
    assert resized.shape == (1, 3, *size)
    for channel in range(3):
        picture = Image.fromarray(dataset.images[7, channel].numpy().astype(np.float32), mode="F")
        expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR)) / 255
        np.testing.assert_allclose(resized[0, channel].numpy(), expected, atol=2e-5)


def test_resized_inputs_stay_in_range():
    extreme = torch.randint(0, 2, (4, 1, 9, 9), dtype=torch.uint8) * 255
    dataset = Dataset("extreme", extreme, torch.zeros(4, dtype=torch.int64), 1, "")
    for size in [(32, 32), (4, 4), (9, 30)]:
        inputs = dataset.inputs(None, size)
        assert inputs.min() >= 0
        assert inputs.max() <= 1


def test_a_subset_keeps_images_and_labels_together(dataset):
    subset = dataset.subset([9, 3])
    assert torch.equal(subset.images, dataset.images[[9, 3]])
    assert subset.labels.tolist() == [9, 3]
    assert subset.digest != dataset.digest


def test_the_digest_is_sha256_of_the_bytes_of_images_and_labels(dataset):
    expected = hashlib.sha256(dataset.images.numpy().tobytes() + dataset.labels.numpy().tobytes()).hexdigest()
    assert dataset.digest == expected[:16]


def test_one_changed_label_changes_the_digest(dataset):
    labels = dataset.labels.clone()
    labels[0] = 5
    assert Dataset("toy", dataset.images, labels, 10, "made up").digest != dataset.digest


def test_a_pool_gives_the_inputs_of_rows_at_its_size(dataset):
    pool = DatasetPool(dataset, (16, 16))
    assert len(pool) == 30
    assert pool.shape == (3, 16, 16)
    assert (pool.name, pool.digest, pool.source) == ("toy", dataset.digest, "made up")
    assert torch.equal(pool.inputs(torch.tensor([5, 1])), dataset.inputs([5, 1], (16, 16)))


def test_a_pool_holds_no_float_copy_of_its_images(dataset):
    pool = DatasetPool(dataset)
    pool.inputs()
    held = [value for value in vars(pool).values() if isinstance(value, torch.Tensor)]
    assert held == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"images": torch.zeros(3, 8, 8, dtype=torch.uint8)}, r"must be uint8 \(N, C, H, W\)"),
        ({"images": torch.zeros(3, 1, 8, 8)}, "not torch.float32"),
        ({"labels": torch.tensor([0, 1])}, "3 images need as many int64 labels"),
        ({"labels": torch.tensor([0, 1, 10])}, "labels run from 0 to 10, outside 0 to 9"),
        ({"labels": torch.tensor([0, -1, 1])}, "labels run from -1"),
        ({"images": torch.zeros(0, 1, 8, 8, dtype=torch.uint8), "labels": torch.zeros(0).long()}, "holds no images"),
    ],
)
def test_parts_that_do_not_fit_together_are_an_error(change, problem):
    parts = {"images": torch.zeros(3, 1, 8, 8, dtype=torch.uint8), "labels": torch.tensor([0, 1, 2])} | change
    with pytest.raises(ConfigurationError, match=problem):
        Dataset("odd", **parts, num_classes=10, source="made up")
