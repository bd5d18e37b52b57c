import pytest
from mebench_controls.attacks import NoiseStrategy
from PIL import Image
from trials import tiny_trial

from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial


def run(tmp_path, name="whole", batch=10, budget=100, **options):
    spec = tiny_trial("noise", parameters={"batch_size": batch}, budget=budget)
    folder = TrialFolder.of(tmp_path / name, spec)
    run_trial(spec, folder, **options)
    return folder


def pictures(folder):
    files = [*folder.path.glob("samples*.png"), *folder.path.glob("samples/*")]
    return {str(file.relative_to(folder.path)): file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("batch", "between"),
    [(3, [12, 27, 51]), (5, [10, 25, 50]), (8, [16, 32, 56]), (30, [60]), (60, []), (100, [])],
    ids=["seldom", "at the points", "after the points", "two at once", "in the first and last turn", "in one turn"],
)
def test_a_trial_keeps_pictures_where_it_passes_10_25_and_50_percent(tmp_path, batch, between):
    found = pictures(run(tmp_path, batch=batch))
    assert sorted(found) == [*("samples-early.png",), "samples.png", *(f"samples/{n:09d}.png" for n in between)]


@pytest.mark.parametrize(
    ("batch", "between"),
    [(10, [20, 30, 50]), (12, [24, 36, 60]), (26, [52]), (45, [90])],
    ids=["past 10 %", "past 10 % at once", "past 50 % besides", "past 25 %"],
)
def test_the_turn_after_one_that_passes_a_point_at_once_is_kept_as_well(tmp_path, batch, between):
    """Attacks on a pool begin with a large random seed: what they choose first is the turn after it."""
    found = pictures(run(tmp_path, batch=batch))
    assert sorted(found) == [*("samples-early.png",), "samples.png", *(f"samples/{n:09d}.png" for n in between)]


def test_a_picture_shows_the_queries_of_its_turn(tmp_path, monkeypatch):
    values = iter(range(1, 100))

    def propose(self, oracle, clone):
        import torch

        return torch.full((10, 1, 8, 8), next(values) / 255)

    monkeypatch.setattr(NoiseStrategy, "propose", propose)
    folder = run(tmp_path)
    for file, turn in (("samples-early.png", 1), ("samples/000000030.png", 3), ("samples.png", 10)):
        with Image.open(folder.path / file) as image:
            assert image.convert("L").getpixel((10, 10)) == turn


def test_a_trial_that_was_stopped_keeps_the_same_pictures(tmp_path):
    whole = pictures(run(tmp_path))
    for turn in (1, 1, 2, 3):
        left = iter([False] * turn + [True])
        run(tmp_path, "stopped", should_stop=lambda left=left: next(left))
    assert pictures(run(tmp_path, "stopped")) == whole


def test_a_trial_that_starts_anew_forgets_its_pictures(tmp_path):
    folder = run(tmp_path)
    folder.clear()
    assert pictures(folder) == {}
