"""ImageNet at 32 x 32 and 64 x 64 (Chrabaszcz, Loshchilov and Hutter 2017), from the files as they are published.

Ten training files and one of validation images, each ``{data: (N, 3 S S) bytes, labels: 1 to 1000, mean}``, as ``.npz``
or as pickles. Pickles are read by an unpickler that makes arrays and nothing else.
"""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from mebench.api.errors import DataUnavailableError
from mebench.api.progress import Progress, step
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, range_of, select_rows
from mebench.data.entries import ImageNetParameters
from mebench.data.fetch import require
from mebench.data.kept import kept, kept_tensor
from mebench.data.layouts import IMAGENET_32, IMAGENET_64
from mebench.data.sources import Found, Layout

CLASSES = 1000
FILES = 10
_AT_ONCE = 4096
_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's mode L
Bytes = NDArray[np.uint8]


def _number(name: Any, *_: Any) -> np.dtype[Any]:
    """numpy's own type of a kind of numbers, which takes no fields from a pickle: made-up ones lead out of an array."""
    found = np.dtype(name)
    if found.kind not in "biuf" or not found.isnative:
        raise pickle.UnpicklingError(f"it holds {found}, and no numbers")
    own: np.dtype[Any] = np.dtype(found.type)
    return own


_ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _number,
    ("_codecs", "encode"): codecs.encode,  # how pickles without a type for bytes write them
    **{(f"numpy.{core}.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0] for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): np.empty(1).__reduce_ex__(5)[0] for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): np.int64(0).__reduce__()[0] for core in ("core", "_core")},
}


def imagenet_32(split: Split, parameters: ImageNetParameters) -> Dataset:
    """ImageNet at 32 x 32; see `imagenet_64`."""
    return _read(IMAGENET_32, 32, split, parameters)


def imagenet_64(split: Split, parameters: ImageNetParameters) -> Dataset:
    """ImageNet at 64 x 64; converted once and kept in the cache.

    Args:
        split: ``train``, or ``test`` for the validation images.
        parameters: where the files are, and which images of them are wanted.

    Raises:
        ConfigurationError: rows or files that are not there.
        DataUnavailableError: the files are nowhere, not as published, or cannot be read.
    """
    return _read(IMAGENET_64, 64, split, parameters)


def _read(layout: Layout, size: int, split: Split, parameters: ImageNetParameters) -> Dataset:
    found = require(layout, parameters.root)
    chosen = range_of(parameters.files, FILES, layout.name, split, "files", "the number of training files")
    names = [f"train_data_batch_{number + 1}" for number in chosen] if split == "train" else ["val_data"]
    files = [_file(found, name) for name in names]
    parts = [_converted(layout.name, found.folder, file, size, parameters.colour) for file in files]
    images, labels = parts[0] if len(parts) == 1 else map(torch.cat, zip(*parts, strict=True))
    return select_rows(Dataset(layout.name, images, labels, CLASSES, found.place), parameters.rows, split)


def _file(found: Found, name: str) -> Path:
    for file in (found.folder / f"{name}.npz", found.folder / name):
        if file.is_file():
            return file
    raise DataUnavailableError(f"{found.folder}: lacks {name}.npz (or {name}, the same as a pickle)")


def _converted(name: str, folder: Path, file: Path, size: int, colour: str) -> tuple[Tensor, Tensor]:
    """Images (N, C, S, S) uint8 and labels (N,) int64 of one file, which is read once."""

    def make(to: Path) -> None:
        step(Progress(0, 1, file.name, phase=name))
        pixels, labels = _arrays(file, size)
        shape = (len(pixels), 3 if colour == "rgb" else 1, size, size)
        images = open_memmap(to / "images.npy", "w+", np.uint8, shape)
        for start in range(0, len(pixels), _AT_ONCE):
            some = pixels[start : start + _AT_ONCE].reshape(-1, 3, size, size)
            images[start : start + _AT_ONCE] = some if colour == "rgb" else _grey(some)
        images.flush()
        np.save(to / "labels.npy", labels - 1)

    made = kept(name, folder, [file], [size, colour], make)
    return kept_tensor(made / "images.npy"), kept_tensor(made / "labels.npy")


def _grey(images: Bytes) -> Bytes:
    """(N, 1, S, S) from (N, 3, S, S)."""
    grey: Bytes = np.rint(np.tensordot(images, np.array(_GREY, np.float32), (1, 0))).astype(np.uint8)
    return grey[:, None]


def _arrays(file: Path, size: int) -> tuple[Bytes, NDArray[np.int64]]:
    """Pixels (N, 3 S S) and labels (N,), 1 to 1000, as they are in a file."""
    try:
        held = _npz(file) if file.suffix == ".npz" else _unpickled(file)
        pixels, labels = np.asarray(held["data"]), np.asarray(held["labels"], np.int64)
    except Exception as error:  # whatever a damaged file raises
        raise DataUnavailableError(f"{file}: not as published ({type(error).__name__}: {error})") from None
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3 * size * size):
        raise DataUnavailableError(
            f"{file}: not as published: must hold as many rows of {3 * size * size} bytes as labels, which are "
            f"{len(labels)}, and holds {pixels.dtype} {pixels.shape}"
        )
    return pixels, labels


def _npz(file: Path) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as held:
        return {name: held[name] for name in ("data", "labels")}


class _OnlyArrays(pickle.Unpickler):
    """Makes arrays, numbers, texts, lists and dictionaries: a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}")
        return _ARRAYS[module, name]


def _unpickled(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        held: dict[str, Any] = _OnlyArrays(content, encoding="latin1").load()
    return held
