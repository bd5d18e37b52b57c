"""The data sets that mebench reads: each a function ``(split, parameters) -> Dataset``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import torch

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component, TrialSpec
from mebench.data.dataset import Dataset
from mebench.data.entries import FilesParameters
from mebench.data.fetch import read_with_torchvision, require
from mebench.data.idx import read_idx
from mebench.data.labelled import Labelled, Size
from mebench.data.layouts import CIFAR10, FASHION_MNIST, FASHION_MNIST_10K, MNIST, SVHN
from mebench.data.pools import DatasetPool
from mebench.data.sources import Found, Layout
from mebench.guard.call import Guard
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry

Split = Literal["train", "test"]
Kept = TypeVar("Kept", bound=Labelled)


def load_dataset(component: Component, split: Split, image_size: Size | None = None) -> Labelled:
    """Load one split of a registered data set.

    Args:
        component: registered name and parameters.
        split: ``train`` or ``test``.
        image_size: height and width of what a classifier takes. Pictures of any size are read at it; of all else, which
            has a size of its own, `Labelled.inputs` is resized.

    Raises:
        UnknownNameError, ConfigurationError: the name or a parameter is wrong.
        DataUnavailableError: the data is on none of the places where it is looked for, or damaged.
    """
    entry, guard = registry().get(DatasetEntry, component.name), Guard.of(DatasetEntry, component.name)
    reader = guard.call("loading", entry.load)
    sized = image_size is not None and _takes_a_size(reader, entry)
    if sized:
        reader = partial(reader, image_size=image_size)
    dataset = guard.call(entry.doing, entry.with_parameters(reader, component.parameters), split)
    if not isinstance(dataset, Labelled):
        guard.fail(f"reading returned a {type(dataset).__name__}, not a Dataset")
    if isinstance(dataset, Dataset):
        _check_declared(dataset, entry, guard, at_its_own_size=not sized)
    return dataset


def _takes_a_size(reader: Callable[..., Any], entry: DatasetEntry) -> bool:
    """Whether a reader is told the size of what a classifier takes: it has an argument for it, which no file sets."""
    declared = [parameter.name for parameter in entry.declared]
    return "image_size" in inspect.signature(reader).parameters and "image_size" not in declared


def _check_declared(dataset: Dataset, entry: DatasetEntry, guard: Guard, *, at_its_own_size: bool) -> None:
    """What is listed, and what benchmark files are checked by, must be what is read."""
    shape = tuple(dataset.images.shape[1:])
    if at_its_own_size and entry.shape and tuple(entry.shape) != shape:
        guard.fail(f"reading returned images of shape {shape}, its entry says {tuple(entry.shape)}")
    if entry.num_classes and entry.num_classes != dataset.num_classes:
        guard.fail(f"reading returned {dataset.num_classes} classes, its entry says {entry.num_classes}")


def load_pool(spec: TrialSpec, takes: InputSpec | None = None) -> DatasetPool | None:
    """The unlabelled inputs of a trial, if it names any, as its victim takes them.

    Args:
        spec: of the trial.
        takes: what the victim takes: images of another height and width are read at its, or resized. Texts do without.
    """
    if spec.pool is None:
        return None
    public = spec.data_prior == "public" and _origin(spec.pool) != _origin(spec.victim.data)
    return DatasetPool(*as_victim_takes(spec.pool, spec, takes), public=public)


def _origin(data: Component) -> str:
    """The data set that holds the inputs of this one, too, or itself."""
    return registry().get(DatasetEntry, data.name).taken_from or data.name


def as_victim_takes(
    data: Component, spec: TrialSpec, takes: InputSpec | None
) -> tuple[Labelled, tuple[int, int] | None]:
    """The training split of a data set as the victim of a trial takes it, with the size of its images.

    Args:
        data: texts become ids as the victim's do, unless it says otherwise.
        spec: of the trial.
        takes: as of `load_pool`.
    """
    given = data.parameters
    if registry().get(DatasetEntry, data.name).inputs == "texts":
        same = {key: spec.victim.data.parameters.get(key) for key in ("length", "words") if given.get(key) is None}
        given = {**given, **same}
    size = (takes.shape[1], takes.shape[2]) if takes is not None and len(takes.shape) == 3 else None
    return load_dataset(Component(data.name, given), "train", size), size


def fashion_mnist_10k(split: Split, parameters: FilesParameters) -> Dataset:
    """Fashion-MNIST's first 8,000 training and 2,000 test images, which ship with mebench; 1x28x28."""
    return _read_idx_pair(FASHION_MNIST_10K, split, parameters)


