"""Metrics of plugins that have several numbers, or are measured at the end only."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_metrics_and_parts import NOISE, benchmark
from toys import SPEC, perceptron

from mebench.api.contract import Victim
from mebench.api.errors import PluginError
from mebench.api.spec import Component
from mebench.cli import main
from mebench.registry.card import MetricCard
from mebench.registry.catalogue import catalogue, registry
from mebench.registry.entries import MetricEntry, MetricOutput
from mebench.registry.registry import Registry
from mebench.registry.validation import checked_entries
from mebench.results.trial_folder import trial_folders
from mebench.trial.metrics.examination import Examination

PLUGIN = """\
from mebench import MetricEntry, MetricOutput, hookimpl

CALLS = []

@hookimpl
def mebench_metrics():
    outputs = (MetricOutput("margin", "Mean margin.", "neither"), MetricOutput("regret", "Half of it.", "lower"))
    def entry(name, outputs=(), when="end"):
        return MetricEntry(name, "Of a test.", "mine:" + name.replace("-", "_"), outputs=outputs, when=when)
    return [
        entry("margins", outputs),
        entry("strange", (MetricOutput("odd", "Odd."),)),
        entry("at-the-end"),
        entry("random", when="evaluation"),
        entry("meddling", when="evaluation"),
        entry("spoiling"),
    ]

def margins(evidence):
    top = evidence.clone_logits.topk(2).values
    margin = (top[:, 0] - top[:, 1]).mean().item()
    return {"margin": margin, "regret": margin / 2}

def strange(evidence):
    return {"even": 1.0}

def at_the_end(evidence):
    CALLS.append(len(evidence.inputs))
    return float(len(CALLS))

def random(evidence):
    import torch
    return torch.rand(1, generator=evidence.random.torch("mine")).item()

def meddling(evidence):
    evidence.clone.train()
    for parameter in evidence.clone.parameters():
        parameter.zero_()
    evidence.clone.register_forward_hook(lambda *arguments: None)
    return evidence.clone_logits.std().item()

def spoiling(evidence):
    for parameter in evidence.victim.parameters():
        parameter.add_(1)
    return 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(PLUGIN)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))
    return tmp_path


@pytest.fixture
def exam(folder: Path) -> Examination:
    torch.manual_seed(0)
    inputs, labels = torch.rand(30, *SPEC.shape), torch.randint(SPEC.num_classes, (30,))
    return Examination.of(Victim(perceptron(), SPEC), inputs, labels, seed=4)


def end_of(exam: Examination, clone: torch.nn.Module, name: str) -> dict[str, float | None]:
    scores = exam.score(clone)
    found = exam.complete(scores, clone, [Component(name)]).metrics()
    return {key: value for key, value in found.items() if key not in scores.metrics()}


