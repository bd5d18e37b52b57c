"""A user's own images in torchvision's ImageFolder layout."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from data_files import write_image_folder
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset


def load(split="train", **parameters):
    return load_dataset(Component("image-folder", parameters), split)


def test_images_keep_their_class_and_pixels(tmp_path):
    dataset = load(root=str(write_image_folder(tmp_path)), size=12)
    assert dataset.images.shape == (40, 3, 12, 12)
    assert dataset.num_classes == 2
    stored = {np.asarray(Image.open(path)).tobytes(): path.parent.name for path in tmp_path.glob("train/*/*.png")}
    for image, label in zip(dataset.images, dataset.labels, strict=True):
        assert stored[image.permute(1, 2, 0).numpy().tobytes()] == ["cat", "dog"][label]


def test_the_order_is_mixed_and_the_same_every_time(tmp_path):
    write_image_folder(tmp_path)
    first, second = load(root=str(tmp_path), size=12), load(root=str(tmp_path), size=12)
    assert first.digest == second.digest
    assert set(load(root=str(tmp_path), size=12, rows=[0, 15]).labels.tolist()) == {0, 1}


def test_grey_and_size_are_parameters(tmp_path):
    dataset = load("test", root=str(write_image_folder(tmp_path)), size=7, colour="grey")
    assert dataset.images.shape == (20, 1, 7, 7)


def test_no_root_is_an_error():
    with pytest.raises(ConfigurationError, match="needs the parameter `root`"):
        load()


def test_a_missing_split_is_an_error_that_names_the_folder(tmp_path):
    shutil.rmtree(write_image_folder(tmp_path) / "test")
    with pytest.raises(DataUnavailableError, match="test: no such folder"):
        load("test", root=str(tmp_path))


def test_an_empty_class_is_an_error(tmp_path):
    (write_image_folder(tmp_path) / "train" / "eel").mkdir()
    with pytest.raises(DataUnavailableError, match="eel"):
        load(root=str(tmp_path))


def test_splits_with_different_classes_are_an_error(tmp_path):
    folder = write_image_folder(tmp_path)
    (folder / "test" / "dog").rename(folder / "test" / "eel")
    with pytest.raises(ConfigurationError, match=r"train has the classes \['cat', 'dog'\] but test has"):
        load("test", root=str(tmp_path))


def test_a_broken_picture_is_an_error_that_names_it(tmp_path):
    broken = next(write_image_folder(tmp_path).glob("train/cat/*.png"))
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(DataUnavailableError, match=f"{broken.name}: cannot be read as an image"):
        load(root=str(tmp_path))
