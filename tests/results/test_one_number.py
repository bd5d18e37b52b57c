"""Adding a metric touches one place: its entry. All that shows numbers takes what it needs from there."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from mebench.cli import cli, main
from mebench.registry import catalogue
from mebench.registry.card import MetricCard
from mebench.registry.entries import BuiltinMetric
from mebench.report.page import render_report
from mebench.results.leaderboard import Row, build_leaderboard
from mebench.results.stats import half_width
from mebench.results.trial_folder import trial_folders
from mebench.trial.metrics import entries
from mebench.trial.metrics.builtin import BUILTIN

ROOT = Path(__file__).resolve().parents[2]
SUMMARY = "Share of test inputs on which the clone is sure."
CARD = MetricCard(
    title="Sure",
    formula="#{x: max f(x) > 0.11} / N",
    range="0 to 1",
    misleads="the clone has few classes",
    unit="fraction",
    tolerance=0.3,
    about="where the clone is sure",
)
FUNCTION = """
def toy(evidence):
    assert not hasattr(evidence, "clone")
    return (evidence.clone_logits.softmax(1).amax(1) > 0.11).float().mean().item()
"""
PLUGIN = f"""
from mebench import MetricCard, MetricEntry, hookimpl

@hookimpl
def mebench_metrics():
    return [MetricEntry("toy", {SUMMARY!r}, "mine:toy", better="lower", card={CARD!r}, networks=False)]
{FUNCTION}
"""
OWN = BuiltinMetric("toy", SUMMARY, "own_toy:toy", better="lower", card=CARD, of_victim=lambda accuracy: 0.5)
VICTIM = {
    "data": {"name": "fashion-mnist-10k", "rows": [0, 600]},
    "image_size": [8, 8],
    "network": "mlp",
    "training": {"epochs": 2, "batch_size": 32},
}
NOISE = {"attack": "noise", "channel": "probability", "parameters": {"batch_size": 50}}
SEEDS = 3


@dataclass(frozen=True)
class Shown:
    """What a benchmark has left, measured by a toy that is built in, or a plugin's."""

    builtin: bool
    out: Path
    row: Row

    def run(self, *arguments: object) -> str:
        """The output of a command."""
        result = CliRunner().invoke(cli, [str(one) for one in arguments])
        assert result.exit_code == 0, result.output
        return str(result.output)

    @property
    def values(self) -> list[float]:
        """The toy's number of every seed."""
        return [one.metrics["toy"] or 0.0 for one in self.row.per_seed]

    @property
    def cell(self) -> str:
        """Mean and interval, as tables write them."""
        half = half_width(self.values)
        return f"{100 * sum(self.values) / SEEDS:.1f} ± {100 * (half or 0):.1f}"


def registered(folder: Path, builtin: bool, patch: pytest.MonkeyPatch) -> None:
    """Make the toy one of mebench's own metrics, or a plugin's."""
    (folder / "modules").mkdir()
    (folder / "plugins").mkdir()
    if builtin:
        (folder / "modules" / "own_toy.py").write_text(FUNCTION)
        patch.syspath_prepend(str(folder / "modules"))
        patch.setattr(entries, "METRICS", (*entries.METRICS, OWN))
        patch.setattr(catalogue, "_provided", catalogue._loaded)  # what is built in is asked once per process
    else:
        (folder / "plugins" / "mine.py").write_text(PLUGIN)
    patch.setenv("MEBENCH_PLUGIN_DIR", str(folder / "plugins"))


