"""ImageNet at small sizes in its published formats, and pickles that want more than arrays."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from data_files import pictures
from PIL import Image

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.spec import Component
from mebench.data.datasets import load_dataset
from mebench.data.downsampled_imagenet import _unpickled

SIZES = {"imagenet-32": 32, "imagenet-64": 64}


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


def load(split="train", name="imagenet-32", **parameters):
    return load_dataset(Component(name, parameters), split)


def contents(size, seed, count=12):
    """Pixels as published, row by row of red, then green, then blue, and labels from 1."""
    images, _ = pictures(count, 3, size, seed)
    labels = (np.arange(count) * 91 + seed) % 1000 + 1
    return images, labels, {"data": images.reshape(count, -1), "labels": labels, "mean": images.mean(0).ravel()}


def write_npz(folder, size=32):
    folder.mkdir(exist_ok=True)
    for seed, name in ((1, "train_data_batch_1"), (2, "train_data_batch_2"), (3, "val_data")):
        np.savez(folder / f"{name}.npz", **contents(size, seed)[2])
    return folder


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(("split", "seed"), [("train", 1), ("test", 3)])
def test_npz_files_are_read_exactly(tmp_path, name, split, seed):
    dataset = load(split, name, root=str(write_npz(tmp_path / "mine", SIZES[name])))
    images, labels, _ = contents(SIZES[name], seed)
    np.testing.assert_array_equal(dataset.images.numpy(), images)
    np.testing.assert_array_equal(dataset.labels.numpy(), labels - 1)
    assert dataset.num_classes == 1000


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("as_list", [True, False])
def test_pickles_of_any_protocol_are_read_exactly(tmp_path, protocol, as_list):
    images, labels, held = contents(32, 1)
    held = {**held, "labels": labels.tolist() if as_list else labels, "mean": held["mean"][0]}
    (tmp_path / "train_data_batch_1").write_bytes(pickle.dumps(held, protocol))
    dataset = load(root=str(tmp_path))
    np.testing.assert_array_equal(dataset.images.numpy(), images)
    np.testing.assert_array_equal(dataset.labels.numpy(), labels - 1)


def test_pickles_of_old_numpy_are_read(tmp_path):
    images, _, held = contents(32, 1)
    content = pickle.dumps(held, 2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (tmp_path / "train_data_batch_1").write_bytes(content)
    np.testing.assert_array_equal(load(root=str(tmp_path)).images.numpy(), images)


class Evil:
    def __init__(self, call, *arguments, state=None):
        self.given = (call, arguments, state) if state else (call, arguments)

    def __reduce__(self):
        return self.given


@pytest.mark.parametrize("call", [os.system, eval, np.load, getattr])
def test_a_pickle_that_wants_to_call_something_is_refused_before_it_does(tmp_path, call):
    proof = tmp_path / "proof"
    (tmp_path / "train_data_batch_1").write_bytes(pickle.dumps({"data": Evil(call, f"touch {proof}"), "labels": []}))
    with pytest.raises(DataUnavailableError, match="it wants to call") as caught:
        load(root=str(tmp_path))
    assert "\n" not in str(caught.value)
    assert not proof.exists()


@pytest.mark.parametrize("name", ["V8", "O", ">i8"])
def test_types_of_values_that_are_no_plain_numbers_are_refused(tmp_path, name):
    """A made-up field may lie outside of the array, and a made-up object anywhere in memory."""
    state = (3, "|", None, ("x",), {"x": (np.dtype("u1"), 4096)}, 8, 1, 16)
    made_up = pickle.dumps({"data": Evil(np.dtype, name, False, True, state=state), "labels": []})
    (tmp_path / "train_data_batch_1").write_bytes(made_up)
    with pytest.raises(DataUnavailableError, match="and no numbers"):
        load(root=str(tmp_path))


def test_a_type_of_numbers_takes_no_fields_from_a_pickle(tmp_path):
    state = (3, "|", None, ("x",), {"x": (np.dtype("u1"), 4096)}, 8, 1, 16)
    file = tmp_path / "mine"
    file.write_bytes(pickle.dumps({"data": Evil(np.dtype, "i8", False, True, state=state)}))
    assert _unpickled(file)["data"] == np.dtype("i8")
    assert np.dtype("i8").fields is None


def test_an_npz_file_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "train_data_batch_1.npz", data=np.array([Evil(os.system, "true")]), labels=[1])
    with pytest.raises(DataUnavailableError, match=r"train_data_batch_1\.npz: not as published"):
        load(root=str(tmp_path))


def test_files_choose_and_are_joined_in_their_order(tmp_path):
    folder = str(write_npz(tmp_path / "mine"))
    both = load(root=folder, files=[0, 2])
    np.testing.assert_array_equal(both.images.numpy(), np.concatenate([contents(32, seed)[0] for seed in (1, 2)]))
    assert (load(root=folder, files=[1, 2], rows=[3, 5]).images == both.images[15:17]).all()
    with pytest.raises(DataUnavailableError, match=r"lacks train_data_batch_3\.npz"):
        load(root=folder, files=[0, 3])
    with pytest.raises(ConfigurationError, match=r"files: must be \[start, stop\] with start below stop"):
        load(root=folder, files=[3, 3])


def test_grey_is_pillows_grey(tmp_path):
    dataset = load(root=str(write_npz(tmp_path / "mine")), colour="grey")
    theirs = [np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in contents(32, 1)[0]]
    np.testing.assert_allclose(dataset.images[:, 0].numpy(), theirs, atol=1)


def test_a_file_of_another_size_or_cut_off_is_one_line(tmp_path):
    folder = write_npz(tmp_path / "mine", size=16)
    with pytest.raises(DataUnavailableError, match="as many rows of 3072 bytes as labels"):
        load(root=str(folder))
    file = folder / "train_data_batch_1.npz"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataUnavailableError, match="not as published"):
        load(root=str(folder))


def test_without_the_files_one_line_says_what_to_put_where():
    with pytest.raises(
        DataUnavailableError, match=r"Put the unpacked files of Imagenet32_train .*image-net\.org"
    ) as caught:
        load()
    assert "\n" not in str(caught.value)
