"""Which files of a user's folders are pictures of a data set, and that nothing is left out without a word."""

from __future__ import annotations

import os
import shutil
import unicodedata

import numpy as np
import pytest
from data_files import write_image_folder, write_textures
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.torchvision_compat import import_torchvision

SETS = ["image-folder", "image-files", "wallpaper-crops"]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def mine(tmp_path):
    """20 images of cats and 20 of dogs to train, 10 and 10 to test."""
    return write_image_folder(tmp_path / "mine")


def read(folder, split="train", name="image-folder", **parameters):
    """How many images each class has, and what was said."""
    heard = []
    with notices_to(heard.append):
        dataset = load_dataset(Component(name, {"root": str(folder), "size": 12, **parameters}), split)
    return dataset.labels.bincount(minlength=dataset.num_classes).tolist(), heard


def add(folder, name, image=None, **options):
    """Write one more picture, the same as the first unless another is given."""
    first = Image.open(sorted(folder.glob("*.png"))[0]) if image is None else image
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    first.convert("RGB").save(folder / name, **options)


def test_classes_and_images_are_those_of_torchvision_in_its_order(tmp_path):
    names = ["a", "a-b", "Zebra", "\u00e9tude", "b c"]
    write_image_folder(tmp_path, train=50, classes=names)
    for number in range(7):
        add(tmp_path / "train" / "a", f"deep/{number % 3}/{number}.PNG", Image.new("L", (12, 12), number))
        add(tmp_path / "train" / "a", f"deep-er/{number}.jpg", Image.new("L", (12, 12), 30 + number))
    theirs = import_torchvision().datasets.ImageFolder(str(tmp_path / "train"))
    ours = load_dataset(Component("image-folder", {"root": str(tmp_path), "size": 12}), "train")
    expected = sorted((np.asarray(image).transpose(2, 0, 1).tobytes(), label) for image, label in theirs)
    assert (
        sorted((one.numpy().tobytes(), int(label)) for one, label in zip(ours.images, ours.labels, strict=True))
        == expected
    )


HIDDEN = [".ipynb_checkpoints/0.png", ".hidden.png", "._000.png", ".DS_Store", "deep/.thumbnails/1.png", "@eaDir/0.png"]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_files_and_folders_are_left_out_of_a_class_and_told(mine, hidden):
    place = mine / "train" / "cat" / hidden
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"\0\5\x16\7 no picture")
    counts, heard = read(mine)
    assert counts == [20, 20]
    name = next(part for part in hidden.split("/") if part.startswith((".", "@")))
    assert heard == [f"image-folder: {mine}/train: left out 1 hidden ({name})"]
    assert read(mine / "train", name="image-files")[0] == [40]


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("hidden", [".ipynb_checkpoints", ".git", "__MACOSX"])
def test_a_hidden_folder_beside_the_classes_is_no_class(mine, split, hidden):
    add(mine / split / "cat", f"../{hidden}/0.png")
    counts, heard = read(mine, split)
    assert len(counts) == 2
    assert heard == [f"image-folder: {mine}/{split}: left out 1 hidden ({hidden})"]


def test_only_the_split_that_is_read_is_told_of(mine):
    (mine / "train" / "cat" / "notes.txt").touch()
    assert read(mine, "test")[1] == []


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    "ending", ["gif", "jfif", "jpe", "jpeg", "JPG", "PNG", "Tiff", "webp", "bmp", "jp2", "tga", "ppm", "pbm", "apng"]
)
def test_pictures_of_every_ending_are_read_whatever_its_case(tmp_path, mine, name, ending):
    written = {"jfif": "JPEG", "jpe": "JPEG", "apng": "PNG"}.get(ending)
    textures = write_textures(tmp_path / "textures", count=3)
    folder = textures if name == "wallpaper-crops" else mine / "train" / "cat"
    Image.open(textures / "1.png").transpose(Image.Transpose.ROTATE_90).save(
        folder / f"one-more.{ending}", format=written
    )
    counts, heard = read(folder if name != "image-folder" else mine, name=name)
    assert heard == []
    if name != "wallpaper-crops":
        assert counts == ([21, 20] if name == "image-folder" else [21])


