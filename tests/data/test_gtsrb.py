"""GTSRB's published folders, small: read as torchvision reads its own, and as the full archives lie."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from data_files import write_gtsrb
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.torchvision_compat import import_torchvision


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


def load(split="train", **parameters):
    return load_dataset(Component("gtsrb", parameters), split)


def pairs(images, labels):
    return sorted((image.numpy().tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


@pytest.mark.parametrize("split", ["train", "test"])
def test_torchvisions_folders_give_what_torchvision_gives_resized(tmp_path, split):
    root = write_gtsrb(tmp_path / "gtsrb", training="Training")
    theirs = [
        (np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1).tobytes(), label)
        for image, label in import_torchvision().datasets.GTSRB(str(tmp_path), split)
    ]
    ours = load(split, root=str(root))
    assert pairs(ours.images, ours.labels) == sorted(theirs)
    assert ours.images.shape == (86 if split == "train" else 20, 3, 32, 32)
    assert ours.num_classes == 43


def test_the_full_archives_are_taken_before_torchvisions_part(tmp_path):
    root = write_gtsrb(tmp_path / "gtsrb", training="Training", seed=5)
    part = load(root=str(root))
    write_gtsrb(tmp_path / "gtsrb", training="Final_Training/Images", seed=6)
    assert load(root=str(root)).digest != part.digest


@pytest.mark.parametrize(
    "table", ["GT-final_test.csv", "GTSRB/GT-final_test.csv", "GTSRB/Final_Test/Images/GT-final_test.csv"]
)
@pytest.mark.parametrize("inside", ["", "GTSRB"])
def test_it_is_found_wherever_the_archives_put_it(tmp_path, table, inside):
    root = write_gtsrb(tmp_path / "mine")
    (root / "GT-final_test.csv").rename(root / table)
    assert len(load("test", root=str(root / inside))) == 20


def test_it_is_found_where_the_advice_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path))
    with pytest.raises(DataUnavailableError, match="gtsrb/GTSRB below a folder that MEBENCH_DATA names"):
        load()
    write_gtsrb(tmp_path / "gtsrb")
    assert load().source == "MEBENCH_DATA"


def test_a_mark_of_the_byte_order_before_a_table_is_passed_over(tmp_path):
    root = write_gtsrb(tmp_path / "mine")
    plain = load("test", root=str(root)).digest
    table = root / "GT-final_test.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert load("test", root=str(root)).digest == plain


def test_training_images_are_mixed_and_test_images_keep_their_order(tmp_path):
    root = str(write_gtsrb(tmp_path / "mine"))
    assert load(root=root).labels.tolist() != sorted(load(root=root).labels.tolist())
    assert load("test", root=root).labels.tolist() == [7 * n % 43 for n in range(20)]
    assert (load(root=root, rows=[2, 6]).images == load(root=root).images[2:6]).all()
    assert load(root=root).digest == load(root=root).digest


def test_images_are_read_once(tmp_path):
    root = write_gtsrb(tmp_path / "mine")
    first = load(root=str(root))
    shutil.copytree(tmp_path / "cache", tmp_path / "copy")
    assert load(root=str(root)).digest == first.digest
    assert len(list((tmp_path / "cache").rglob("images.npy"))) == 1


def test_what_is_not_as_published_is_one_line(tmp_path):
    root = write_gtsrb(tmp_path / "mine")
    (root / "GTSRB/Final_Test/Images/00003.ppm").unlink()
    with pytest.raises(DataUnavailableError, match=r"lacks 1 images of GT-final_test.csv, the first is 00003.ppm"):
        load("test", root=str(root))
    (root / "GT-final_test.csv").write_text("Filename,ClassId\n00000.ppm,1\n")
    with pytest.raises(DataUnavailableError, match="not as published: no table with Filename;"):
        load("test", root=str(root))
    (root / "GT-final_test.csv").write_text("Filename;ClassId\n00000.ppm;43\n")
    with pytest.raises(ConfigurationError, match="labels run from 43 to 43"):
        load("test", root=str(root))


def test_training_archives_that_are_unpacked_in_part_are_one_line(tmp_path):
    root = write_gtsrb(tmp_path / "mine")
    (root / "GTSRB/Final_Training/Images/00007/00000_00001.ppm").unlink()
    with pytest.raises(DataUnavailableError, match=r"lacks 1 images of GT-00007.csv, the first is 00000_00001.ppm"):
        load(root=str(root))
    shutil.rmtree(root / "GTSRB/Final_Training/Images/00003")
    with pytest.raises(DataUnavailableError, match=r"not as published: no images 00003/\*\.ppm of class 3"):
        load(root=str(root))


def test_training_images_are_read_without_their_tables_too(tmp_path):
    root = write_gtsrb(tmp_path / "mine")
    whole = load(root=str(root))
    for table in (root / "GTSRB/Final_Training/Images").rglob("*.csv"):
        table.unlink()
    assert load(root=str(root)).digest == whole.digest
