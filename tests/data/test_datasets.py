"""The data sets: published formats read exactly, and rows chosen."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from data_files import pictures, skip_checksums, write_cifar10, write_idx, write_svhn

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.embedded.cut_fashion_mnist import cut
from mebench.data.layouts import FASHION_MNIST, FASHION_MNIST_10K
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def load(name, split="train", **parameters):
    return load_dataset(Component(name, parameters), split)


def test_every_data_set_that_is_read_takes_root_and_rows():
    for entry in registry().entries(DatasetEntry):
        wanted = {"rows"} if entry.name == "made-up-topics" else {"root", "rows"}
        assert wanted <= {parameter.name for parameter in entry.declared}


def test_the_embedded_data_set_has_8000_and_2000_images_of_all_classes():
    train, test = load("fashion-mnist-10k"), load("fashion-mnist-10k", "test")
    assert train.images.shape == (8000, 1, 28, 28)
    assert test.images.shape == (2000, 1, 28, 28)
    assert train.labels.bincount().tolist() == [747, 860, 809, 807, 763, 795, 807, 818, 792, 802]
    assert test.labels.bincount().tolist() == [200, 203, 214, 190, 219, 195, 197, 200, 194, 188]
    assert train.source == "embedded in the package"
    assert (train.digest, test.digest) == ("1ed5c7bf87e37567", "6e8f8a41ac407232")


def test_the_embedded_files_are_small_and_come_with_their_licence():
    folder = FASHION_MNIST_10K.embedded
    assert all(file.stat().st_size < 6_000_000 for file in folder.iterdir())
    assert "Zalando SE" in (folder / "LICENSE").read_text()


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_the_embedded_data_set_is_cut_from_the_published_one(tmp_path, monkeypatch):
    pack = gzip.compress  # as tightly as for a package takes long, and holds the same
    monkeypatch.setattr("gzip.compress", lambda content, **others: pack(content, **(others | {"compresslevel": 1})))
    cut(DEBIAN, tmp_path)
    for split in ("train", "test"):
        again = load("fashion-mnist-10k", split, root=str(tmp_path))
        embedded, full = load("fashion-mnist-10k", split), load("fashion-mnist", split, root=str(DEBIAN))
        assert again.digest == embedded.digest
        assert torch.equal(embedded.images, full.images[: len(embedded)])
        assert torch.equal(embedded.labels, full.labels[: len(embedded)])


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
@pytest.mark.parametrize(("split", "count", "seed"), [("train", 40, 1), ("test", 20, 2)])
def test_idx_sets_are_read_exactly(tmp_path, name, split, count, seed):
    dataset = load(name, split, root=str(write_idx(tmp_path)))
    images, labels = pictures(count, 1, 28, seed)
    np.testing.assert_array_equal(dataset.images.numpy(), images)
    np.testing.assert_array_equal(dataset.labels.numpy(), labels)
    assert dataset.source == "folder given"


def test_images_and_labels_of_different_length_are_an_error(tmp_path):
    write_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").rename(tmp_path / "t10k-labels-idx1-ubyte.gz")
    write_idx(tmp_path / "more", train=50)
    (tmp_path / "more" / "train-labels-idx1-ubyte.gz").rename(tmp_path / "train-labels-idx1-ubyte.gz")
    with pytest.raises(DataUnavailableError, match="40 train images but 50 labels"):
        load("mnist", root=str(tmp_path))


@pytest.mark.parametrize(("name", "write"), [("cifar10", write_cifar10), ("svhn", write_svhn)])
@pytest.mark.parametrize(("split", "count", "seed"), [("train", 40, 1), ("test", 20, 2)])
def test_colour_sets_are_read_exactly(tmp_path, monkeypatch, name, write, split, count, seed):
    skip_checksums(monkeypatch)
    dataset = load(name, split, root=str(write(tmp_path)))
    images, labels = pictures(count, 3, 32, seed)
    np.testing.assert_array_equal(dataset.images.numpy(), images)
    np.testing.assert_array_equal(dataset.labels.numpy(), labels)
    assert dataset.labels.dtype == torch.int64
    assert dataset.images.is_contiguous()


@pytest.mark.parametrize(("name", "write"), [("cifar10", write_cifar10), ("svhn", write_svhn)])
def test_files_that_are_not_the_published_ones_fail_the_checksum(tmp_path, name, write):
    with pytest.raises(DataUnavailableError, match=f"{name}.*fail torchvision's check.*delete them"):
        load(name, root=str(write(tmp_path)))


def test_rows_keep_a_victims_and_an_attackers_images_apart():
    first, rest = load("fashion-mnist-10k", rows=[0, 3000]), load("fashion-mnist-10k", rows=[3000, 8000])
    whole = load("fashion-mnist-10k")
    assert (len(first), len(rest)) == (3000, 5000)
    assert torch.equal(torch.cat([first.images, rest.images]), whole.images)
    assert torch.equal(torch.cat([first.labels, rest.labels]), whole.labels)


@pytest.mark.parametrize("rows", [[0], [0, 0], [5, 2], [1, 2, 3]])
def test_rows_that_are_no_range_are_an_error(rows):
    with pytest.raises(ConfigurationError, match=r"^rows: must be \[start, stop\] with start below stop, not "):
        load("fashion-mnist-10k", rows=rows)


def test_rows_that_are_not_in_the_split_are_an_error():
    with pytest.raises(ConfigurationError, match="0 <= start < stop <= 8000"):
        load("fashion-mnist-10k", rows=[0, 8001])


def test_labels_outside_the_classes_are_an_error(tmp_path):
    from data_files import idx_bytes

    write_idx(tmp_path, compressed=False)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.full(40, 10, np.uint8)))
    with pytest.raises(ConfigurationError, match="labels run from 10 to 10"):
        load("mnist", root=str(tmp_path))


def test_our_reader_agrees_with_torchvisions(tmp_path):
    from mebench.data.torchvision_compat import import_torchvision

    write_idx(tmp_path / "FashionMNIST" / "raw", compressed=False)
    theirs = import_torchvision().datasets.FashionMNIST(str(tmp_path))
    ours = load("fashion-mnist", root=str(tmp_path))
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)
    assert FASHION_MNIST.folders[0] == "FashionMNIST/raw"
