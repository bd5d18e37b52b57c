"""A benchmark on a user's own pictures: what is said of them, and at which size each part of it sees them."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from data_files import write_image_folder
from PIL import Image

from mebench.cli import main
from mebench.trial import supervised

FILE = """\
name: mine
victims:
  own:
    data: {name: image-folder, root: mine}
    image_size: [40, 40]
    network: {name: mlp, hidden: [4]}
    training: {epochs: 1}
profiles:
  quick:
    scale: reduced
    seeds: [0]
    evaluations: 1
    runs:
      - victims: [own]
        clone: {name: mlp, hidden: [4]}
        budgets: [20]
        pool: {name: image-files, root: mine/train, prior: problem-domain}
        attacks: [{attack: random-pool, channel: label, parameters: {epochs: 1, rounds: 1}}]
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A benchmark on images of 40 x 40, with a file among them that is no picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    (write_image_folder(tmp_path / "mine", size=40) / "train" / "cat" / "notes.txt").touch()
    (tmp_path / "mine.yaml").write_text(FILE)
    return tmp_path / "mine"


def test_what_was_left_out_is_said_once_at_the_start_and_nothing_else_is_said_of_pictures(mine, capsys):
    assert main(["run", "mine.yaml", "--workers", "0"]) == 0
    said = capsys.readouterr().err.splitlines()
    notes = [line for line in said if line.startswith("note: ")]
    assert notes == [
        f"note: {name}: mine/train: left out 1 that is no picture by its name (.txt)"
        for name in ("image-folder", "image-files")
    ]
    assert said.index(notes[-1]) < next(row for row, line in enumerate(said) if line.startswith("start"))
    assert "Victim own is given images of 40 x 40, its image_size." in said


def test_the_supervised_bound_learns_from_the_pictures_themselves(mine, monkeypatch):
    seen, train = [], supervised.train_classifier

    def watched(clone, images, *more, **options):
        seen.append(images)
        train(clone, images, *more, **options)

    monkeypatch.setattr(supervised, "train_classifier", watched)
    assert main(["run", "mine.yaml", "--workers", "0", "--only", "supervised", "--quiet"]) == 0
    stored = sorted(np.asarray(Image.open(file)).transpose(2, 0, 1).tobytes() for file in mine.glob("train/*/*.png"))
    assert sorted((255 * one).round().byte().numpy().tobytes() for one in seen[0]) == stored


def test_quiet_is_quiet_where_trials_have_logs_of_their_own(mine, capsys, caplog):
    with caplog.at_level(logging.WARNING):
        assert main(["run", "mine.yaml", "--workers", "1", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    (log,) = mine.parent.glob("runs/mine/quick/random-pool*/log.txt")
    assert "image-folder: mine/train: left out 1 that is no picture by its name (.txt)" in log.read_text()