@pytest.mark.parametrize("name", SETS)
def test_files_that_are_no_pictures_are_counted_with_their_endings(tmp_path, mine, name):
    folder = write_textures(tmp_path / "textures") if name == "wallpaper-crops" else mine / "train" / "dog"
    for file in ("a.heic", "b.heic", "c.HEIC", "notes.txt", "README", "Thumbs.db", "x.avif"):
        (folder / file).touch()
    heard = read(folder if name != "image-folder" else mine, name=name)[1]
    place = f"{mine}/train" if name == "image-folder" else folder
    assert heard == [
        f"{name}: {place}: left out 7 that are no pictures by their names (.heic, without an ending, .avif, ...)"
    ]


def test_pictures_beside_the_classes_are_told(mine):
    add(mine / "train" / "cat", "../loose.png")
    assert read(mine) == (
        [20, 20],
        [f"image-folder: {mine}/train: left out 1 picture in no class's folder (loose.png)"],
    )


@pytest.mark.parametrize("name", ["image-folder", "image-files"])
@pytest.mark.parametrize("what", ["the root", "a split", "a class", "a folder inside", "a file"])
def test_links_are_followed_by_both(tmp_path, mine, name, what):
    place = {"the root": mine, "a split": mine / "train", "a class": mine / "train" / "cat"}.get(what)
    if what == "a folder inside":
        place = mine / "train" / "cat" / "deep"
        add(mine / "train" / "cat", "deep/0.png")
    if what == "a file":
        place = mine / "train" / "cat" / "000.png"
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    if what == "a file":
        assert read(mine / "train" if name == "image-files" else mine, name=name)[1] == []
        return
    more = int(what == "a folder inside")
    counts, heard = read(mine if name == "image-folder" else mine / "train", name=name)
    assert counts == ([20 + more, 20] if name == "image-folder" else [40 + more])
    assert heard == []


@pytest.mark.parametrize("target", [".", "..", "../..", "../../.."])
def test_a_link_back_to_a_folder_above_is_not_followed_and_told(mine, target):
    place = mine / "train" / "cat" / "deep"
    place.mkdir()
    (place / "up").symlink_to(target)
    counts, heard = read(mine)
    assert counts == [20, 20]
    assert heard == [f"image-folder: {mine}/train: left out 1 link back to a folder above (up)"]
    counts, heard = read(mine, name="image-files")
    assert counts == [60]
    assert heard == [f"image-files: {mine}: left out 1 link back to a folder above (up)"]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(
    ("link", "target"), [("9.png", "/nowhere.png"), ("more", "/nowhere"), ("self.JPG", "self.JPG")]
)
def test_a_link_to_nothing_is_one_line(tmp_path, mine, name, link, target):
    folder = write_textures(tmp_path / "textures") if name == "wallpaper-crops" else mine / "train" / "cat"
    (folder / link).symlink_to(target)
    with pytest.raises(DataUnavailableError, match=f"{link}: a link to {target}, which is not there") as caught:
        read(mine if name == "image-folder" else folder, name=name)
    assert "\n" not in str(caught.value)


def test_a_class_that_is_a_link_to_nothing_is_one_line(mine):
    (mine / "train" / "eel").symlink_to("/nowhere")
    with pytest.raises(DataUnavailableError, match="eel: a link to /nowhere, which is not there"):
        read(mine)


def test_a_link_to_nothing_that_would_be_no_picture_is_counted_as_such(mine):
    (mine / "train" / "cat" / "notes.txt").symlink_to("/nowhere.txt")
    assert read(mine)[1] == [f"image-folder: {mine}/train: left out 1 that is no picture by its name (.txt)"]


def test_a_pipe_that_is_called_a_picture_is_not_opened(mine):
    os.mkfifo(mine / "train" / "cat" / "9.png")
    assert read(mine)[0] == [20, 20]


