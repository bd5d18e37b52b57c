"""`mebench data overlap`: what a pool has in common with a victim's data, counted and drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.cli.data import data
from mebench.data.datasets import load_dataset
from mebench.data.overlap import compare

FILE = """\
name: audit
victims:
  tiny: {data: {name: fashion-mnist-10k, rows: [0, 300]}, network: mlp, training: {epochs: 1}}
  other: {data: {name: fashion-mnist-10k, rows: [300, 500]}, network: mlp, training: {epochs: 1}}
profiles:
  quick:
    scale: reduced
    seeds: [0, 1]
    runs:
      - victims: [tiny, other]
        clone: mlp
        budgets: [10, 20]
        POOL
        attacks: [{attack: ATTACK, channel: label}]
"""
TEXTS = """\
name: texts
victims:
  news: {data: {name: made-up-topics, length: 8}, network: {name: kim-cnn, size: 8, maps: 4}, training: {epochs: 1}}
profiles:
  quick:
    scale: reduced
    runs:
      - victims: [news]
        clone: {name: kim-cnn, size: 8, maps: 4}
        budgets: [10]
        pool: {name: made-up-topics, rows: [0, 100], prior: problem-domain}
        attacks: [{attack: random-pool, channel: label}]
"""


@pytest.fixture
def audit(tmp_path):
    def audit(
        *options, pool="{name: image-files, root: ROOT, colour: grey, size: 28, prior: public}", attack="random-pool"
    ):
        line = f"pool: {pool.replace('ROOT', str(tmp_path / 'mine'))}" if pool else ""
        text = FILE.replace("POOL", line).replace("ATTACK", attack)
        (tmp_path / "audit.yaml").write_text(text)
        return CliRunner().invoke(data, ["overlap", str(tmp_path / "audit.yaml"), *options])

    return audit


@pytest.fixture
def mine(tmp_path):
    """20 pictures: one is test image 7, one is training image 3 of the first victim, darker and mirrored, twice."""
    folder = tmp_path / "mine"
    folder.mkdir()
    train = load_dataset(Component("fashion-mnist-10k"), "train").images[:, 0].numpy()
    test = load_dataset(Component("fashion-mnist-10k"), "test").images[:, 0].numpy()
    noise = np.random.default_rng(0).integers(0, 256, (17, 28, 28)).astype(np.uint8)
    dark = (train[3, :, ::-1] * 0.6).astype(np.uint8)
    for number, image in enumerate([test[7], dark, dark, *noise]):
        Image.fromarray(np.ascontiguousarray(image)).save(folder / f"{number}.png")
    return folder


@pytest.mark.usefixtures("mine")
def test_exact_and_near_duplicates_are_counted_for_every_split_and_victim(audit):
    answer = audit("--json", "--threshold", "0.995")
    assert answer.exit_code == 0, answer.output
    found = {(one["victim"]["name"], one["split"]): one for one in json.loads(answer.output)["overlaps"]}
    assert set(found) == {
        ("tiny: fashion-mnist-10k", "train"),
        ("other: fashion-mnist-10k", "train"),
        ("tiny, other: fashion-mnist-10k", "test"),
    }
    train = found["tiny: fashion-mnist-10k", "train"]
    assert (train["pool"]["inputs"], train["pool"]["distinct"]) == (20, 19)
    assert (train["pool"]["exact"], train["pool"]["near"]) == (0, 2)
    assert (train["victim"]["inputs"], train["victim"]["exact"], train["victim"]["near"]) == (300, 0, 1)
    assert (train["closest"][0]["second"], train["closest"][0]["mirrored"]) == (3, True)
    test = found["tiny, other: fashion-mnist-10k", "test"]
    assert (test["pool"]["exact"], test["pool"]["near"]) == (1, 0)
    assert (test["victim"]["inputs"], test["victim"]["exact"]) == (2000, 1)
    assert found["other: fashion-mnist-10k", "train"]["pool"]["exact"] == 0


@pytest.mark.usefixtures("mine")
def test_the_table_says_the_shares_and_the_picture_is_drawn(audit, tmp_path):
    answer = audit("--picture", str(tmp_path / "closest.png"))
    assert answer.exit_code == 0, answer.output
    lines = [line.split() for line in answer.output.splitlines() if line.startswith(("pool ", "train ", "test "))]
    assert lines[0] == ["pool", "20", "19", "0", "2", "10.00", "%"]
    assert "closest pair: correlation 1.0000, rows " in answer.output  # the exact one
    assert Image.open(tmp_path / "closest.png").size[0] > 500


def test_a_pool_out_of_the_victims_own_training_images_is_all_in(audit):
    answer = audit("--json", pool="{name: fashion-mnist-10k, rows: [250, 350], prior: problem-domain}")
    first, test, other = (one for one in json.loads(answer.output)["overlaps"])
    assert {first["pool"]["exact"], other["pool"]["exact"], test["pool"]["exact"]} <= {0, 50}
    assert sum(one["pool"]["exact"] for one in (first, test, other)) == 100


def test_of_texts_only_the_same_words_are_found(tmp_path):
    (tmp_path / "texts.yaml").write_text(TEXTS)
    answer = CliRunner().invoke(data, ["overlap", str(tmp_path / "texts.yaml")])
    assert answer.exit_code == 0, answer.output
    assert "near duplicates of texts are not looked for" in answer.output
    pool, train, *_ = (line.split() for line in answer.output.splitlines() if line.startswith(("pool ", "train ")))
    assert pool[3:] == ["100", "–", "100.00", "%"]
    assert int(train[3].replace(",", "")) >= 100


def test_bytes_are_compared_at_the_victims_size():
    images = load_dataset(Component("fashion-mnist-10k"), "test").images[:50]
    found = compare(images, images[10:12], 0.99999)
    assert (found.pool.exact, found.victim.exact, found.victim.near) == (2, 2, 0)


@pytest.mark.usefixtures("mine")
def test_a_pool_of_another_size_is_compared_at_the_victims(audit):
    answer = audit("--json", "--threshold", "0.9", pool="{name: image-files, root: ROOT, colour: grey, prior: public}")
    assert answer.exit_code == 0, answer.output
    train, *_ = json.loads(answer.output)["overlaps"]
    assert (train["pool"]["near"], train["closest"][0]["second"]) == (2, 3)  # of 28 x 28, read at 32 x 32, and back


def test_what_cannot_be_compared_is_one_line(audit, mine, tmp_path):
    assert mine
    for answer, line in (
        (audit(pool="", attack="uniform-noise"), "there is nothing to compare"),
        (audit(pool="{name: image-files, root: ROOT, prior: public}"), r"have the shape (3, 28, 28), those of tiny"),
        (audit("--picture", "closest.txt"), "give a file name that ends in .png"),
    ):
        assert isinstance(answer.exception, ConfigurationError)
        assert line in str(answer.exception)
        assert "\n" not in str(answer.exception)
