"""The clone of a finished trial is told from another, and from half of one, by those who read or copy it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from make_results import make_spec, make_trial
from safetensors.torch import save_file

from mebench.cli import main
from mebench.models.weights import weights_hash
from mebench.results.clone_file import clone_problem
from mebench.results.trial_folder import TrialFolder

SPEC = make_spec("dfme")
TENSORS = {
    "layer.weight": torch.arange(6.0).reshape(2, 3),
    "bias": torch.ones(3, dtype=torch.bfloat16),
    "count": torch.tensor(7),
    "none": torch.zeros(0, 4),
    "mask": torch.tensor([True, False]),
    **{str(kind): torch.ones(2, dtype=kind) for kind in (torch.float16, torch.float64, torch.int8, torch.uint8)},
}


def finished(root: Path, tensors: dict[str, torch.Tensor] | None = None) -> TrialFolder:
    """A finished trial with its clone."""
    folder = make_trial(root, SPEC, 0.5)
    save_file(TENSORS, folder.path / "clone.safetensors", metadata={"a": "b"})
    clone = {"weights_hash": weights_hash(tensors or TENSORS), "parameters": 12}
    folder.finish(folder.result() | {"clone": clone})
    return folder


def test_a_clone_that_was_scored_is_sound_without_torch(tmp_path: Path) -> None:
    assert clone_problem(finished(tmp_path)) == ""


def test_a_result_without_a_hash_says_nothing_of_its_clone(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    folder.finish({key: value for key, value in folder.result().items() if key not in ("clone", "seal", "curve")})
    assert clone_problem(folder) == ""


def edit(file: Path) -> None:
    save_file({**TENSORS, "count": torch.tensor(8)}, file)


def swap(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def in_place(file: Path) -> None:
    file.unlink()
    file.mkdir()


CHANGED = "clone.safetensors was changed after the trial had ended: its weights are not those of result.json"
CUT = "clone.safetensors is cut off or no safetensors file"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "other values": (edit, CHANGED),
    "a flipped bit": (swap, CHANGED),
    "cut": (lambda file: os.truncate(file, 900), CUT),
    "cut in its header": (lambda file: os.truncate(file, 50), CUT),
    "longer": (lambda file: file.write_bytes(file.read_bytes() + b"x"), CUT),
    "empty": (lambda file: file.write_bytes(b""), CUT),
    "text": (lambda file: file.write_text("no tensors here, and none ever were"), CUT),
    "no header": (lambda file: file.write_bytes(b"\2" + bytes(7) + b"[]"), CUT),
    "missing": (lambda file: file.unlink(), "clone.safetensors is missing"),
    "a link to nowhere": (lambda file: (file.unlink(), file.symlink_to("nowhere")), "clone.safetensors is missing"),
    "a folder": (in_place, "clone.safetensors cannot be read (a folder)"),
    "a pipe": (lambda file: (file.unlink(), os.mkfifo(file)), "clone.safetensors cannot be read (no regular file)"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_clone_that_is_not_the_one_that_was_scored_is_said(kind: str, tmp_path: Path) -> None:
    damage, words = DAMAGES[kind]
    folder = finished(tmp_path)
    damage(folder.path / "clone.safetensors")
    assert clone_problem(folder) == words


Said = Callable[..., list[str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def run(*words: object) -> list[str]:
        assert main([str(word) for word in words]) == 0
        told = capsys.readouterr()
        return (told.out + told.err).splitlines()

    return run


def test_status_reads_clones_where_it_is_asked_to(tmp_path: Path, said: Said) -> None:
    folder = finished(tmp_path)
    assert not any("safetensors" in line for line in said("status", tmp_path, "--clones"))
    edit(folder.path / "clone.safetensors")
    assert not any("safetensors" in line for line in said("status", tmp_path))
    assert said("status", tmp_path, "--clones")[-1] == f"note: {folder.path}: {CHANGED}; its result counts"
    (told,) = json.loads("".join(said("status", tmp_path, "--clones", "--json")))
    assert (told["states"], told["clones"]) == ({"done": 1}, {SPEC.id: CHANGED})
    (folder.path / "clone.safetensors").unlink()
    assert said("status", tmp_path, "--clones")[-1] == (
        f"note: 1 trial without its clone, such as {folder.path}; results count"
    )


def test_show_tells_of_a_clone_that_is_not_the_one_that_was_scored(tmp_path: Path, said: Said) -> None:
    folder = finished(tmp_path)
    assert not any(
        line.startswith("clone ") and "safetensors" in line for line in said("show", SPEC.id, "--out", tmp_path)
    )
    edit(folder.path / "clone.safetensors")
    assert f"{'clone file':<18} {CHANGED}" in said("show", SPEC.id, "--out", tmp_path)


def test_merge_tells_of_clones_that_it_has_copied_and_counts_their_results(tmp_path: Path, said: Said) -> None:
    folder = finished(tmp_path / "one")
    edit(folder.path / "clone.safetensors")
    lines = said("merge", tmp_path / "all", tmp_path / "one")
    assert f"note: {tmp_path / 'all' / SPEC.id}: {CHANGED}; its result counts" in lines


def test_reading_clones_again_and_again_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(tmp_path)
    assert main(["status", str(tmp_path), "--clones", "--watch"]) == 2
    assert "--clones is for one look: leave --watch out" in capsys.readouterr().err