@pytest.fixture(scope="module", params=["built in", "of a plugin"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    builtin, folder = request.param == "built in", tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        registered(folder, builtin, patch)
        run = {"victims": ["tiny"], "clone": "mlp", "budgets": [200], "attacks": [NOISE]}
        profile = {"scale": "reduced", "evaluations": 2, "seeds": SEEDS, "runs": [run]}
        content: dict[str, Any] = {"name": "b", "victims": {"tiny": VICTIM}, "profiles": {"quick": profile}}
        file, out = folder / "b.yaml", folder / "out"
        file.write_text(yaml.safe_dump(content if builtin else content | {"metrics": ["toy"]}))
        assert main(["run", str(file), "--out", str(out), "--workers", "0", "--quiet"]) == 0
        (row,) = [row for row in build_leaderboard([out]).rows if row.kind == "attack"]
        yield Shown(builtin, out, row)


def test_it_is_in_the_curve_and_in_the_result_of_every_trial(shown: Shown) -> None:
    measured = {}
    for trial in trial_folders(shown.out):
        measured[trial.path.name] = trial.result()["metrics"]["toy"]
        assert all(0 <= point["toy"] <= 1 for point in trial.curve())
        assert [point["toy"] for point in trial.curve()][-1:] in ([], [measured[trial.path.name]])
    assert [measured[one.trial] for one in shown.row.per_seed] == shown.values
    assert len(measured) == 2 * SEEDS  # the supervised bound is measured, too


def test_a_row_has_its_mean_and_interval_and_keeps_them_in_files(shown: Shown) -> None:
    assert shown.row.metrics["toy"] == pytest.approx(sum(shown.values) / SEEDS)
    assert shown.row.interval("toy") == pytest.approx(half_width(shown.values))
    board = build_leaderboard([shown.out])
    (shown.out / "again.json").write_text(json.dumps(board.to_json()))
    assert build_leaderboard([shown.out / "again.json"]).to_json() == board.to_json()


def test_json_and_csv_have_mean_interval_and_seeds(shown: Shown) -> None:
    mean, half = shown.row.metrics["toy"], shown.row.interval("toy")
    rows = json.loads(shown.run("leaderboard", shown.out, "--format", "json"))["rows"]
    (row,) = [row for row in rows if row["kind"] == "attack"]
    where = row if shown.builtin else {"toy": row["metrics"]["toy"], "toy_ci": row["metrics_ci"]["toy"]}
    assert (where["toy"], where["toy_ci"]) == (mean, half)
    seeds = [one if shown.builtin else one["metrics"] for one in row["per_seed"]]
    assert [one["toy"] for one in seeds] == shown.values
    lines = csv.DictReader(io.StringIO(shown.run("leaderboard", shown.out, "--format", "csv")))
    (line,) = [line for line in lines if line["kind"] == "attack"]
    assert (float(line["toy"]), float(line["toy_ci"])) == (mean, half)


@pytest.mark.parametrize("style", ["text", "md", "latex"])
def test_tables_write_it_by_its_card_with_its_interval(shown: Shown, style: str) -> None:
    said = shown.run("leaderboard", shown.out, "--format", style).replace(r"$\pm$", "±")
    assert "Sure" in said
    assert shown.cell in said


def test_rows_are_sorted_by_it_in_its_direction(shown: Shown) -> None:
    board = build_leaderboard([shown.out]).sorted_by("toy")
    values = [value for row in board.rows if row.kind == "reference" and (value := row.number("toy")) is not None]
    assert values == sorted(values)


def test_what_the_victim_has_itself_is_in_its_row_if_that_is_known(shown: Shown) -> None:
    (victim,) = [row for row in build_leaderboard([shown.out]).rows if row.attack == "victim"]
    assert victim.number("toy") == (0.5 if shown.builtin else None)


def changed(shown: Shown, to: Path, by: float) -> Path:
    """The leaderboard with other numbers of the toy."""
    plain = build_leaderboard([shown.out]).to_json()
    for row in plain["rows"]:
        for one in (row, *row["per_seed"]):
            where = one if shown.builtin else one.get("metrics", {})
            if row["kind"] == "attack" and where.get("toy") is not None:
                where["toy"] += by
    to.write_text(json.dumps(plain))
    return to


@pytest.mark.parametrize(("by", "verdict"), [(0.29, "same"), (0.31, "worse"), (-0.31, "better")])
def test_it_is_compared_in_its_direction_with_its_tolerance(
    shown: Shown, tmp_path: Path, by: float, verdict: str
) -> None:
    base, new = changed(shown, tmp_path / "base.json", -by), changed(shown, tmp_path / "new.json", 0.0)
    found = CliRunner().invoke(cli, ["compare", str(base), str(new), "--metric", "toy", "--format", "json"])
    (row,) = [row for row in json.loads(found.output)["rows"] if row["kind"] == "attack"]
    (metric,) = row["metrics"]
    assert (metric["tolerance"], metric["verdict"]) == (0.3, verdict)
    text = CliRunner().invoke(cli, ["compare", str(base), str(new), "--metric", "toy"]).output
    assert f"→ {100 * (shown.row.metrics['toy'] or 0):.1f} ({100 * by:+.1f}" in text


def test_an_export_has_it_of_every_trial_and_of_every_evaluation(shown: Shown, tmp_path: Path) -> None:
    shown.run("export", shown.out, "-o", tmp_path / "all.csv")
    trials = list(csv.DictReader((tmp_path / "all.csv").open()))
    assert [float(one["toy"]) for one in trials if one["kind"] == "attack"] == shown.values
    points = list(csv.DictReader((tmp_path / "all-curves.csv").open()))
    assert points
    assert all(0 <= float(point["toy"]) <= 1 for point in points)


def test_the_page_has_its_column_and_says_what_it_is(shown: Shown) -> None:
    page = render_report([shown.out])[0]
    assert '<th scope="col" class="n" data-better="low"><button type="button">Sure, %</button></th>' in page
    assert shown.cell in page
    meaning = page.split("<dt>Sure, %</dt>")[1].split("</dd>")[0]
    for words in ("where the clone is sure", "max f(x) &gt; 0.11", "lower is better", "the clone has few classes"):
        assert words in meaning


def test_info_shows_its_card_and_figures_its_curve(shown: Shown, tmp_path: Path) -> None:
    said = " ".join(shown.run("info", "toy").split())
    for words in ("toy, a metric", "in tables: Sure", "range: 0 to 1", "better: lower", "misleads when: the clone has"):
        assert words in said
    shown.run("plot", shown.out, "--metric", "toy", "-o", tmp_path / "toy.svg")
    assert "Sure (%)" in (tmp_path / "toy.svg").read_text()


def test_a_value_that_it_cannot_have_makes_a_row_invalid(shown: Shown, tmp_path: Path) -> None:
    copytree(shown.out, tmp_path / "out")
    folder = next(one for one in trial_folders(tmp_path / "out") if one.path.name.startswith("noise"))
    result = folder.result()
    result["metrics"]["toy"] = 1.5
    del result["seal"]
    (folder.path / "result.json").write_text(json.dumps(result))
    (row,) = [row for row in build_leaderboard([tmp_path / "out"]).rows if row.kind == "attack"]
    assert (row.status, row.metrics) == ("invalid", {})
    assert "toy 1.5 is outside 0..1" in row.reason


def mentions(name: str) -> list[str]:
    """The files of mebench that name a metric."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)|['\"`.]{re.escape(name)}\b")
    files = [one for one in (ROOT / "mebench").rglob("*") if one.suffix in (".py", ".html", ".js", ".template")]
    return sorted(str(one.relative_to(ROOT)) for one in files if word.search(one.read_text(encoding="utf-8")))


HOME = "mebench/trial/metrics/builtin.py"


@pytest.mark.parametrize("name", [entry.name for entry in BUILTIN if entry.name not in ("accuracy", "fidelity", "kl")])
def test_a_metric_of_every_trial_is_named_in_one_file(name: str) -> None:
    assert mentions(name) == [HOME]


def test_kl_is_named_elsewhere_only_as_a_loss() -> None:
    assert [file for file in mentions("kl") if "toolkit" not in file] == [HOME]


def test_what_is_built_in_needs_nothing_but_the_evidence() -> None:
    for entry in BUILTIN:
        assert isinstance(entry, BuiltinMetric)
        assert (entry.always, entry.networks, entry.outputs, entry.when) == (True, False, (), "evaluation")
