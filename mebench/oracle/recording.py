"""Recording every answered query of a trial on disk, in constant memory, and reading it back in batches."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mebench.api.contract import InputSpec, Purpose, Response
from mebench.api.errors import ResultsError
from mebench.oracle.observer import Observer

CHUNK_BYTES = 16 * 2**20
_TYPES = {"U8": "|u1", "F16": "<f2", "F32": "<f4", "I32": "<i4"}

Array = NDArray[Any]


class QueryRecorder(Observer):
    """Appends what an oracle answers to a file of fixed-size rows, which a checkpoint cuts off where it was taken.

    Explanations are not recorded: what is compared are the queries.

    Args:
        path: of the rows, while the trial runs.
        spec: of the inputs.
        probabilities: whether answers hold probabilities; labels are kept in any case.

    Attributes:
        rows: answered queries so far.
    """

    reads_values = True

    def __init__(self, path: Path, spec: InputSpec, probabilities: bool) -> None:
        self.path, self.rows = path, 0
        self._row = np.dtype(
            [
                *([("probabilities", "<f4", (spec.num_classes,))] if probabilities else []),
                ("queries", "<i4" if spec.discrete else "<f4", spec.shape),
                ("labels", "<i4"),
            ]
        )
        self._file: IO[bytes] | None = None
        self._digest, self._wanted = hashlib.blake2b(digest_size=16), ""

    def start(self) -> None:
        """Open the file, with the rows kept that there are: none, or those that a checkpoint knows of.

        Raises:
            ResultsError: it does not hold as many, or others.
        """
        self._digest = hashlib.blake2b(digest_size=16)
        if self.rows:
            self._check_rows()
        self._file = self.path.open("ab")
        self._file.truncate(self.rows * self._row.itemsize)

    def _check_rows(self) -> None:
        """Raise unless the file begins with the rows that a checkpoint knows of."""
        left = self.rows * self._row.itemsize
        try:
            with self.path.open("rb") as file:
                while left and (part := file.read(min(left, CHUNK_BYTES))):
                    self._digest.update(part)
                    left -= len(part)
        except OSError as error:
            raise ResultsError(f"{self.path}: {error.strerror}") from error
        if left:
            raise ResultsError(f"{self.path}: holds fewer queries than the checkpoint knows of")
        if self._digest.hexdigest() != self._wanted:
            raise ResultsError(f"{self.path}: holds other queries than the checkpoint knows of")

    def observe(self, inputs: Tensor, response: Response, purpose: Purpose) -> None:
        """Append B answered queries (B, \\*shape), whatever they are for."""
        assert self._file is not None, "start() comes first"
        block = np.zeros(len(inputs), self._row)
        block["queries"] = inputs.cpu().numpy()
        block["labels"] = response.labels.cpu().numpy()
        if "probabilities" in (self._row.names or ()):
            assert response.probabilities is not None
            block["probabilities"] = response.probabilities.cpu().numpy()
        written = block.tobytes()
        self._file.write(written)
        self._digest.update(written)
        self.rows += len(inputs)

    def flush(self) -> None:
        """Write what is buffered."""
        assert self._file is not None, "start() comes first"
        self._file.flush()

    def state_dict(self) -> dict[str, Any]:
        """How many rows are on the disk, and their digest; `start` cuts off what comes after them."""
        self.flush()
        return {"rows": self.rows, "digest": self._digest.hexdigest()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``; `start` comes after it."""
        self.rows, self._wanted = state["rows"], state["digest"]

    def compact(self, target: Path) -> None:
        """Write all rows as one safetensors file; inputs in the smallest type that holds each value exactly."""
        self.flush()
        held = {name: (*_small(name, self._chunks()),) for name in self._row.names or ()}
        order = sorted(held, key=lambda name: -np.dtype(_TYPES[held[name][0]]).itemsize)  # keeps them aligned
        header, end = {}, 0
        for name in order:
            shape = (self.rows, *self._row[name].shape)
            size = math.prod(shape) * np.dtype(_TYPES[held[name][0]]).itemsize
            header[name] = {"dtype": held[name][0], "shape": shape, "data_offsets": (end, end + size)}
            end += size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        partial = target.with_name(f".{target.name}")
        with partial.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                for chunk in self._chunks():
                    file.write(held[name][1](chunk[name]).tobytes())
        shutil.move(partial, target)

    def remove(self) -> None:
        """Delete the file of rows."""
        if self._file is not None:
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _chunks(self) -> Iterator[Array]:
        rows = max(1, CHUNK_BYTES // self._row.itemsize)
        with self.path.open("rb") as file:
            while len(block := np.fromfile(file, self._row, rows)):
                yield block


Convert = Callable[[Array], Array]


def _small(name: str, chunks: Iterator[Array]) -> tuple[str, Convert]:
    """The type in which a column is written, and how it gets there."""
    if name == "labels":
        return "I32", lambda values: values
    forms = _FORMS if name == "queries" else _FORMS[-1:]
    for chunk in chunks:
        if chunk[name].dtype.kind == "i":  # ids of words
            return "I32", lambda values: values
        while len(forms) > 1 and not np.array_equal(_restored(forms[0][1](chunk[name])), chunk[name]):
            forms = forms[1:]
    return forms[0]


_FORMS: tuple[tuple[str, Convert], ...] = (
    ("U8", lambda values: np.rint(values * 255).clip(0, 255).astype("|u1")),
    ("F16", lambda values: values.astype("<f2")),
    ("F32", lambda values: values),
)


def _restored(values: Array) -> Array:
    """The values that were recorded: bytes stand for n / 255, as pixels do; ids of words are int64."""
    if values.dtype.kind == "i":
        return values.astype(np.int64)
    floats: Array = values.astype(np.float32)
    return floats / np.float32(255) if values.dtype == np.uint8 else floats


class RecordedQueries:
    """Answered queries on disk, read in batches through a memory map.

    Args:
        path: what `QueryRecorder.compact` wrote.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        self._columns = {name: _mapped(path, 8 + size, entry) for name, entry in header.items()}

    def __len__(self) -> int:
        return len(self._columns["labels"])

    def batch(self, rows: Sequence[int] | Array) -> tuple[Tensor, Tensor]:
        """Return inputs (B, \\*shape) as asked, and the answers: probabilities (B, c), or labels (B,) int64."""
        inputs = torch.from_numpy(_restored(self._columns["queries"][rows]))
        if "probabilities" in self._columns:
            return inputs, torch.from_numpy(self._columns["probabilities"][rows])
        return inputs, torch.from_numpy(self._columns["labels"][rows]).long()


def _mapped(path: Path, start: int, entry: dict[str, Any]) -> Array:
    shape, kind = tuple(entry["shape"]), _TYPES[entry["dtype"]]
    if not math.prod(shape):
        return np.zeros(shape, kind)
    return np.memmap(path, kind, "r", start + entry["data_offsets"][0], shape)
