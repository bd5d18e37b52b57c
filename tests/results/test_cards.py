from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from mebench.cli.info import info
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry
from mebench.results.compare import METRICS
from mebench.results.compare.metrics import known_metrics
from mebench.results.leaderboard import Row
from mebench.results.leaderboard.compute.rows import MEANS
from mebench.results.metric_cards import CARDS, as_markdown

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_what_the_cards_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown()


def test_every_number_of_a_row_has_a_card_and_every_card_a_number() -> None:
    keys = {one.name for one in fields(Row)}
    shipped = [entry for entry, _ in registry().measured().values() if registry().ships(MetricEntry, entry.name)]
    assert set(CARDS) - {one.name for entry in shipped for one in entry.outputs} <= keys
    assert {one.name for entry in shipped for one in entry.numbers} <= set(CARDS)
    assert {"accuracy", "fidelity", "normalised_accuracy", *MEANS} <= set(CARDS)


def test_comparisons_go_in_the_direction_of_the_card() -> None:
    assert set(known_metrics()) > set(METRICS)
    for name, metric in known_metrics().items():
        assert CARDS[name].better == ("higher" if metric.higher_is_better else "lower"), name


@pytest.mark.parametrize("name", CARDS)
def test_info_shows_a_metrics_card(name: str) -> None:
    shown = " ".join(CliRunner().invoke(info, [name]).output.split())
    assert f"{name}, a metric" in shown
    assert CARDS[name].range in shown
    assert " ".join(CARDS[name].misleads.split()) in shown


def test_a_metric_written_wrong_is_suggested() -> None:
    result = CliRunner().invoke(info, ["fidellity"])
    assert "Did you mean 'fidelity'" in str(result.exception)
