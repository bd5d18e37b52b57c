"""Pictures of adversarial examples, made from real tiny trials."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from trials import resolved, tiny_trial

from mebench.api.errors import ResultsError
from mebench.api.files import write_json
from mebench.api.spec import Component, TrialSpec
from mebench.cli import main
from mebench.models.victims.loading import prepare_victim
from mebench.registry.entries import MetricEntry
from mebench.report.figures.adversarial import draw_examples, read_examples, save_adversarial
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

TRANSFER = Component("transfer", {"epsilon": 0.25, "attacks": ["fgsm", "pgd"], "inputs": 20})


def run(root: Path, spec: TrialSpec) -> TrialFolder:
    folder = TrialFolder.of(root, spec)
    run_trial(spec, folder)
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two attacks; only the first was measured by the metric."""
    root = tmp_path_factory.mktemp("whole")
    run(root, tiny_trial(budget=200, evaluations=1, metrics=(resolved(TRANSFER, MetricEntry),)))
    run(root, tiny_trial("noise", budget=100, evaluations=1, parameters={"batch_size": 16}))
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return shutil.copytree(whole, tmp_path / "root")


def test_examples_are_of_inputs_that_the_victim_knows_and_labelled_by_it(root: Path) -> None:
    found, notes = read_examples([root], ["dfme"])
    (one,) = found
    assert notes == []
    assert (one.title, one.epsilon) == ("tiny, 200 queries", 0.25)
    assert [way.name for way in one.ways] == ["original", "FGSM", "PGD"]
    victim = prepare_victim(tiny_trial().victim)
    original = one.ways[0]
    assert original.labels.tolist() == list(range(10))
    places = [int((victim.test_inputs == picture).flatten(1).all(1).nonzero()[0]) for picture in original.pictures]
    assert victim.test_labels[places].tolist() == list(range(10))
    for way in one.ways:
        assert torch.equal(way.labels, victim.victim(way.pictures).argmax(1))
        assert (way.pictures - original.pictures).abs().max() <= 0.25 + 1e-6
    assert any(not torch.equal(way.labels, original.labels) for way in one.ways)


def test_a_trial_that_was_not_measured_is_drawn_with_the_defaults_of_the_metric(root: Path) -> None:
    (one,), _ = read_examples([root], ["noise/*"])
    assert one.epsilon == 0.1
    assert [way.name for way in one.ways] == ["original", "FGSM", "BIM", "PGD"]


def test_every_picture_has_its_place_and_the_file_is_the_same_every_time(root: Path, tmp_path: Path) -> None:
    found, _ = read_examples([root])
    figure = draw_examples(found)
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 10 * (3 + 4)
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    said = [text.get_text() for text in figure.texts]
    assert {"0 T-shirt/top", "8 Bag", "9 Ankle boot"} <= {*said}
    assert sum("→" in text for text in said) == sum(
        int((way.labels != one.ways[0].labels).sum()) for one in found for way in one.ways
    )
    for name in ("a.png", "b.png"):
        save_adversarial([root], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_what_has_no_clone_is_left_out_and_named(root: Path) -> None:
    (folder,) = root.glob("noise*")
    (folder / "clone.safetensors").write_bytes(b"no clone")
    (one,), notes = read_examples([root])
    assert one.name.startswith("dfme")
    (note,) = notes
    assert note.startswith("left out noise")
    assert "does not fit mlp" in note
    (folder / "clone.safetensors").unlink()
    with pytest.raises(ResultsError, match=r"no trial to make adversarial examples of .*no such file"):
        read_examples([root], ["noise"])


def test_a_clone_that_is_not_the_one_that_was_scored_is_left_out_and_named(root: Path) -> None:
    file = next(root.glob("noise*")) / "clone.safetensors"
    changed = {name: value + 1e-6 for name, value in load_file(file).items()}
    save_file(changed, file)
    with pytest.raises(ResultsError, match=r"clone\.safetensors: was changed after the trial had ended: its weights"):
        read_examples([root], ["noise"])


def test_a_clone_of_a_result_that_tells_no_weights_is_drawn(root: Path) -> None:
    (folder,) = root.glob("noise*")
    result = unsealed(folder)
    del result["clone"]["weights_hash"]
    write_json(folder / "result.json", result)
    assert len(read_examples([root], ["noise"])[0]) == 1


def unsealed(folder: Path) -> dict[str, Any]:
    """A result that can be changed and is not damaged for that."""
    return {key: value for key, value in TrialFolder(folder).result().items() if key != "seal"}


def test_a_figure_has_room_for_three_trials_and_names_the_others(root: Path) -> None:
    (folder,) = root.glob("noise*")
    result = unsealed(folder)
    for budget in (101, 102, 103):
        spec = replace(TrialSpec.from_json(result["spec"]), budget=budget)
        copied = TrialFolder(shutil.copytree(folder, root / spec.id))
        ledger = result["ledger"] | {"budget": budget}
        write_json(copied.path / "spec.json", spec.to_json())
        write_json(copied.path / "result.json", result | {"id": spec.id, "spec": spec.to_json(), "ledger": ledger})
    found, notes = read_examples([root])
    assert len(found) == 3
    assert len(notes) == 2
    assert all("room for 3; choose by --only" in note for note in notes)


def test_a_victim_that_is_another_one_here_is_told(root: Path) -> None:
    (folder,) = root.glob("dfme*")
    result = unsealed(folder)
    result["victim"]["weights_hash"] = "elsewhere"
    write_json(folder / "result.json", result)
    found, notes = read_examples([root], ["dfme"])
    assert len(found) == 1
    assert "its victim had other weights than the one that is here" in notes[0]


def test_the_command_writes_the_picture(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.svg"
    assert main(["plot", str(root), "--kind", "adversarial", "--only", "dfme*", "-o", str(path)]) == 0
    assert "wrote" in capsys.readouterr().err
    assert path.read_text().startswith("<?xml")
    assert main(["plot", str(root), "--kind", "adversarial", "--only", "nobody", "-o", str(path)]) != 0
