"""What a model file is, by its first bytes and the names in it. Nothing is unpickled, and nothing of it runs."""

from __future__ import annotations

import json
import pickletools
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

Family = Literal["safetensors", "torchscript", "pickle", "export", "other"]

AGAIN = "copy or download it again"
_HEAD = 512
_LONGEST_HEADER = 10**8
"""What safetensors takes, at most."""
_LOOKED_AT = 2**20
"""Bytes of a pickle that are looked at, at most."""
_PICKLES = 5
"""Pickles that one file holds, at most: the old format of torch has three before what was saved."""
_NESTED = ("state_dict", "model_state_dict", "model_state", "model", "net", "network")
"""Under which names training scripts put a state dict into what they save."""
_HARMLESS = ("torch", "collections", "numpy", "_codecs", "builtins", "__builtin__")
"""Packages whose classes a state dict needs."""


@dataclass(frozen=True)
class FileKind:
    """What a file is.

    Attributes:
        family: how it could be used.
        words: what it is, after "is".
        advice: what to do; empty where there is nothing to say.
    """

    family: Family
    words: str
    advice: str = ""


def kind_of(path: Path) -> FileKind | None:
    """Say what a model file is; None if nothing is known of it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return FileKind("other", "an empty file", AGAIN)
    if head.startswith(b"PK"):
        return _zip(path)
    if _is_safetensors(head):
        return FileKind("safetensors", "a safetensors file", "give it as `weights` beside `factory` or `network`")
    if _is_pickle(head):
        with path.open("rb") as file:
            return _pickled(file.read(_LOOKED_AT), path)
    return next((kind for is_it, kind in _BY_HEAD if is_it(head)), None)


def _starts(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(magic)


_LOAD_IN_FACTORY = "load it in a factory of yours, which returns a torch module"
_BY_HEAD: tuple[tuple[Callable[[bytes], bool], FileKind], ...] = (
    (
        _starts(b"version https://git-lfs"),
        FileKind("other", "a git-lfs pointer in place of the file", "fetch it with `git lfs pull`"),
    ),
    (
        _starts(b"<!doctype", b"<html", b"<head", b"<?xml", b"<error"),
        FileKind("other", "a web page", "download the file itself, not the page that shows it"),
    ),
    (_starts(b"\x89hdf"), FileKind("other", "an HDF5 file, as Keras writes them", _LOAD_IN_FACTORY)),
    (_starts(b"gguf"), FileKind("other", "a GGUF file", _LOAD_IN_FACTORY)),
    (_starts(b"\x93numpy"), FileKind("other", "a NumPy array", _LOAD_IN_FACTORY)),
    (_starts(b"\x1f\x8b"), FileKind("other", "a gzip file", "unpack it first")),
    (_starts(b"7z\xbc\xaf"), FileKind("other", "a 7-zip archive", "unpack it first")),
    (lambda head: head[257:262] == b"ustar", FileKind("other", "a tar archive", "unpack it first")),
    (_starts(b"{", b"["), FileKind("other", "a JSON file", "name the file with the tensors")),
    (lambda head: not head.strip(b"\0"), FileKind("other", "a file of zeros", AGAIN)),
    (lambda head: b"onnx" in head[:64].lower(), FileKind("other", "an ONNX file", _LOAD_IN_FACTORY)),
)


def _is_safetensors(head: bytes) -> bool:
    """Whether a header of JSON follows its length, whole or cut off."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < _LONGEST_HEADER


def _is_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05"


def _zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            inside = {name.partition("/")[2] for name in names}
            if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
                return FileKind("torchscript", "a TorchScript file", "give it as `torchscript`")
            if "archive_format" in inside or any(name.endswith("exported_program.json") for name in names):
                advice = "load it in a factory of yours: torch.export.load(FILE).module()"
                return FileKind("export", "a program of torch.export", advice)
            if "data.pkl" in inside:
                pickled = next(name for name in names if name.endswith("/data.pkl"))
                with archive.open(pickled) as file:
                    return _pickled(file.read(_LOOKED_AT), path)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
        return FileKind("other", "an archive that is cut off or damaged", AGAIN)
    if names and all(name.endswith(".npy") for name in names):
        return FileKind("other", "an archive of NumPy arrays", _LOAD_IN_FACTORY)
    if "model.weights.h5" in names:
        return FileKind("other", "a model of Keras", _LOAD_IN_FACTORY)
    return FileKind("other", "a zip archive of something else", "name the model file in it")


def _pickled(pickled: bytes, path: Path) -> FileKind:
    """A pickle, with what to do about it by what its operations name."""
    strings, classes = _named(pickled)
    if whole := next(filter(_of_a_model, classes), None):
        words = f"a pickle of a whole model (it needs the class {whole}), which mebench never opens"
        advice = "where its classes are, convert its state_dict() with safetensors.torch.save_file"
        return FileKind("pickle", words, advice)
    loaded = f"torch.load({json.dumps(path.name)}, map_location='cpu')"
    if key := next((key for key in strings if key in _NESTED), None):
        loaded += f"[{key!r}]"
    advice = f"convert pickled weights with safetensors.torch.save_file({loaded}, FILE), and give FILE as `weights`"
    return FileKind("pickle", "a pickle, as torch.save writes them, which mebench never opens", advice)


def _of_a_model(name: str) -> bool:
    """Whether a pickle that needs this class holds more than tensors."""
    return name.startswith("torch.nn.modules.") or name.partition(".")[0] not in _HARMLESS


def _named(pickled: bytes) -> tuple[list[str], list[str]]:
    """The strings and the classes that the operations of a pickle name; none of them is carried out."""
    strings: list[str] = []
    classes: list[str] = []
    for operation, argument in _operations(pickled):
        if operation == "GLOBAL":
            classes.append(argument.replace(" ", "."))
        elif operation == "STACK_GLOBAL" and len(strings) > 1:
            classes.append(".".join(strings[-2:]))
        else:
            strings.append(argument)
    return strings, classes


def _operations(pickled: bytes) -> Iterator[tuple[str, str]]:
    """Names of operations with the texts that they take, until the bytes end or are no pickle any more."""
    stream = BytesIO(pickled)
    for _ in range(_PICKLES):
        try:
            for operation, argument, _position in pickletools.genops(stream):
                if isinstance(argument, str) or operation.name == "STACK_GLOBAL":
                    yield operation.name, str(argument)
        except ValueError:
            return
