"""Where data is looked for, in which order, and what is said when it is nowhere."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from data_files import write_cifar10, write_idx

from mebench.api.errors import DataUnavailableError
from mebench.data import layouts, sources
from mebench.data.fetch import require
from mebench.data.sources import cache_dir, find

FASHION = layouts.FASHION_MNIST


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEBENCH_OFFLINE", "1")
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


@pytest.fixture
def layout(tmp_path):
    """Fashion-MNIST with a system folder of the test's own."""
    return replace(FASHION, system=(tmp_path / "system", "dataset-fashion-mnist"))


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    assert cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("MEBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "mebench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "mebench"


def test_places_are_tried_in_the_stated_order(tmp_path, monkeypatch, layout):
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "own"))
    write_idx(tmp_path / "cache" / "datasets" / "FashionMNIST" / "raw")
    assert find(layout).place == "cache"
    write_idx(tmp_path / "system")
    assert find(layout).place == "system package dataset-fashion-mnist"
    write_idx(tmp_path / "own" / "fashion-mnist")
    assert find(layout).place == "MEBENCH_DATA"
    write_idx(tmp_path / "given")
    found = find(layout, str(tmp_path / "given"))
    assert (found.place, found.folder) == ("folder given", tmp_path / "given")


def test_a_folder_given_is_the_only_place(tmp_path, layout):
    write_idx(tmp_path / "system")
    assert find(layout, str(tmp_path / "empty")) is None


@pytest.mark.parametrize("below", [".", "FashionMNIST/raw", "fashion-mnist"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_folder_given_may_hold_the_files_or_torchvisions_layout(tmp_path, layout, below, compressed):
    write_idx(tmp_path / "given" / below, compressed=compressed)
    found = find(layout, str(tmp_path / "given"))
    assert found.file("t10k-labels-idx1-ubyte").is_file()


def test_mnist_files_lying_about_are_not_taken_for_fashion_mnist(tmp_path, monkeypatch, layout):
    """Both sets use the same file names, so a folder of many sets must say which is which."""
    write_idx(tmp_path / "own")
    write_idx(tmp_path / "own" / "MNIST" / "raw")
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "own"))
    assert find(layout) is None
    assert find(layouts.MNIST).place == "MEBENCH_DATA"


def test_the_error_names_every_place_and_what_to_do_offline(tmp_path, monkeypatch, layout):
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "own"))
    with pytest.raises(DataUnavailableError) as caught:
        require(layout)
    message = str(caught.value)
    for place in ["own/FashionMNIST/raw", "own/fashion-mnist", "system", "cache/datasets/FashionMNIST/raw"]:
        assert str(tmp_path / place) in message
    assert "MEBENCH_OFFLINE" in message
    assert "apt-get install dataset-fashion-mnist" in message
    assert "train-images-idx3-ubyte.gz" in message
    assert "\n" not in message


def test_the_error_says_which_file_is_missing_from_an_otherwise_good_folder(tmp_path, layout):
    write_idx(tmp_path / "given")
    (tmp_path / "given" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataUnavailableError, match=r"folder given, lacks t10k-labels-idx1-ubyte\)"):
        require(layout, str(tmp_path / "given"))


def test_a_folder_given_is_never_downloaded_into(tmp_path, monkeypatch, layout):
    monkeypatch.delenv("MEBENCH_OFFLINE")
    with pytest.raises(DataUnavailableError, match="leave out `root`"):
        require(layout, str(tmp_path / "given"))
    assert not (tmp_path / "given").exists()


def test_a_download_that_fails_says_why_and_what_to_do(tmp_path, monkeypatch, layout):
    from mebench.data.torchvision_compat import import_torchvision

    def refuse(url, *args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.delenv("MEBENCH_OFFLINE")
    monkeypatch.setattr(import_torchvision().datasets.cifar, "download_and_extract_archive", refuse)
    with pytest.raises(DataUnavailableError, match=r"download failed: no route to host.*cifar-10-batches-py"):
        require(layouts.CIFAR10)


def test_a_download_goes_into_the_cache_in_torchvisions_layout(tmp_path, monkeypatch):
    from data_files import skip_checksums

    from mebench.data.torchvision_compat import import_torchvision

    def fake_download(url, root, **arguments):
        assert arguments["md5"] == "c58f30108f718f92721af3b95e74349a"
        write_cifar10(root)

    monkeypatch.delenv("MEBENCH_OFFLINE")
    skip_checksums(monkeypatch)
    monkeypatch.setattr(import_torchvision().datasets.cifar, "download_and_extract_archive", fake_download)
    found = require(layouts.CIFAR10)
    assert found.folder == tmp_path / "cache" / "datasets"
    monkeypatch.setenv("MEBENCH_OFFLINE", "1")
    assert require(layouts.CIFAR10) == found


def test_svhn_is_downloaded_whole(tmp_path, monkeypatch):
    from data_files import skip_checksums, write_svhn

    from mebench.data.torchvision_compat import import_torchvision

    fetched = []

    def fake_download(url, root, filename, md5):
        fetched.append(filename)
        write_svhn(tmp_path / "published")
        (tmp_path / "published" / filename).rename(f"{root}/{filename}")

    monkeypatch.delenv("MEBENCH_OFFLINE")
    skip_checksums(monkeypatch)
    monkeypatch.setattr(import_torchvision().datasets.svhn, "download_url", fake_download)
    found = require(layouts.SVHN)
    assert found.folder == tmp_path / "cache" / "datasets" / "svhn"
    assert fetched == ["train_32x32.mat", "test_32x32.mat"]


def test_looking_for_data_imports_no_torch():
    code = (
        "import sys, mebench.data.layouts, mebench.data.entries, mebench.models.victims.cache; "
        "print('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_offline_means_set_and_not_zero(monkeypatch):
    assert sources.offline()
    monkeypatch.setenv("MEBENCH_OFFLINE", "0")
    assert not sources.offline()
