"""Images made of others are told from images that are like others by chance; docs/conformance.md has the rates."""

from __future__ import annotations

import json

import pytest
import torch
from broken_attacks import honest, target
from torch.nn import functional

from mebench.cli import main
from mebench.testing import AttackUnderTest, run_check
from mebench.testing.checks.oracle_only import COPY, MANY, SAME_IMAGE, asks_no_images_of_the_victim
from mebench.testing.likeness import likeness
from mebench.testing.stage import real_images

ROWS = 100
CHECK = asks_no_images_of_the_victim


def drawn(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def blocks(side):
    return functional.interpolate(drawn(ROWS, 1, side, side), size=(16, 16))


def gradients():
    there = torch.linspace(-1, 1, 16)
    angle = 6.3 * drawn(ROWS, 1, 1, 1)
    return 0.5 + 0.3 * (there * angle.cos() + there[:, None] * angle.sin())


def blurred(times):
    images = drawn(ROWS, 1, 16, 16)
    for _ in range(times):
        images = functional.avg_pool2d(functional.pad(images, (1, 1, 1, 1), "replicate"), 3, 1)
    return images


HONEST = {
    "coarse blocks": blocks(3),
    "blocks": blocks(4),
    "dim blocks": 0.15 * blocks(4),
    "noise": drawn(ROWS, 1, 16, 16),
    "faint noise on grey": 0.5 + 0.02 * drawn(ROWS, 1, 16, 16),
    "one value": drawn(ROWS, 1, 1, 1).expand(ROWS, 1, 16, 16),
    "gradients": gradients(),
    "blurred noise": blurred(8),
}
THIEVES = {
    "as they are": lambda images: images,
    "a little noise": lambda images: (images + 0.02 * torch.randn(images.shape)).clamp(0, 1),
    "darkened": lambda images: 0.2 * images,
    "less contrast": lambda images: 0.5 + 0.3 * (images - 0.5),
    "inverted": lambda images: 1 - images,
    "mirrored": lambda images: images.flip(3),
    "turned": lambda images: images.rot90(1, (2, 3)),
    "a step aside": lambda images: functional.pad(images, (1, 0, 0, 0))[..., :16],
    "eight levels": lambda images: (images * 7).round() / 7,
}


@pytest.fixture(scope="module")
def victims():
    return real_images(pool=False)


def share(images, others):
    alike = likeness(images, others).correlations
    return float((alike >= SAME_IMAGE).float().mean()), float(alike.max())


@pytest.mark.parametrize("kind", HONEST)
def test_images_made_without_any_other_are_like_none(kind, victims):
    part, largest = share(HONEST[kind], victims)
    assert part < MANY
    assert largest < COPY


@pytest.mark.parametrize("kind", THIEVES)
def test_images_made_of_another_are_recognised_and_so_is_the_other(kind, victims):
    rows = torch.randperm(len(victims), generator=torch.Generator().manual_seed(2))[:ROWS]
    found = likeness(THIEVES[kind](victims[rows]), victims)
    assert float((found.correlations >= SAME_IMAGE).float().mean()) > 0.7  # where an image leaves its frame, fewer
    assert float((found.nearest == rows).float().mean()) > 0.7


def test_correlation_is_that_of_the_textbook():
    one, other = drawn(2, 1, 5, 7)
    plain = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].abs()
    assert float(likeness(one[None], other[None]).correlations) >= float(plain) - 1e-6
    same = likeness(one[None], 3 - 2 * one[None]).correlations
    torch.testing.assert_close(same, torch.ones(1))


@pytest.mark.parametrize("make", [lambda images: images + 0.05 * torch.randn(images.shape), THIEVES["inverted"]])
def test_what_is_found_from_a_limit_on_is_what_is_found_without_one(make, victims):
    images = torch.cat([make(victims[:ROWS]), HONEST["blocks"]])
    every, large = likeness(images, victims), likeness(images, victims, SAME_IMAGE)
    told = every.correlations >= SAME_IMAGE
    assert 0 < int(told.sum()) < len(images)
    torch.testing.assert_close(large.correlations, torch.where(told, every.correlations, 0))
    assert torch.equal(large.nearest[told], every.nearest[told])


def test_a_thief_is_shown_the_pair_in_the_folder_that_was_asked_for(tmp_path):
    thief = target("asks_test_images")
    verdict = run_check(CHECK, AttackUnderTest(thief.attack, thief.parameters, pictures=tmp_path / "new"))
    assert verdict.state == "failed"
    assert "queries are images of the victim's data set that it was not given" in verdict.why
    assert verdict.picture == str(tmp_path / "new" / "asks-test-images-asks_no_images_of_the_victim.png")
    assert (tmp_path / "new").joinpath("asks-test-images-asks_no_images_of_the_victim.png").read_bytes()[1:4] == b"PNG"


def test_dim_blocks_are_not_taken_for_the_victims_images():
    verdict = run_check(CHECK, target("asks_dim_blocks"))
    assert (verdict.state, verdict.picture) == ("passed", "")


def test_the_command_tells_where_the_picture_is(tmp_path, capsys):
    quick = ("--set", "rounds=3", "--set", "epochs=2", "--set", "batch_size=32", "--only", CHECK.__name__)
    code = main(["check", "random-pool", *quick, "--pictures", str(tmp_path), "--json"])
    (verdict,) = json.loads(capsys.readouterr().out)["checks"]
    assert (code, verdict["state"], verdict["picture"]) == (0, "passed", "")
    assert honest
