"""A training that is stopped or killed goes on to the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_training import RECIPE, generator, network, toy
from torch import nn

from mebench.api.progress import Stopped
from mebench.data.pools import DatasetPool
from mebench.models.victims.kept_training import KeptTraining
from mebench.models.victims.training import train_classifier

ADAM = replace(RECIPE, optimizer="adam", weight_decay=1e-3, schedule="cosine", augment="crop-flip")
SGD = replace(RECIPE, momentum=0.9, schedule="multistep")
BATCHES = 9


def dropping() -> nn.Module:
    """A network that draws random numbers and counts batches."""
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 10))


def trained(recipe, file: Path | None = None, moments=(), seconds: float = 1e9, exception=None) -> nn.Module:
    """Train; break off after so many batches of each try, asked to stop or by an exception, as a kill would."""
    data = toy(48)
    for moment in [*moments, None]:
        module, asked = dropping(), iter(range(1000))
        torch.manual_seed(7)

        def should_stop(asked=asked, moment=moment) -> bool:
            late = moment is not None and next(asked) >= moment
            if late and exception is not None:
                raise exception
            return late

        kept = KeptTraining(file, seconds) if file else None
        arguments = {"generator": generator(), "should_stop": should_stop, "kept": kept}
        try:
            train_classifier(module, DatasetPool(data), data.labels, recipe, **arguments)
        except (Stopped, KeyboardInterrupt):
            continue
    return module


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("recipe", [ADAM, SGD], ids=["adam", "sgd"])
def test_a_training_that_is_stopped_at_any_batch_ends_with_the_same_weights(recipe, tmp_path: Path) -> None:
    whole = trained(recipe)
    for moment in range(BATCHES):
        assert same(trained(recipe, tmp_path / f"{moment}.safetensors", [moment]), whole), moment
    assert same(trained(recipe, tmp_path / "often.safetensors", [2, 0, 1, 3]), whole)


def test_a_training_that_is_killed_goes_on_from_what_was_saved_last(tmp_path: Path) -> None:
    file = tmp_path / "training.safetensors"
    assert same(trained(ADAM, file, [5, 2], seconds=0.0, exception=KeyboardInterrupt()), trained(ADAM))
    assert file.exists()


def test_a_training_goes_on_and_does_not_start_anew(tmp_path: Path) -> None:
    file, told = tmp_path / "training.safetensors", []
    trained(ADAM, file, [7])  # its last try is whole, and leaves the file to its owner
    data = toy(48)
    train_classifier(
        dropping(),
        DatasetPool(data),
        data.labels,
        ADAM,
        generator=generator(),
        kept=KeptTraining(file),
        on_progress=told.append,
    )
    assert [one.done for one in told] == [2, 3]


@pytest.mark.parametrize("damage", ["cut", "empty", "other network", "other threads"])
def test_what_was_saved_and_cannot_be_used_is_left_out(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "training.safetensors"
    data, stops = toy(48), iter([False] * 4 + [True] * 9)
    module = network() if damage == "other network" else dropping()
    arguments = {"generator": generator(), "should_stop": lambda: next(stops), "kept": KeptTraining(file)}
    with pytest.raises(Stopped):
        train_classifier(module, DatasetPool(data), data.labels, ADAM, **arguments)
    content = file.read_bytes()
    if damage in ("cut", "empty"):
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    if damage == "other threads":
        threads = str(torch.get_num_threads()).encode()
        file.write_bytes(
            content.replace(b'"cpu", "' + threads + b'"', b'"cpu", "7"').replace(
                b'\\"cpu\\", \\"' + threads, b'\\"cpu\\", \\"7'
            )
        )
        assert file.read_bytes() != content
    assert same(trained(ADAM, file), trained(ADAM))


def test_a_disk_that_takes_no_file_does_not_end_a_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # where a folder would have to be
    assert same(trained(ADAM, tmp_path / "file" / "training.safetensors", seconds=0.0), trained(ADAM))
