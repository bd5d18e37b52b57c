"""The pool of crops: from any folder of pictures, made once, and the same for the same pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import write_textures
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.progress import steps_to
from mebench.api.spec import Component
from mebench.data import wallpapers
from mebench.data.datasets import load_dataset
from mebench.data.entries import DATASETS
from mebench.data.layouts import WALLPAPER_PACKAGES, WALLPAPERS
from mebench.data.sources import find

THERE = find(WALLPAPERS)  # the packages, on a machine that has them


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEBENCH_DATA", raising=False)
    monkeypatch.setattr(wallpapers, "CROPS", 120)


def load(split="train", **parameters):
    return load_dataset(Component("wallpaper-crops", {"size": 8, **parameters}), split)


def rows_of(images):
    return [image.numpy().tobytes() for image in images]


def test_a_folder_of_pictures_gives_the_number_of_distinct_textured_crops(tmp_path):
    pool = load(root=str(write_textures(tmp_path / "mine")))
    assert pool.images.shape == (120, 3, 8, 8)
    assert len(set(rows_of(pool.images))) == 120
    assert (pool.images.double().std((2, 3), correction=0).amax(1) > 12).all()
    assert pool.num_classes == 1
    assert not pool.labels.any()
    assert pool.source == "folder given"


def test_grey_crops_have_texture_in_grey(tmp_path):
    pool = load(root=str(write_textures(tmp_path / "mine")), colour="grey")
    assert pool.images.shape == (120, 1, 8, 8)
    assert (pool.images.double().std((1, 2, 3), correction=0) > 12).all()


def test_crops_are_cut_once_and_again_only_when_a_picture_changes(tmp_path, monkeypatch):
    folder = write_textures(tmp_path / "mine")
    first = load(root=str(folder))
    with monkeypatch.context() as patched:
        patched.setattr(wallpapers, "_cut_all", lambda *given: pytest.fail("cut again"))
        assert load(root=str(folder)).digest == first.digest
    (folder / "0.png").rename(folder / "4.png")
    assert load(root=str(folder)).digest == first.digest
    write_textures(folder, seed=9)
    assert load(root=str(folder)).digest != first.digest


def test_what_is_cut_depends_on_neither_names_nor_times(tmp_path):
    first, second = write_textures(tmp_path / "one"), write_textures(tmp_path / "two")
    for number, file in enumerate(sorted(second.iterdir())):
        os.utime(file, (1, 1))
        file.rename(second / f"{9 - number}.png")
    assert load(root=str(first)).digest == load(root=str(second)).digest


def test_pictures_keeps_pictures_apart_and_rows_is_taken_of_what_is_left(tmp_path):
    folder = str(write_textures(tmp_path / "mine"))
    first, rest = load(root=folder, pictures=[0, 1]), load(root=folder, pictures=[1, 3])
    assert sorted(rows_of(first.images) + rows_of(rest.images)) == sorted(rows_of(load(root=folder).images))
    source = np.asarray(Image.open(tmp_path / "mine" / "0.png").convert("RGB")).transpose(2, 0, 1)
    parts = {source[:, y : y + 8, x : x + 8].tobytes() for y in range(33) for x in range(33)}
    assert sum(row in parts for row in rows_of(first.images)) > len(first) / 2  # the others are of its half
    assert not any(row in parts for row in rows_of(rest.images))
    assert torch.equal(load(root=folder, pictures=[1, 3], rows=[2, 5]).images, rest.images[2:5])


def lit(image, mean, deviation):
    """What a crop shall be in that light, by torch in float64."""
    values = image.double() / 255
    own_mean, own_deviation = values.mean(), values.std(correction=0)
    mean, deviation = (own if given is None else given for own, given in ((own_mean, mean), (own_deviation, deviation)))
    return 255 * ((values - own_mean) / own_deviation * deviation + mean).clamp(0, 1)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.25), (0.4, None), (None, 0.1), (0.0, None)])
@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_mean_and_deviation_light_the_same_crops_anew_row_by_row(tmp_path, mean, deviation, colour):
    folder = str(write_textures(tmp_path / "mine"))
    given = {name: value for name, value in (("mean", mean), ("deviation", deviation)) if value is not None}
    plain, changed = load(root=folder, colour=colour), load(root=folder, colour=colour, **given)
    wanted = torch.stack([lit(image, mean, deviation) for image in plain.images])
    assert (changed.images.double() - wanted).abs().max() <= 0.5 + 1e-9
    assert changed.digest != plain.digest


def test_crops_within_the_range_have_the_mean_and_deviation_asked_for(tmp_path):
    images = load(root=str(write_textures(tmp_path / "mine")), mean=0.5, deviation=0.1).images.double() / 255
    inside = (images.amin((1, 2, 3)) > 0) & (images.amax((1, 2, 3)) < 1)
    assert inside.sum() > 100
    assert torch.allclose(images[inside].mean((1, 2, 3)), torch.tensor(0.5).double(), atol=2e-3)
    assert torch.allclose(images[inside].std((1, 2, 3), correction=0), torch.tensor(0.1).double(), atol=2e-3)


def test_a_flat_picture_among_others_is_left_out_in_any_light(tmp_path):
    folder = write_textures(tmp_path / "mine")
    Image.new("RGB", (40, 40), "teal").save(folder / "flat.png")
    assert len(load(root=str(folder), mean=0.0)) == 120


def test_crops_as_they_are_keep_the_id_that_they_had_before_light_could_be_chosen():
    entry = next(entry for entry in DATASETS if entry.name == "wallpaper-crops")
    assert not {"mean", "deviation"} & set(entry.as_component({"colour": "grey"}).parameters)
    assert entry.as_component({"mean": 0}).parameters["mean"] == 0.0


@pytest.mark.parametrize("wanted", [[0], [2, 1]])
def test_pictures_that_are_no_range_are_an_error(tmp_path, wanted):
    with pytest.raises(ConfigurationError, match=r"^pictures: must be \[start, stop\] with start below stop, not "):
        load(root=str(write_textures(tmp_path / "mine")), pictures=wanted)


def test_pictures_that_are_not_there_are_an_error(tmp_path):
    with pytest.raises(ConfigurationError, match="0 <= start < stop <= 3"):
        load(root=str(write_textures(tmp_path / "mine")), pictures=[0, 4])


def test_a_flat_picture_alone_is_one_line(tmp_path):
    folder = write_textures(tmp_path / "mine")
    Image.new("RGB", (40, 40)).save(folder / "9.png")
    with pytest.raises(DataUnavailableError, match=r"no crop is of the pictures \[3, 4\]"):
        load(root=str(folder), pictures=[3, 4])


def test_one_size_of_each_picture_is_taken(tmp_path):
    folder = write_textures(tmp_path / "mine", count=1)
    image = Image.open(folder / "0.png")
    for size in (100, 160):
        image.resize((size, size)).save(folder / f"0_{size}x{size}.png")
    assert len(load(root=str(folder), pictures=[0, 1])) == len(load(root=str(folder)))


def test_without_the_packages_one_line_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.data.sources.find", lambda *given: None)
    monkeypatch.setattr("mebench.data.fetch.find", lambda *given: None)
    with pytest.raises(DataUnavailableError) as caught:
        load()
    assert f"`apt-get install {' '.join(WALLPAPER_PACKAGES)}`" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_the_packages_folders_only_what_is_theirs_is_cut(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path))
    shared = tmp_path / "debian-wallpapers"
    write_textures(shared / "wallpapers" / "Autumn" / "contents" / "images")
    write_textures(shared / "backgrounds" / "mate" / "nature", count=1, seed=5)
    for name in ("free_by_Peter_Nerlich.jpg", "Kleiber_by_Lukas_Baubkus.jpg", "calla.png", "holiday.png"):
        Image.effect_noise((40, 40), 60).save(shared / "backgrounds" / name)
    files = wallpapers._sources(shared, None)
    assert len(files) == 7
    assert not any(file.name == "holiday.png" for file in files)
    assert load().source == "MEBENCH_DATA"


def test_there_is_no_test_split(tmp_path):
    with pytest.raises(ConfigurationError, match="has no test split: it is for pools"):
        load("test", root=str(write_textures(tmp_path / "mine")))


def test_a_folder_without_pictures_or_with_flat_ones_is_an_error_in_one_line(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(DataUnavailableError, match="holds no pictures"):
        load(root=str(tmp_path / "none"))
    Image.new("RGB", (40, 40), "teal").save(tmp_path / "none" / "flat.png")
    with pytest.raises(DataUnavailableError, match="there is nothing to cut"):
        load(root=str(tmp_path / "none"))
    with pytest.raises(DataUnavailableError, match="no such folder"):
        load(root=str(tmp_path / "nowhere"))


def test_an_interrupted_cut_leaves_nothing_and_a_damaged_picture_is_named(tmp_path):
    folder = write_textures(tmp_path / "mine")
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:200])
    with pytest.raises(DataUnavailableError, match=r"1\.png: cannot be read as an image"):
        load(root=str(folder))
    assert not list((tmp_path / "cache" / "datasets").rglob("*.npy"))
    assert not list((tmp_path / "cache" / "datasets").rglob(".partial-*"))


def test_what_a_killed_process_left_is_cleared_away(tmp_path):
    left = tmp_path / "cache" / "datasets" / "wallpaper-crops" / ".partial-1"
    left.mkdir(parents=True)
    (left / "images.npy").write_bytes(b"half")
    load(root=str(write_textures(tmp_path / "mine")))
    assert len(list(left.parent.glob("*/images.npy"))) == 1
    assert not left.exists()


def test_cutting_tells_how_far_it_is(tmp_path):
    heard = []
    with steps_to(heard.append):
        load(root=str(write_textures(tmp_path / "mine")))
    assert [(one.done, one.total, one.unit) for one in heard] == [
        (0, 3, "pictures"),
        (1, 3, "pictures"),
        (2, 3, "pictures"),
    ]


def test_the_script_of_packages_names_the_same_ones(repository):
    assert " ".join(WALLPAPER_PACKAGES) in (repository / "scripts" / "debian-packages.sh").read_text()


@pytest.mark.skipif(THERE is None, reason="needs Debian's wallpapers")
def test_the_packages_hold_92_pictures():
    assert len(wallpapers._sources(Path("/usr/share"), None)) == 92
