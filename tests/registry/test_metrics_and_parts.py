"""Metrics of a plugin, and attacks that a benchmark puts together from a strategy and a learner."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mebench.cli import main
from mebench.plan.file.jsonschema import benchmark_schema
from mebench.registry.catalogue import registry
from mebench.results.trial_folder import trial_folders

PLUGIN = """\
from mebench import LearnerEntry, MetricEntry, Parameter, StrategyEntry, hookimpl

@hookimpl
def mebench_metrics():
    K = Parameter("k", "int", 3, "Classes.", minimum=1)
    return [
        MetricEntry("top-k", "Share of test inputs with the true label among k.", "mine:top_k", (K,)),
        MetricEntry("bad", "Fails.", "mine:bad"),
        MetricEntry("huge", "Is no float.", "mine:huge"),
        MetricEntry("word", "Returns a word.", "mine:word"),
        MetricEntry("vast", "Is no number to average.", "mine:vast"),
        MetricEntry("single", "Is a number of NumPy's.", "mine:single"),
    ]

@hookimpl
def mebench_strategies():
    return [StrategyEntry("grey", "Ask grey.", "mine:Grey", (Parameter("level", "float", 0.5, "Of grey."),))]

def top_k(evidence, k):
    best = evidence.clone_logits.topk(k).indices
    return (best == evidence.labels[:, None]).any(1).float().mean().item()

def bad(evidence):
    return 1 / 0

def huge(evidence):
    return 10 ** 400

def vast(evidence):
    return 1e308


def single(evidence):
    return __import__("numpy").float32(0.5)


def word(evidence):
    return "high"

def Grey(context, level):
    import torch
    from mebench import QueryStrategy

    class Strategy(QueryStrategy):
        def propose(self, oracle, clone):
            return torch.full((min(50, oracle.remaining), *context.spec.shape), level)
        def state_dict(self):
            return {}
        def load_state_dict(self, state):
            pass

    return Strategy()