ACCENTS = ["caf\u00e9", "\u00c5ngstr\u00f6m", "\u0434\u043e\u043c", "zebra"]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_names_of_classes_are_the_same_whether_their_accents_are_composed_or_not(tmp_path, forms):
    plain = write_image_folder(tmp_path / "plain", train=40, test=40, classes=ACCENTS)
    other = shutil.copytree(plain, tmp_path / "other")
    for split, form in zip(("train", "test"), forms, strict=True):
        for folder in list((other / split).iterdir()):
            folder.rename(folder.with_name(unicodedata.normalize(form, folder.name)))
    train, test = (
        load_dataset(Component("image-folder", {"root": str(other), "size": 12}), split) for split in ("train", "test")
    )
    assert train.num_classes == test.num_classes == 4
    first = {
        label: folder.name for label, folder in enumerate(sorted((other / "train").iterdir(), key=lambda one: one.name))
    }
    for dataset, split in ((train, "train"), (test, "test")):
        stored = {np.asarray(Image.open(file)).tobytes(): file.parent.name for file in other.glob(f"{split}/*/*.png")}
        for image, label in zip(dataset.images, dataset.labels.tolist(), strict=True):
            found = stored[image.permute(1, 2, 0).numpy().tobytes()]
            assert unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", first[label])


def test_two_folders_of_one_split_that_look_alike_are_one_line(mine):
    for name in ("caf\u00e9", "cafe\u0301"):
        add(mine / "train" / "cat", f"../{name}/0.png")
    with pytest.raises(ConfigurationError, match=r"train: has two folders 'caf\u00e9', one with its accents composed"):
        read(mine)


def test_splits_that_differ_say_which_classes_do(tmp_path):
    folder = write_image_folder(tmp_path, train=60, test=60, classes=[f"c{n:02}" for n in range(30)])
    (folder / "test" / "c07").rename(folder / "test" / "C07")
    with pytest.raises(ConfigurationError, match=r"only train has \['c07'\] and only test has \['C07'\]$") as caught:
        read(folder, "test")
    assert len(str(caught.value)) < 400 + len(str(folder))


def test_a_folder_without_classes_says_what_it_holds(mine):
    for file in (mine / "train").glob("*/*.png"):
        file.rename(mine / "train" / f"{file.parent.name}-{file.name}")
    for folder in ("cat", "dog"):
        (mine / "train" / folder).rmdir()
    with pytest.raises(DataUnavailableError, match=r"holds no folders; .*; found 40 pictures in no class's folder"):
        read(mine)


def test_a_class_of_other_files_alone_says_what_they_are(mine):
    (mine / "train" / "eel").mkdir()
    (mine / "train" / "eel" / "1.heic").touch()
    with pytest.raises(DataUnavailableError, match=r"eel: holds no pictures of its class .*found 1 .*\(\.heic\)$"):
        read(mine)
    for name in ("image-files", "wallpaper-crops"):
        with pytest.raises(DataUnavailableError, match=r"eel: holds no pictures, .*found 1 .*\(\.heic\)$"):
            read(mine / "train" / "eel", name=name)


def test_a_folder_that_is_nearly_there_is_named(tmp_path, mine):
    (mine / "train").rename(mine / "Train")
    with pytest.raises(DataUnavailableError, match=r"mine/train: no such folder; .* Did you mean 'Train'\?"):
        read(mine)
    mine.rename(tmp_path / "cafe\u0301")
    for name in SETS:
        with pytest.raises(
            DataUnavailableError, match=r"/caf\u00e9: no such folder.*\. There is one .*: 'cafe\\u0301'"
        ):
            read(tmp_path / "caf\u00e9", name=name)
    (tmp_path / "file").touch()
    with pytest.raises(DataUnavailableError, match="file: is a file and no folder"):
        read(tmp_path / "file", name="image-files")


def test_a_test_split_without_a_training_split_names_the_folder_that_is_missing(mine):
    shutil.rmtree(mine / "train")
    with pytest.raises(DataUnavailableError, match="mine/train: no such folder; it must hold one folder of images per"):
        read(mine, "test")


def test_crops_tell_which_pictures_gave_none_and_which_were_there_twice(tmp_path):
    folder = write_textures(tmp_path / "mine")
    Image.new("RGB", (40, 40), "teal").save(folder / "flat.png")
    Image.open(folder / "0.png").resize((20, 20)).save(folder / "0_200x200.png")
    Image.open(folder / "0.png").save(folder / "0_400x400.png")
    assert read(folder, name="wallpaper-crops")[1] == [
        f"wallpaper-crops: {folder}: left out 2 files of pictures that are there in a larger size",
        f"wallpaper-crops: {folder}: 1 of 4 pictures give no crop, being flat, small or there twice (flat.png)",
    ]
