"""Any folder of pictures as a pool, and what a user sees when it is not as it should be."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from data_files import write_image_folder, write_textures
from PIL import Image

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.cli.run import run
from mebench.data.datasets import load_dataset

FILE = """\
name: mine
victims:
  tiny:
    data: {name: fashion-mnist-10k, rows: [0, 300]}
    image_size: [8, 8]
    network: mlp
    training: {epochs: 4, batch_size: 32, learning_rate: 3e-3}
profiles:
  quick:
    scale: reduced
    seeds: [0]
    evaluations: 2
    runs:
      - victims: [tiny]
        clone: mlp
        budgets: [60]
        pool: {name: image-files, root: ROOT, colour: grey, size: 8, prior: public}
        attacks: [{attack: activethief, channel: label, parameters: {epochs: 2, patience: 1, iterations: 2}}]
"""


def load(split="train", **parameters):
    return load_dataset(Component("image-files", parameters), split)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Keeps the victim that the trials share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tried(tmp_path, cache, monkeypatch):
    """Run the benchmark above on a folder; returns what was printed and the results of its attack."""
    monkeypatch.setenv("MEBENCH_CACHE", str(cache))

    def tried(folder, old="", new=""):
        (tmp_path / "mine.yaml").write_text(FILE.replace("ROOT", str(folder)).replace(old, new))
        file, out = str(tmp_path / "mine.yaml"), str(tmp_path / "out")
        answer = CliRunner().invoke(run, [file, "--out", out, "--workers", "0"])
        results = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*activethief*/result.json")]
        return answer, results

    return tried


def mixed_folder(folder):
    """70 pictures of all modes and sizes, flat and nested."""
    random = np.random.default_rng(0)
    for number in range(70):
        height, width = random.integers(9, 40, 2)
        values = random.integers(0, 256, (height, width, 4)).astype(np.uint8)
        mode, suffix = (("RGBA", "png"), ("L", "png"), ("P", "png"), ("RGB", "jpg"), ("CMYK", "jpg"), ("RGB", "webp"))[
            number % 6
        ]
        place = folder / ("" if number % 2 else "more/deep")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).convert(mode).save(place / f"{number}.{suffix}")
    Image.fromarray(random.integers(0, 65536, (20, 20)).astype(np.uint16)).save(folder / "deep.png")
    return folder


def test_every_picture_is_in_once_resized(tmp_path):
    pool = load(root=str(write_textures(tmp_path, count=5, size=8)), size=8)
    stored = {np.asarray(Image.open(file)).tobytes() for file in tmp_path.iterdir()}
    assert {image.permute(1, 2, 0).numpy().tobytes() for image in pool.images} == stored
    assert (pool.num_classes, pool.labels.tolist(), pool.source) == (1, [0] * 5, "folder given")


def test_rows_cuts_a_fixed_random_order(tmp_path):
    folder = str(write_textures(tmp_path, count=12, size=8))
    whole = load(root=folder)
    assert whole.digest == load(root=folder).digest
    assert (load(root=folder, rows=[3, 7]).images == whole.images[3:7]).all()
    with pytest.raises(ConfigurationError, match="0 <= start < stop <= 12"):
        load(root=folder, rows=[3, 13])


def test_labelled_folders_are_a_pool_too_without_their_labels(tmp_path):
    assert len(load(root=str(write_image_folder(tmp_path)))) == 60


def test_it_has_no_test_split_and_needs_a_folder(tmp_path):
    with pytest.raises(ConfigurationError, match="has no test split: it is for pools"):
        load("test", root=str(write_textures(tmp_path)))
    with pytest.raises(ConfigurationError, match="'image-files' needs the parameter `root`"):
        load()


def test_a_trial_runs_on_pictures_of_all_sizes_and_modes(tmp_path, tried):
    answer, results = tried(mixed_folder(tmp_path / "mine"))
    assert answer.exit_code == 0, answer.output
    assert results[0]["ledger"]["spent"] == 60


def test_a_pool_smaller_than_the_budget_is_flagged(tmp_path, tried):
    answer, results = tried(write_textures(tmp_path / "mine", count=30, size=9))
    assert answer.exit_code == 0, answer.output
    assert results[0]["ledger"]["spent"] == 30
    assert "unspent-budget" in answer.output


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda folder: [file.unlink() for file in folder.iterdir()], "holds no pictures"),
        (lambda folder: (folder / "3.png").write_bytes(b"?"), "3.png: cannot be read as an image"),
    ],
)
def test_an_empty_folder_and_a_damaged_file_are_one_line_before_anything_runs(tmp_path, tried, damage, line):
    folder = write_textures(tmp_path / "mine", count=5)
    damage(folder)
    answer, results = tried(folder)
    assert isinstance(answer.exception, ConfigurationError)
    assert line in str(answer.exception)
    assert "\n" not in str(answer.exception)
    assert not results


def test_colours_that_the_victim_does_not_see_are_one_line(tmp_path, tried):
    answer, results = tried(write_textures(tmp_path / "mine", count=70), "colour: grey", "colour: rgb")
    assert not results
    assert (
        "the inputs of the pool image-files have the shape (3, 8, 8), and the victim takes (1, 8, 8)" in answer.output
    )
    assert "colour" in answer.output


def test_a_pool_of_another_size_is_resized_to_the_victims(tmp_path, tried):
    answer, results = tried(write_textures(tmp_path / "mine", count=70), "    image_size: [8, 8]\n", "")
    assert answer.exit_code == 0, answer.output
    assert [result["ledger"]["spent"] for result in results] == [60]


def test_pictures_of_two_folders_are_told_apart_whatever_their_names_lengths_and_times(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(cache))
    for name, value in (("one", 10), ("two", 200)):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8), value).save(tmp_path / name / "a.bmp")
        os.utime(tmp_path / name / "a.bmp", (1, 1))
    values = [
        load(root=str(tmp_path / name), size=8, colour="grey").images.unique().tolist() for name in ("one", "two")
    ]
    assert values == [[10], [200]]
