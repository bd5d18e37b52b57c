"""The pool of whole drawings: from a small tree of the package's folders, and of the package where it is there."""

from __future__ import annotations

import hashlib
import shutil

import pytest
import torch
from data_files import write_clip_art
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data import clip_art, clip_art_drawings
from mebench.data.datasets import load_dataset
from mebench.data.layouts import CLIP_ART
from mebench.data.sources import find


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


@pytest.fixture
def root(tmp_path):
    return write_clip_art(tmp_path / "png")


def load(root, **parameters):
    return load_dataset(Component("clip-art-drawings", {"root": str(root), **parameters}), "train").images


def rows(images):
    return {image.numpy().tobytes() for image in images}


def test_every_file_of_every_folder_is_one_row_in_the_order_of_its_hash(root):
    (root / "other").mkdir()
    Image.effect_noise((40, 30), 90).save(root / "other" / "noise.png")
    images = load(root)
    assert images.shape == (len(list(root.rglob("*.png"))), 3, 32, 32)
    digests = [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in images]
    assert digests == sorted(digests)
    assert torch.equal(load(root, rows=[2, 5]), images[2:5])


def test_a_drawing_is_cut_out_padded_to_a_square_of_any_size_and_shown_in_grey(root):
    ground = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    ground.paste(Image.new("RGBA", (128, 64), "black"), (11, 7))
    ground.save(root / "food" / "beet.png")
    wanted = torch.full((1, 16, 16), 255, dtype=torch.uint8)
    wanted[:, 4:12] = 0
    assert wanted.numpy().tobytes() in rows(load(root, colour="grey", size=16))


def test_inverted_shows_the_same_rows_with_dark_as_light(root):
    assert torch.equal(load(root, inverted=True), 255 - load(root))


def test_mirrored_adds_each_drawing_with_left_and_right_changed_and_symmetric_ones_once(root):
    disc = Image.new("RGB", (64, 64), "white")
    disc.paste(Image.new("RGB", (32, 64), "red"), (16, 0))
    disc.paste(Image.new("RGB", (32, 16), "blue"), (16, 0))
    disc.save(root / "food" / "symmetric.png")
    plain, both = load(root), load(root, mirrored=True)
    assert rows(both) == rows(plain) | rows(plain.flip(3))
    assert len(both) == len(rows(both))
    alone = rows(plain) & rows(plain.flip(3))
    assert len(both) == 2 * len(plain) - len(alone)
    assert len(alone) == 1


def test_copies_flat_ones_and_those_too_large_are_left_out(root, monkeypatch):
    before = load(root)
    shutil.copy(next((root / "food").glob("*.png")), root / "animals" / "copy.png")
    Image.new("RGB", (40, 40), "teal").save(root / "food" / "wall.png")
    Image.new("RGB", (50, 40), "white").save(root / "food" / "rice.png")
    monkeypatch.setattr(clip_art, "_MOST_PIXELS", 60 * 50)
    Image.effect_noise((61, 50), 90).save(root / "food" / "huge.png")
    assert torch.equal(load(root), before)


def test_they_are_read_once_whatever_way_they_are_shown(root, monkeypatch):
    before = load(root)
    monkeypatch.setattr(clip_art_drawings, "_make", lambda *given: pytest.fail("read again"))
    assert len(load(root, inverted=True, mirrored=True)) > len(before)


def test_there_is_no_test_split_and_a_damaged_file_is_named(root):
    with pytest.raises(ConfigurationError, match="clip-art-drawings"):
        load_dataset(Component("clip-art-drawings", {"root": str(root)}), "test")
    file = next((root / "office").glob("*.png"))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataUnavailableError, match=rf"{file.name}: cannot be read as an image"):
        load(root)


@pytest.mark.skipif(find(CLIP_ART) is None, reason="needs Debian's clip art")
def test_of_the_package_all_but_a_few_huge_files_can_be_read():
    files = list(find(CLIP_ART).folder.rglob("*.png"))
    assert len(files) == 8121
    assert sum(not clip_art.is_readable(file) for file in files) == 19
