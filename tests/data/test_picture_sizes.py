"""Pictures of any size are resized once, from their own pixels, to what a classifier takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from data_files import write_gtsrb, write_image_folder
from PIL import Image

from mebench.api.contract import InputSpec
from mebench.api.spec import Component, VictimSpec
from mebench.data import kept as kept_module
from mebench.data.dataset import as_inputs
from mebench.data.datasets import load_dataset
from mebench.data.pools import DatasetPool
from mebench.data.sizes import size_given, size_note


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def mine(tmp_path):
    """Images of 40 x 40 pixels."""
    return write_image_folder(tmp_path / "mine", train=12, test=6, size=40)


def load(folder, image_size=None, split="train", name="image-folder", **parameters):
    return load_dataset(Component(name, {"root": str(folder), **parameters}), split, image_size)


def originals(folder, size, pattern="train/*/*.png"):
    """Each picture resized once by Pillow, (C, h, w), by the bytes of what it is."""
    resized = (
        Image.open(file).convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR) for file in folder.glob(pattern)
    )
    return sorted(np.asarray(one).transpose(2, 0, 1).tobytes() for one in resized)


def in_bytes(inputs):
    return sorted((255 * one).round().byte().numpy().tobytes() for one in inputs)


SIZES = [(40, 40), (64, 64), (20, 20), (30, 50), (80, 24)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["at once", "later", "a pool", "a subset"])
def test_a_size_is_made_of_the_pictures_themselves_however_it_is_asked_for(mine, size, way):
    if way == "at once":
        inputs = load(mine, size).inputs(None, size)
    elif way == "later":  # the size was not known when they were read
        inputs = load(mine).inputs(None, size)
    elif way == "a pool":
        inputs = DatasetPool(load(mine), size).to("cpu").inputs()
    else:
        whole = load(mine)
        parts = [whole.subset([n for n in range(12) if n % 2 == odd]).subset(torch.arange(6)) for odd in (0, 1)]
        inputs = torch.cat([part.inputs(None, size) for part in parts])
    assert inputs.shape == (12, 3, *size)
    assert in_bytes(inputs) == originals(mine, size)


def test_pictures_without_labels_are_read_at_the_size_of_the_victim_too(mine):
    pool = DatasetPool(load(mine / "train", (40, 40), name="image-files"), (40, 40))
    assert in_bytes(pool.inputs()) == originals(mine, (40, 40))


@pytest.mark.parametrize("size", [(48, 48), (32, 32), None])
def test_traffic_signs_are_made_of_the_published_pictures(tmp_path, size):
    root = write_gtsrb(tmp_path / "gtsrb")
    inputs = load(root, size, "test", "gtsrb").inputs(None, size)
    assert in_bytes(inputs) == originals(root, size or (32, 32), "GTSRB/Final_Test/Images/*.ppm")
    part = load(root, size, name="gtsrb", rows=[3, 9])
    assert torch.equal(part.inputs(None, size), load(root, size, name="gtsrb").inputs(range(3, 9), size))
    assert torch.equal(load(root, name="gtsrb", rows=[3, 9]).inputs(None, size), part.inputs(None, size))


@pytest.mark.parametrize("size", SIZES[1:])
def test_pictures_that_are_of_the_data_sets_size_are_resized_as_ever(mine, size):
    at_40 = load(mine, size=40)
    expected = as_inputs(at_40.images, size)
    asked = load(mine, size, size=40)
    assert asked.digest == at_40.digest
    assert torch.equal(asked.inputs(None, size), expected)
    assert torch.equal(at_40.inputs(None, size), expected)


@pytest.mark.parametrize("image_size", [None, (40, 40)])
def test_pictures_of_the_size_asked_for_keep_every_byte(mine, image_size):
    images = load(mine, image_size, size=40).images
    assert in_bytes(images / 255) == originals(mine, (40, 40))


def test_the_same_picture_is_a_row_at_any_size(mine):
    small, large = load(mine), load(mine, (40, 40))
    assert torch.equal(small.labels, large.labels)
    assert (as_inputs(large.images, (32, 32)) - small.inputs()).abs().max() < 0.02


def test_the_digest_is_that_of_what_was_read(mine):
    assert load(mine).digest != load(mine, (40, 40)).digest
    assert load(mine, (40, 40)).digest == load(mine, (40, 40), size=17).digest == load(mine, size=40).digest


def test_each_size_is_read_once(mine, monkeypatch):
    for size in (None, (40, 40)):
        load(mine, size)
    monkeypatch.setattr(kept_module, "_make", lambda *_: pytest.fail("read again"))
    for size in (None, (40, 40)):
        load(mine, size)


def test_what_has_a_size_of_its_own_is_resized_as_ever():
    whole = load_dataset(Component("fashion-mnist-10k", {"rows": [0, 20]}), "train")
    asked = load_dataset(Component("fashion-mnist-10k", {"rows": [0, 20]}), "train", (20, 24))
    assert asked.digest == whole.digest
    assert torch.equal(asked.inputs(None, (20, 24)), as_inputs(whole.images, (20, 24)))
    assert asked.spec((20, 24)) == InputSpec((1, 20, 24), 10)


def victim(image_size=None, **data):
    return VictimSpec(
        "own", Component("image-folder", {"root": "x", "size": 32, **data}), image_size, torchscript="x.pt"
    )


def test_what_a_victim_will_be_given_is_known_without_reading_its_data():
    assert size_given(victim()) == (32, 32)
    assert size_given(victim((40, 48))) == (40, 48)
    assert size_given(VictimSpec("other", Component("fashion-mnist-10k"))) == (28, 28)
    assert size_given(VictimSpec("other", Component("gtsrb"))) == (32, 32)
    assert size_given(VictimSpec("texts", Component("mr", {"length": 64}))) is None
    assert size_note(victim()) == (
        "Victim own is given images of 32 x 32, the `size` of its data image-folder; `image_size` sets another."
    )
    assert size_note(victim((40, 48))) == "Victim own is given images of 40 x 48, its image_size."
    assert size_note(VictimSpec("other", Component("fashion-mnist-10k"), (32, 32))) == ""
    assert size_note(VictimSpec("texts", Component("mr", {"length": 64}))) == ""