def test_numbers_of_one_metric_are_shown_compared_and_explained_by_their_own_names(folder: Path, capsys) -> None:
    file, out = benchmark(folder, [NOISE], metrics=["margins"]), folder / "out"
    assert main(["run", file, "--out", str(out), "--workers", "0", "--json"]) == 0
    rows = {row["attack"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["noise"]["metrics"]["margin"] == pytest.approx(2 * rows["noise"]["metrics"]["regret"])
    assert rows["supervised"]["metrics"]["margin"] > 0
    noise = next(one for one in trial_folders(out) if one.path.name.startswith("noise"))
    assert not any("margin" in point for point in noise.curve())
    for style in ("text", "md", "csv", "latex"):
        assert main(["leaderboard", str(out), "--format", style]) == 0
        said = capsys.readouterr().out
        assert "margin" in said
        assert "regret" in said
    assert main(["leaderboard", str(out), "--format", "csv", "--sort", "regret"]) == 0
    values = [float(row["regret"]) for row in csv.DictReader(io.StringIO(capsys.readouterr().out)) if row["regret"]]
    assert len(values) == 2
    assert main(["compare", str(out), str(out), "--metric", "regret"]) == 0
    assert "Regret" in capsys.readouterr().out
    assert main(["compare", str(out), str(out), "--metric", "margin"]) == 2  # it has no better end
    capsys.readouterr()
    assert main(["info", "regret"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "margins, a metric" in said
    assert "measured: once, at the end of the trial" in said
    assert "numbers: margin, regret" in said


def test_a_number_of_a_metric_cannot_be_asked_for_by_itself(folder: Path, capsys) -> None:
    assert main(["plan", benchmark(folder, [NOISE], metrics=["margin"])]) == 2
    assert "unknown metric 'margin'. Did you mean 'margins'?" in capsys.readouterr().err


def test_what_is_measured_at_the_end_is_tried_before_on_a_few_inputs(exam: Examination) -> None:
    clone = perceptron(seed=1)
    exam.rehearse(clone, [Component("at-the-end"), Component("random")])
    assert exam.score(clone, [Component("at-the-end")]) == exam.score(clone)
    assert end_of(exam, clone, "at-the-end") == {"at-the-end": 2.0}
    (calls,) = {tuple(registry().get(MetricEntry, "at-the-end").load().__globals__["CALLS"])}
    assert calls == (10, 30)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("strange", "returned {'even': 1.0}: it must return a mapping of numbers by some of odd"),
        ("spoiling", "measuring wrote to the victim's weights or to the test set"),
    ],
)
def test_a_metric_that_breaks_its_word_fails_before_the_first_query(
    folder: Path, capsys, metric: str, reason: str
) -> None:
    file = benchmark(folder, [NOISE], metrics=[metric])
    assert main(["run", file, "--out", str(folder / "out"), "--workers", "0", "--seeds", "1", "--only", "noise"]) == 3
    failed = trial_folders(folder / "out")[0]
    assert failed.failure()["reason"].startswith(f"metric {metric} (plugins/mine.py sha256-")
    assert failed.failure()["reason"].endswith(reason)
    assert failed.curve() == []


def test_a_metric_may_do_with_its_clone_what_it_likes(exam: Examination) -> None:
    clone = perceptron(seed=1).train()
    before = exam.score(clone)
    assert exam.score(clone, [Component("meddling")]).metrics()["meddling"] > 0
    assert exam.score(clone) == before
    assert clone.training
    assert all(parameter.requires_grad for parameter in clone.parameters())
    assert not clone._forward_hooks


def test_a_metrics_random_numbers_are_its_own_and_the_same_at_every_evaluation(exam: Examination) -> None:
    clone = perceptron(seed=1)
    draws = [exam.score(clone, [Component("random")]).metrics()["random"] for _ in range(2)]
    assert draws[0] == draws[1]
    assert replace(exam, seed=5).score(clone, [Component("random")]).metrics()["random"] != draws[0]


def metric(name: str = "one", **fields: Any) -> MetricEntry:
    return MetricEntry(name, "Of a test.", "mine:one", **fields)


def out(*names: str) -> tuple[MetricOutput, ...]:
    return tuple(MetricOutput(name, "A number.") for name in names)


def test_what_is_measured_in_every_trial_is_mebenchs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = 'MetricEntry("mine", "Mine.", "mine:mine", always=True)'
    (tmp_path / "mine.py").write_text(
        f"from mebench import MetricEntry, hookimpl\n\n@hookimpl\ndef mebench_metrics():\n    return [{entry}]\n"
    )
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    assert "always is for mebench's own metrics, leave it out" in catalogue().plugins[-1].error


def test_a_name_belongs_to_one_metric_be_it_its_own_or_an_outputs() -> None:
    known = Registry()
    known.add([metric(outputs=out("a", "b"))], "first 1.0")
    for entry in (metric("a"), metric("two", outputs=out("b")), metric("two", outputs=out("one"))):
        with pytest.raises(PluginError, match=r"is registered twice, by first 1.0 and by second 1.0"):
            known.add([entry], "second 1.0")
    known.add([metric("three", outputs=out("three", "c")), metric("four")], "third 1.0")
    assert {name: entry.name for name, (entry, _) in known.measured().items()} == {
        "a": "one",
        "b": "one",
        "three": "three",
        "c": "three",
        "four": "four",
    }


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"outputs": "a"}, "outputs must be a tuple of MetricOutput, not 'a'"),
        ({"outputs": ("a",)}, "outputs must be MetricOutput objects, not 'a'"),
        ({"outputs": out("A B")}, "output 'A B': a name may hold only lower-case letters"),
        ({"outputs": out("a", "a")}, "output a is declared twice"),
        ({"outputs": out("queries")}, "every curve has something of this name"),
        ({"name": "queries"}, "every curve has something of this name"),
        ({"outputs": out("a", "queries_to_90")}, "every row has something of the name queries_to_90"),
        ({"name": "cost"}, "every row has something of the name cost"),
        ({"name": "seeds"}, "every row has something of the name seeds"),
        ({"better": "up"}, "better must be one of higher, lower, neither"),
        ({"when": "always"}, "when must be evaluation or end, not 'always'"),
        ({"networks": "no"}, "networks must be true or false, not 'no'"),
        ({"card": "a card"}, "card must be a MetricCard, not a str"),
        ({"card": MetricCard(title=3)}, "card: title must be a text, not a int"),
        ({"card": MetricCard(interval="yes")}, "card: interval must be true or false, not a str"),
        ({"card": MetricCard(tolerance=-0.1)}, "card: tolerance must be at least 0"),
        ({"card": MetricCard(minimum=float("nan"))}, "card: minimum must be a finite number, or None"),
        ({"card": MetricCard(form="%.2f")}, "card: form must be percent, digits or a format, not '%.2f'"),
        ({"outputs": (MetricOutput("a", "A.", card=MetricCard(form="q")),)}, "card: form must be percent"),
    ],
)
def test_what_is_wrong_with_the_outputs_of_an_entry_is_said(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(PluginError, match=problem):
        list(checked_entries(MetricEntry, [metric(**fields)]))


def test_every_name_of_a_row_but_those_of_metrics_is_refused() -> None:
    from mebench.registry.validation import DERIVED as NAMES
    from mebench.registry.validation import FACTS, RESERVED
    from mebench.results.derived import DERIVED
    from mebench.results.leaderboard import Row, SeedResult

    assert {one.name for one in DERIVED} <= NAMES | RESERVED
    fields = {field.name for kind in (Row, SeedResult) for field in dataclasses.fields(kind)} - {"queries_to"}
    assert fields <= NAMES | FACTS | RESERVED
