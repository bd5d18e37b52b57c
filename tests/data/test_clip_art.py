"""The drawings of eight kinds: from a small tree of the package's folders, and of the package where it is there."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from data_files import write_clip_art
from PIL import Image

from mebench.api.errors import DataUnavailableError
from mebench.api.spec import Component
from mebench.data import clip_art
from mebench.data.datasets import load_dataset
from mebench.data.layouts import CLIP_ART, CLIP_ART_FOLDERS
from mebench.data.sources import find

CLASSES = list(CLIP_ART_FOLDERS)


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


@pytest.fixture
def root(tmp_path):
    return write_clip_art(tmp_path / "png")


def load(root, split="train", **parameters):
    return load_dataset(Component("clip-art", {"root": str(root), **parameters}), split)


def both(root):
    """Pixels and label of every row of both splits."""
    splits = [load(root, split) for split in ("train", "test")]
    rows = [row for one in splits for row in zip(one.images, one.labels, strict=True)]
    return [(image.numpy().tobytes(), int(label)) for image, label in rows]


def test_a_fifth_of_each_class_is_tested_on_and_classes_are_mixed(root):
    train, test = load(root), load(root, "test")
    per_class = torch.tensor([6 * len(folders) for folders in CLIP_ART_FOLDERS.values()])
    assert torch.equal(test.labels.bincount(minlength=8), per_class // 5)
    assert torch.equal(train.labels.bincount(minlength=8) + per_class // 5, per_class)
    assert train.images.shape[1:] == (3, 32, 32)
    assert not torch.equal(train.labels, train.labels.sort().values)
    assert not set(map(bytes, train.images.numpy())) & set(map(bytes, test.images.numpy()))
    assert torch.equal(load(root, rows=[2, 5]).images, train.images[2:5])


def test_the_innermost_folder_says_the_class(root):
    labels = dict(both(root))
    for folder, label in (("transportation", "vehicles"), ("transportation/roadsigns", "signs")):
        drawn = Image.open(next((root / folder).glob("*.png"))).crop((9, 5, 41, 37))
        assert labels[np.asarray(drawn).transpose(2, 0, 1).tobytes()] == CLASSES.index(label)


def test_a_drawing_is_cut_out_of_its_white_ground_transparent_or_not_and_padded_to_a_square(root):
    ground = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    ground.paste(Image.new("RGBA", (128, 64), "red"), (11, 7))
    ground.save(root / "food" / "beet.png")
    wanted = torch.full((3, 32, 32), 255, dtype=torch.uint8)
    wanted[1:, 8:24] = 0
    assert (wanted.numpy().tobytes(), CLASSES.index("food")) in both(root)


def test_equal_drawings_are_there_once_in_the_inner_of_two_folders_and_not_at_all_in_two_classes(root):
    before = both(root)
    signs = next((root / "transportation/roadsigns").glob("*.png"))
    shutil.copy(signs, root / "transportation" / "copy.png")
    shutil.copy(signs, root / "transportation/roadsigns" / "copy.png")
    assert sorted(both(root)) == sorted(before)
    shutil.copy(signs, root / "animals" / "copy.png")
    assert len(both(root)) == len(before) - 1


def test_what_is_white_flat_or_too_large_is_left_out(root, monkeypatch):
    before = both(root)
    Image.new("RGB", (50, 40), "white").save(root / "food" / "rice.png")
    Image.new("RGB", (40, 40), "teal").save(root / "food" / "wall.png")
    monkeypatch.setattr(clip_art, "_MOST_PIXELS", 60 * 50)
    Image.effect_noise((61, 50), 90).save(root / "food" / "huge.png")
    assert sorted(both(root)) == sorted(before)


def test_they_are_read_once_and_again_when_a_file_changes(root, monkeypatch):
    before = both(root)
    with monkeypatch.context() as patched:
        patched.setattr(clip_art, "_make", lambda *given: pytest.fail("read again"))
        assert both(root) == before
    Image.effect_noise((40, 40), 90).save(next((root / "food").glob("*.png")))
    assert len(set(before) - set(both(root))) == 1


def test_an_empty_folder_and_a_damaged_file_are_named_in_one_line(root):
    file = next((root / "office").glob("*.png"))
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataUnavailableError, match=rf"{file.name}: cannot be read as an image"):
        load(root)
    shutil.rmtree(root / "office")
    (root / "office").mkdir()
    with pytest.raises(DataUnavailableError, match=r"office: not as published: holds no \*\.png"):
        load(root)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("mebench.data.sources.find", lambda *given: None)
    monkeypatch.setattr("mebench.data.fetch.find", lambda *given: None)
    with pytest.raises(DataUnavailableError, match=r"^[^\n]*`apt-get install openclipart-png`[^\n]*$"):
        load_dataset(Component("clip-art", {}), "train")


def test_the_script_of_packages_names_it(repository):
    assert "openclipart-png" in (repository / "scripts" / "debian-packages.sh").read_text()


@pytest.mark.skipif(find(CLIP_ART) is None, reason="needs Debian's clip art")
def test_the_package_holds_so_many_drawings_of_each_class():
    files = list(clip_art._files(find(CLIP_ART).folder))
    assert len(files) == 2916
