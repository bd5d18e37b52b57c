"""A file that is no usable model is told by what it is, and by what to do; nothing of it is unpickled or run."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file, save_model
from torch import nn

from mebench.api.errors import ConfigurationError
from mebench.models.victims.file_kinds import kind_of
from mebench.models.victims.files import existing
from mebench.models.victims.torchscript import load_torchscript
from mebench.models.victims.weight_files import load_weights
from mebench.models.weights import weights_hash


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


class Own(nn.Module):
    """A class that only this file knows."""


class Boom:
    """Fails where it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def half_of(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickled(what, old=False):
    return lambda path: torch.save(what, path, _use_new_zipfile_serialization=not old)


def zipped(**files):
    def write(path):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name.replace("__", "/"), content)

    return write


def cut_archive(path):
    pickled(network().state_dict())(path)
    half_of(path)


def npz(path):
    with path.open("wb") as file:
        np.savez(file, a=np.zeros(3))


def text(words):
    return lambda path: path.write_bytes(words)


STATE = network().state_dict()
OTHERS = [
    (pickled(STATE), r"a pickle, as torch\.save .*save_file\(torch\.load\(\"m\.pt\", map_location='cpu'\), FILE\)"),
    (pickled(STATE, old=True), r"a pickle, .*convert pickled weights"),
    (pickled({"epoch": 3, "state_dict": STATE}), r"map_location='cpu'\)\['state_dict'\], FILE\)"),
    (pickled({"model": STATE, "epoch": 3}, old=True), r"map_location='cpu'\)\['model'\], FILE\)"),
    (pickled(network()), r"a whole model \(it needs the class torch\.nn\.modules\.container\.Sequential\)"),
    (pickled(Own()), r"a whole model \(it needs the class test_model_files\.Own\).*state_dict\(\)"),
    (pickled(Own(), old=True), r"a whole model \(it needs the class test_model_files\.Own\)"),
    (pickled(Boom()), "a whole model"),
    (text(b""), "an empty file"),
    (text(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git-lfs pointer.*git lfs pull"),
    (text(b"\n<!DOCTYPE html><html>"), "a web page"),
    (text(b"<?xml version='1.0'?><Error/>"), "a web page"),
    (text(json.dumps({"weight_map": {}}).encode()), "a JSON file"),
    (text(b"\x89HDF\r\n\x1a\n" + bytes(90)), "HDF5"),
    (text(b"\x1f\x8b" + bytes(90)), "a gzip file: unpack it"),
    (text(bytes(600)), "a file of zeros"),
    (zipped(readme="hello"), "a zip archive of something else"),
    (zipped(m__models="", m__archive_format="pt2"), r"torch\.export: load it in a factory"),
    (cut_archive, "cut off or damaged"),
    (npz, "NumPy arrays"),
]


@pytest.mark.parametrize(("write", "said"), OTHERS)
def test_a_file_of_another_kind_is_named_where_weights_or_torchscript_are_wanted(tmp_path, write, said):
    path = tmp_path / "m.pt"
    write(path)
    for load, wanted in (
        (lambda: load_weights(network(), path, "mine"), "is not a usable safetensors file, but "),
        (lambda: load_torchscript(path, "mine", "cpu"), "is not a TorchScript file, but "),
    ):
        with pytest.raises(ConfigurationError, match=said) as caught:
            load()
        assert str(caught.value).startswith(f"victim 'mine': {path} {wanted}")
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_weights_and_torchscript_in_each_others_place_are_said_to_be_that(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    torch.jit.trace(network(), torch.zeros(1, 4)).save(str(tmp_path / "s.pt"))
    with pytest.raises(ConfigurationError, match="but a safetensors file: give it as `weights`"):
        load_torchscript(tmp_path / "w.safetensors", "mine", "cpu")
    with pytest.raises(ConfigurationError, match="but a TorchScript file: give it as `torchscript`"):
        load_weights(network(), tmp_path / "s.pt", "mine")
    assert load_torchscript(tmp_path / "s.pt", "mine", "cpu")(torch.zeros(2, 4)).shape == (2, 3)


def test_weights_that_are_cut_off_are_to_be_copied_again(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    half_of(tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match=r"not a usable safetensors file \(.*\); copy or download it again"):
        load_weights(network(), tmp_path / "w.safetensors", "mine")


def test_a_file_of_which_nothing_is_known_is_told_with_the_readers_reason(tmp_path):
    (tmp_path / "m.pt").write_bytes(b"hello")
    assert kind_of(tmp_path / "m.pt") is None
    with pytest.raises(ConfigurationError, match=r"not a usable safetensors file \(.*\); convert pickled weights"):
        load_weights(network(), tmp_path / "m.pt", "mine")


@pytest.mark.parametrize(
    ("file", "said"),
    [(".", "a folder: name the file in it"), ("/dev/null", "no regular file"), ("n" * 300, "File name too long")],
)
def test_what_is_no_file_is_said_to_be_none(file, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        existing(file, "mine")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda key, value: ("module." + key, value), "the file begin with 'module.', as DataParallel puts it"),
        (lambda key, value: ("_orig_mod." + key, value), "the file begin with '_orig_mod.', as torch.compile puts it"),
        (lambda key, value: ("a.b." + key, value), "the file begin with 'a.b.'; take it off"),
        (lambda key, value: (key.removeprefix("1."), value), "the network begin with '1.'; take it off or put it on"),
        (lambda key, value: (key, value.to(torch.int8)), "types: 1.bias is int8 where float32 is needed"),
        (lambda key, value: (key, value.to(torch.complex64)), "1.bias is complex64 where float32 is needed"),
    ],
)
def test_what_does_not_fit_is_told_with_what_stands_in_the_way(tmp_path, change, said):
    save_file(dict(change(key, value) for key, value in STATE.items()), tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match=said):
        load_weights(network(), tmp_path / "w.safetensors", "mine")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_loaded_as_their_values(tmp_path, kind):
    save_file({key: value.to(kind) for key, value in STATE.items()}, tmp_path / "w.safetensors")
    loaded = network()
    load_weights(loaded, tmp_path / "w.safetensors", "mine")
    for key, value in loaded.state_dict().items():
        assert value.equal(STATE[key].to(kind).float())


class Tied(nn.Module):
    """Two layers of one weight, which a buffer is too."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("memory", torch.zeros(3))
        self.register_buffer("again", self.memory)


@pytest.mark.parametrize("kept", ["first.weight", "second.weight"])
def test_names_that_share_memory_in_the_network_count_as_one(tmp_path, kept):
    """safetensors leaves all but one of them out."""
    values = torch.rand(4, 4)
    save_file({kept: values, "memory": torch.ones(3)}, tmp_path / "w.safetensors")
    tied = Tied()
    load_weights(tied, tmp_path / "w.safetensors", "mine")
    assert tied.second.weight.equal(values)
    assert tied.again.equal(torch.ones(3))


def test_what_safetensors_saves_of_a_tied_network_fits_it(tmp_path):
    saved, loaded = Tied(), Tied()
    save_model(saved, str(tmp_path / "w.safetensors"))
    assert len(load_file(tmp_path / "w.safetensors")) == 2
    load_weights(loaded, tmp_path / "w.safetensors", "mine")
    assert weights_hash(loaded.state_dict()) == weights_hash(saved.state_dict())


def test_names_that_share_memory_and_differ_in_the_file_do_not_fit(tmp_path):
    tensors = {"first.weight": torch.zeros(4, 4), "second.weight": torch.ones(4, 4), "memory": torch.zeros(3)}
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match=r"first\.weight and second\.weight are one tensor in the net"):
        load_weights(Tied(), tmp_path / "w.safetensors", "mine")


def test_a_missing_name_that_shares_nothing_stays_missing(tmp_path):
    save_file({"first.weight": torch.zeros(4, 4)}, tmp_path / "w.safetensors")
    with pytest.raises(ConfigurationError, match=r"missing: again, memory$"):
        load_weights(Tied(), tmp_path / "w.safetensors", "mine")


@pytest.mark.filterwarnings("ignore")
def test_quantised_networks_are_told_apart_by_their_values():
    def quantised(seed):
        torch.manual_seed(seed)
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)), {nn.Linear}, torch.qint8)

    one, same, other = (weights_hash(quantised(seed).state_dict()) for seed in (0, 0, 1))
    assert one == same != other


@pytest.mark.filterwarnings("ignore")
def test_a_network_that_no_file_of_tensors_can_fill_says_so(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    quantised = torch.ao.quantization.quantize_dynamic(network(), {nn.Linear}, torch.qint8)
    with pytest.raises(ConfigurationError, match=r"is no tensor but a .*; load the weights in the factory"):
        load_weights(quantised, tmp_path / "w.safetensors", "mine")
