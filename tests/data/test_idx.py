"""The idx reader: exact on what is published, and a clear error for everything else."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import torch
from data_files import idx_bytes

from mebench.api.errors import DataUnavailableError
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.idx import read_idx, write_idx
from mebench.testing.audit import audited

VALUES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_plain_and_compressed_files_are_read_whatever_their_name(tmp_path, compress):
    path = tmp_path / "images"
    path.write_bytes(compress(idx_bytes(VALUES)))
    read = read_idx(path, 3)
    assert read.dtype == torch.uint8
    np.testing.assert_array_equal(read.numpy(), VALUES)


def test_what_is_written_is_read_and_equal_values_are_equal_bytes(tmp_path):
    for name in "ab":
        write_idx(tmp_path / name, torch.from_numpy(VALUES))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert gzip.decompress((tmp_path / "a").read_bytes()) == idx_bytes(VALUES)
    np.testing.assert_array_equal(read_idx(tmp_path / "a", 3).numpy(), VALUES)


def test_what_was_read_before_is_read_as_it_is_now_and_is_nobody_elses(tmp_path):
    write_idx(tmp_path / "a", torch.from_numpy(VALUES))
    read_idx(tmp_path / "a", 3).zero_()
    np.testing.assert_array_equal(read_idx(tmp_path / "a", 3).numpy(), VALUES)
    write_idx(tmp_path / "a", torch.from_numpy(VALUES) + 1)
    np.testing.assert_array_equal(read_idx(tmp_path / "a", 3).numpy(), VALUES + 1)


def test_whoever_listens_hears_of_each_time_that_data_is_read():
    for _ in range(2):
        with audited("nobody") as heard:
            load_dataset(Component("fashion-mnist-10k", {}), "test")
        assert "reads a file of victims or data (t10k-images-idx3-ubyte.gz)" in heard


GOOD = idx_bytes(VALUES)
COMPRESSED = gzip.compress(GOOD, mtime=0)  # no time of day: test names are made of these bytes


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "only 0 bytes"),
        (GOOD[:7], "only 7 bytes"),
        (b"\x89PNG" + GOOD[4:], "starts with 89504e47"),
        (struct.pack(">HBB", 0, 0x0D, 3) + GOOD[4:], "magic number of unsigned bytes"),
        (idx_bytes(VALUES[0]) + b"1234", "has 2 dimensions where 3 are needed"),
        (GOOD[:-1], "promises 24 bytes of data, it holds 23"),
        (GOOD + b"\0", "promises 24 bytes of data, it holds 25"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2**31), "it holds 0"),
        (idx_bytes(VALUES[:0]), "is empty"),
        (COMPRESSED[:-9], "damaged gzip data"),
        (COMPRESSED[:20] + b"xxxx" + COMPRESSED[24:], "damaged gzip data"),
        (b"\x1f\x8b not gzip", "damaged gzip data"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, content, problem):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataUnavailableError, match=problem) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DataUnavailableError, match=r"nothing: cannot be read \(No such file"):
        read_idx(tmp_path / "nothing", 3)
