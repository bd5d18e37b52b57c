"""Benchmark files with texts: what does not fit is refused before anything runs, and what fits runs to the end."""

from __future__ import annotations

import json

import pytest
import text_files
import torch
from click.testing import CliRunner

from mebench.api.errors import ConfigurationError
from mebench.cli.run import run
from mebench.data.datasets import load_pool
from mebench.models.clones import initial_clone
from mebench.models.state_file import load_state
from mebench.models.victims.loading import prepare_victim
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

FILE = """\
name: texts
metrics: [{name: transfer, attacks: [fgsm]}]
victims:
  news:
    data: {name: bbc-news, root: ROOT/news, rows: [0, 140], length: 10}
    network: {name: kim-cnn, size: 12, maps: 6}
    training: {epochs: 12, batch_size: 16, learning_rate: 1e-2, weight_decay: 0}
profiles:
  quick:
    scale: reduced
    seeds: [0]
    evaluations: 3
    runs:
      - victims: [news]
        clone: {name: kim-cnn, size: 8, maps: 5}
        budgets: [60]
        pool: {name: mr, root: ROOT/pool, prior: public}
        attacks:
          - {attack: activethief, channel: label, parameters: &fit {epochs: 4, patience: 2, batch_size: 20}}
          - {attack: activethief, channel: label, parameters: {<<: *fit, strategy: uncertainty}}
          - {attack: full-pool, channel: probability, parameters: *fit}
          - {attack: random-pool, channel: label, parameters: {rounds: 2, epochs: 4}}
          - {attack: knockoff, channel: probability, parameters: {policy: random, epochs: 3}}
          - {attack: copycat, channel: label, parameters: {epochs: 3}}
          - {attack: uniform-noise, channel: label, parameters: *fit}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """News of five topics, and a pool of texts in which all of them occur."""
    place = tmp_path_factory.mktemp("texts")
    text_files.write_bbc(place / "news", 200, wheel=False)
    rows = [text for text, _ in text_files.texts(90, 6, seed=7)]
    (place / "pool").mkdir()
    for name, part in (("pos", rows[:45]), ("neg", rows[45:])):
        (place / "pool" / f"rt-polarity.{name}").write_text("\n".join(part))
    (place / "texts.yaml").write_text(FILE.replace("ROOT", str(place)))
    return place


@pytest.fixture
def places(root, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(root / "cache"))
    return root


def trials(root):
    return {trial.attack.name: trial for trial in make_plan(load_benchmark(root / "texts.yaml"), "quick").trials}


def changed(root, *changes):
    text = (root / "texts.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (root / "changed.yaml").write_text(text)
    return root / "changed.yaml"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{name: kim-cnn, size: 8, maps: 5}", "lenet5", "clone: lenet5 is for images, and victim 'news' is of texts"),
        ("{name: kim-cnn, size: 12, maps: 6}", "mlp", "network: mlp is for images, and the victim's data is of texts"),
        ("{name: mr, root: ROOT/pool,", "{name: mnist-10k,", "pool: mnist-10k is for images"),
        ("prior: public}", "prior: public, length: 9}", "pool.length: must be that of victim 'news': leave it out"),
        ("    network:", "    image_size: [8, 8]\n    network:", "image_size: is for images, and bbc-news holds texts"),
        ("weight_decay: 0}", "augment: crop}", "training.augment: is for images, and bbc-news holds texts"),
        ("full-pool, channel: probability", "full-pool, channel: vg", "vg explains by derivatives, which words have"),
        ("uniform-noise, channel: label", "mega, channel: label", "mega makes images, and victim 'news' takes texts"),
        (
            "full-pool, channel: probability",
            "marich, channel: label",
            "marich is for images, and victim 'news' takes texts",
        ),
        (
            "full-pool, channel: probability",
            "jbda, channel: label",
            "jbda is for images, and victim 'news' takes texts",
        ),
        (
            "full-pool, channel: probability",
            "random-pool+fixmatch, channel: label",
            "random-pool+fixmatch is for images, and victim 'news' takes texts",
        ),
        (
            "full-pool, channel: probability",
            "disguide+mixmatch, channel: label",
            "disguide+mixmatch is for images, and victim 'news' takes texts",
        ),
        ("bbc-news, root: ROOT/news, rows: [0, 140]", "fortunes", "data: fortunes has no test split"),
    ],
)
def test_what_does_not_fit_texts_is_refused_where_it_stands(root, old, new, problem):
    with pytest.raises(ConfigurationError) as caught:
        load_benchmark(changed(root, (old.replace("ROOT", str(root)), new)))
    assert problem in str(caught.value)


def test_texts_do_not_fit_what_is_for_images(root):
    wrong = changed(root, (f"bbc-news, root: {root}/news, rows: [0, 140], length: 10", "mnist-10k"))
    with pytest.raises(ConfigurationError) as caught:
        load_benchmark(wrong)
    assert "clone: kim-cnn is for texts, and victim 'news' is of images" in str(caught.value)
    assert "pool: mr is for texts, and victim 'news' is of images" in str(caught.value)


def test_the_pool_is_written_in_the_victims_words_and_length(places):
    spec = trials(places)["activethief"]
    assert load_pool(spec).spec.shape == (10,)
    assert load_pool(spec).spec.high == prepare_victim(spec.victim).spec.high


def test_the_clones_vocabulary_is_the_pools_and_the_victims_is_that_of_its_training_data(places):
    found = trials(places)
    victim = prepare_victim(found["activethief"].victim)
    own = {name: initial_clone(found[name], victim).own for name in ("activethief", "uniform-noise", "supervised")}
    pool = load_pool(found["activethief"])
    assert set((own["activethief"] > 1).nonzero().flatten().tolist()) == set(pool.inputs().unique().tolist()) - {0, 1}
    assert int((own["uniform-noise"] > 1).sum()) == victim.spec.high - 1
    assert torch.equal(own["supervised"], victim.victim.network.own)
    assert not torch.equal(own["supervised"], own["activethief"])


def test_a_small_benchmark_of_texts_runs_to_its_leaderboard(places, tmp_path):
    out = tmp_path / "out"
    arguments = [str(places / "texts.yaml"), "--out", str(out), "--workers", "0"]
    result = CliRunner().invoke(run, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    results = [json.loads(path.read_text()) for path in out.rglob("result.json")]
    assert len(results) == 8
    assert {one["metrics"]["transfer_fgsm"] for one in results} == {None}
    for name in ("activethief", "full-pool", "random-pool", "knockoff", "copycat", "uniform-noise", "supervised"):
        assert name in result.output


class StopAfter:
    """Stops a trial when it was asked so many times."""

    def __init__(self, turns):
        self.left = turns

    def __call__(self):
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("name", ["activethief", "uniform-noise"])
@pytest.mark.parametrize("track", ["native", "standard"])
def test_a_trial_with_words_and_dropout_resumes_to_the_same_bytes(places, tmp_path, monkeypatch, name, track):
    monkeypatch.setattr("mebench.trial.standard_track.LEAST_STEPS", 5)
    monkeypatch.setattr("mebench.trial.standard_track.EPOCHS", 1)
    spec = type(trials(places)[name]).from_json(trials(places)[name].to_json() | {"track": track})
    whole, parts = TrialFolder(tmp_path / "whole"), TrialFolder(tmp_path / "parts")
    assert run_trial(spec, whole) == "finished"
    stops = 0
    while run_trial(spec, parts, should_stop=StopAfter(2)) == "stopped":
        assert load_state(parts.checkpoint)["chain"]["ledger"]["budget"] == 60
        stops += 1
        if track == "standard" and stops > 10:
            assert run_trial(spec, parts) == "finished"
            break
    assert stops or name == "uniform-noise"
    for file in ("clone.safetensors", "curve.jsonl"):
        assert (whole.path / file).read_bytes() == (parts.path / file).read_bytes()