def fashion_mnist(split: Split, parameters: FilesParameters) -> Dataset:
    """Fashion-MNIST, 1x28x28."""
    return _read_idx_pair(FASHION_MNIST, split, parameters)


def mnist(split: Split, parameters: FilesParameters) -> Dataset:
    """MNIST, 1x28x28."""
    return _read_idx_pair(MNIST, split, parameters)


def cifar10(split: Split, parameters: FilesParameters) -> Dataset:
    """CIFAR-10, 3x32x32."""
    found = require(CIFAR10, parameters.root)
    data = read_with_torchvision(CIFAR10, found, train=split == "train")
    images = torch.from_numpy(data.data).permute(0, 3, 1, 2).contiguous()
    dataset = Dataset("cifar10", images, torch.tensor(data.targets), 10, found.place)
    return select_rows(dataset, parameters.rows, split)


def svhn(split: Split, parameters: FilesParameters) -> Dataset:
    """SVHN in its cropped form, 3x32x32; class 0 is the digit 0."""
    found = require(SVHN, parameters.root)
    data = read_with_torchvision(SVHN, found, split=split)
    images = torch.from_numpy(data.data).contiguous()
    dataset = Dataset("svhn", images, torch.from_numpy(data.labels), 10, found.place)
    return select_rows(dataset, parameters.rows, split)


def training_only(name: str, split: Split) -> None:
    """Refuse the test split of a data set that has none.

    Raises:
        ConfigurationError: it was asked for.
    """
    if split != "train":
        raise ConfigurationError(f"data set {name!r} has no test split: it is for pools")


def select_rows(dataset: Kept, rows: Sequence[int] | None, split: Split) -> Kept:
    """Keep rows [start, stop) of a data set; all for None.

    Raises:
        ConfigurationError: not two increasing numbers inside the split.
    """
    chosen = range_of(rows, len(dataset), dataset.name, split)
    return dataset if rows is None else dataset.subset(torch.arange(chosen.start, chosen.stop))


def range_of(
    rows: Sequence[int] | None, count: int, name: str, split: Split, what: str = "rows", of: str = "the {} split's size"
) -> range:
    """What [start, stop) stands for; all for None.

    Args:
        rows: as given.
        count: how many there are.
        name: the data set's, for messages.
        split: for messages.
        what, of: the parameter and what is counted, for messages.

    Raises:
        ConfigurationError: not two increasing numbers up to ``count``.
    """
    if rows is None:
        return range(count)
    if len(rows) != 2 or not 0 <= rows[0] < rows[1] <= count:
        raise ConfigurationError(
            f"data set {name!r}: {what} must be [start, stop] with 0 <= start < stop <= {count} "
            f"({of.format(split)}), not {list(rows)}"
        )
    return range(*rows)


def _read_idx_pair(layout: Layout, split: Split, parameters: FilesParameters) -> Dataset:
    found = require(layout, parameters.root)
    return select_rows(idx_dataset(layout, found, split), parameters.rows, split)


def idx_dataset(layout: Layout, found: Found, split: Split) -> Dataset:
    """Read one split from the idx files of the place where it was found; 10 classes."""
    prefix = "train" if split == "train" else "t10k"
    images = read_idx(found.file(f"{prefix}-images-idx3-ubyte"), 3)
    labels = read_idx(found.file(f"{prefix}-labels-idx1-ubyte"), 1)
    if len(images) != len(labels):
        raise DataUnavailableError(
            f"{found.folder}: {len(images)} {split} images but {len(labels)} labels; the files do not belong together"
        )
    return Dataset(layout.name, images.unsqueeze(1), labels.long(), 10, found.place)