"""
VICTIM = {
    "data": {"name": "fashion-mnist-10k", "rows": [0, 600]},
    "image_size": [8, 8],
    "network": "mlp",
    "training": {"epochs": 2, "batch_size": 32},
}
NOISE = {"attack": "noise", "channel": "probability", "parameters": {"batch_size": 50}}
FIT = {"learner.epochs": 2}
POOL = {"name": "fashion-mnist-10k", "rows": [600, 1200], "prior": "problem-domain"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(PLUGIN)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))
    return tmp_path


def benchmark(folder: Path, attacks: list[dict[str, Any]], **more: Any) -> str:
    run = {"victims": ["tiny"], "clone": "mlp", "budgets": [200], "attacks": attacks, "pool": POOL}
    quick = {"scale": "reduced", "evaluations": 2, "seeds": 2, "runs": [run]}
    path = folder / "b.yaml"
    path.write_text(yaml.safe_dump({"name": "b", **more, "victims": {"tiny": VICTIM}, "profiles": {"quick": quick}}))
    return str(path)


def test_a_metric_of_a_plugin_is_measured_at_every_evaluation_and_shown(folder: Path, capsys) -> None:
    file = benchmark(folder, [NOISE], metrics=["top-k"])
    assert main(["run", file, "--out", str(folder / "out"), "--workers", "0", "--json"]) == 0
    rows = {row["attack"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    values = [one["metrics"]["top-k"] for one in rows["noise"]["per_seed"]]
    assert rows["noise"]["metrics"]["top-k"] == pytest.approx(sum(values) / 2)
    assert rows["noise"]["accuracy"] < rows["noise"]["metrics"]["top-k"] <= 1
    assert rows["supervised"]["metrics"]["top-k"] > rows["supervised"]["accuracy"]
    assert "metrics" not in rows["victim"]
    noise = next(one for one in trial_folders(folder / "out") if one.path.name.startswith("noise"))
    assert all("top-k" in point for point in noise.curve())
    assert main(["export", str(folder / "out"), "-o", str(folder / "all.csv")]) == 0
    exported = csv.DictReader((folder / "all.csv").open())
    assert sorted(float(row["top-k"]) for row in exported if row["attack"] == "noise") == sorted(values)
    capsys.readouterr()
    for style in ("text", "md", "csv", "latex"):
        assert main(["leaderboard", str(folder / "out"), "--format", style]) == 0
        said = capsys.readouterr().out
        assert "top-k" in said
        if style == "csv":
            (row,) = [row for row in csv.DictReader(io.StringIO(said)) if row["attack"] == "noise"]
            assert float(row["top-k"]) == pytest.approx(rows["noise"]["metrics"]["top-k"])


def test_a_metric_with_parameters_is_another_experiment_and_none_leaves_ids_as_they_were(folder: Path, capsys) -> None:
    def ids(**more: Any) -> list[str]:
        assert main(["plan", benchmark(folder, [NOISE], **more), "--json"]) == 0
        return json.loads(capsys.readouterr().out)["ids"]

    without = ids()
    assert ids(metrics=[]) == without
    assert not set(ids(metrics=["top-k"])) & set(without)
    assert (
        ids(metrics=[{"name": "top-k", "k": 3}]) == ids(metrics=["top-k"]) != ids(metrics=[{"name": "top-k", "k": 2}])
    )


def test_a_metric_may_return_a_number_of_numpys(folder: Path) -> None:
    file = benchmark(folder, [NOISE], metrics=["single"])
    assert main(["run", file, "--out", str(folder / "out"), "--workers", "0", "--seeds", "1", "--only", "noise"]) == 0
    (one,) = [one for one in trial_folders(folder / "out") if one.path.name.startswith("noise")]
    assert one.result()["metrics"]["single"] == 0.5


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("bad", "measuring failed: ZeroDivisionError: division by zero"),
        ("huge", f"returned 1{59 * '0'}: it must return a finite number, or None where there is none"),
        (
            "vast",
            "returned 1e+308, beyond 1e+100: it must return a finite number, or None where there is none",
        ),
        ("word", "returned 'high': it must return a finite number, or None where there is none"),
    ],
)
def test_a_metric_that_fails_is_named_and_not_the_attack(folder: Path, capsys, metric: str, reason: str) -> None:
    file = benchmark(folder, [NOISE], metrics=[metric])
    assert main(["run", file, "--out", str(folder / "out"), "--workers", "0", "--seeds", "1", "--only", "noise"]) == 3
    reasons = {one.failure()["reason"] for one in trial_folders(folder / "out")}
    (line,) = reasons
    assert line.startswith(f"metric {metric} (plugins/mine.py sha256-")
    assert line.endswith(reason)


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        (["top-q"], "unknown metric 'top-q'. Did you mean 'top-k'?"),
        (["kl"], "kl is measured in every trial: leave it out"),
        (["top-k", "top-k"], "metrics[1]: top-k is given twice"),
        ([{"name": "top-k", "k": 0}], "metrics[0].k: must be at least 1, not 0"),
    ],
)
def test_what_is_wrong_with_metrics_is_said_with_its_place(folder: Path, capsys, metrics, problem) -> None:
    assert main(["plan", benchmark(folder, [NOISE], metrics=metrics)]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert "b.yaml:" in said


def test_strategy_and_learner_make_an_attack_whoever_they_come_from(folder: Path, capsys) -> None:
    attacks = [
        {"attack": "grey+fit", "channel": "label", "parameters": {**FIT, "strategy.level": 0.25}},
        {"attack": "grey+online", "channel": "probability"},
        {"attack": "random-pool+fit", "channel": "label", "parameters": {**FIT, "strategy.rounds": 2}},
        {"attack": "random-pool", "channel": "label", "parameters": {"rounds": 2, "epochs": 2}},
    ]
    file = benchmark(folder, attacks)
    assert main(["run", file, "--out", str(folder / "out"), "--workers", "0", "--seeds", "1", "--json"]) == 0
    rows = {row["attack"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["random-pool+fit"]["accuracy"] == rows["random-pool"]["accuracy"]
    assert rows["grey+fit"]["queries"] == 200
    grey = next(one for one in trial_folders(folder / "out") if one.path.name.startswith("grey-fit"))
    assert grey.result()["provenance"]["plugin"].startswith("plugins/mine.py sha256-")
    assert grey.result()["provenance"]["plugin"].endswith(" and mebench 0.1.0")


@pytest.mark.parametrize(
    ("attack", "problem"),
    [
        ({"attack": "grei+fit", "channel": "label"}, "unknown strategy 'grei'. Did you mean 'grey'?"),
        ({"attack": "grey+fot", "channel": "label"}, "unknown learner 'fot'. Did you mean 'fit'?"),
        ({"attack": "grey+online", "channel": "label"}, "grey+online needs probability, which label does not give"),
        (
            {"attack": "grey+fit", "channel": "label", "parameters": {"epochs": 2}},
            "parameters.epochs: grey+fit has no such parameter",
        ),
    ],
)
def test_what_does_not_fit_together_is_said(folder: Path, capsys, attack, problem: str) -> None:
    assert main(["plan", benchmark(folder, [attack])]) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize("attack", ["grey+fixmatch", "random-pool+fit"])
def test_an_attack_needs_a_pool_where_its_strategy_or_its_learner_does(folder: Path, capsys, attack: str) -> None:
    file = Path(benchmark(folder, [{"attack": attack, "channel": "label"}]))
    assert main(["plan", str(file)]) == 0
    there = yaml.safe_load(file.read_text())
    del there["profiles"]["quick"]["runs"][0]["pool"]
    file.write_text(yaml.safe_dump(there))
    assert main(["plan", str(file)]) == 2
    assert f"{attack} needs a pool: give the run one" in capsys.readouterr().err


def test_everything_that_can_be_named_is_in_the_schema_and_has_its_page(folder: Path, capsys) -> None:
    schema = benchmark_schema(registry())
    assert "grey+fit" in schema["$defs"]["AttackSection"]["properties"]["attack"]["enum"]
    assert "top-k" in schema["properties"]["metrics"]["items"]["anyOf"][0]["enum"]
    for name, words in {
        "grey+fit": "strategy.level",
        "grey": "grey+LEARNER",
        "fit": "STRATEGY+fit",
        "top-k": "a metric",
        "kl": "nats",
    }.items():
        assert main(["info", name]) == 0
        assert words in capsys.readouterr().out
