from __future__ import annotations

import pytest
from click.testing import CliRunner

from mebench.cli.info import info
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry
from mebench.results.derived import DERIVED
from mebench.results.leaderboard import Row, SeedResult
from mebench.results.leaderboard.compute.rows import MEANS
from mebench.results.leaderboard.keys import keys_of
from mebench.results.numbers import SCORES, builtin_metrics, comparable, numbers

MEASURED = {key for key, (entry, _) in registry().measured().items() if registry().ships(MetricEntry, entry.name)}


def test_every_number_of_a_row_has_a_card_and_every_card_a_number() -> None:
    assert {one.name for one in DERIVED} <= {*keys_of(Row)}
    assert {*SCORES, *MEANS} <= numbers().keys()
    assert numbers().keys() >= MEASURED | {one.name for one in DERIVED}
    for one in numbers().values():
        assert all((one.card.title, one.card.formula, one.card.range, one.card.misleads, one.card.unit)), one.name


def test_what_every_trial_is_measured_by_has_a_key_in_every_row_and_seed() -> None:
    assert [entry.name for entry in builtin_metrics()][:2] == [*SCORES]
    for entry in builtin_metrics():
        assert entry.name in keys_of(Row)
        assert entry.name in keys_of(SeedResult)
        assert (f"{entry.name}_ci" in keys_of(Row)) == entry.card.interval
        assert f"{entry.name}_ci" not in keys_of(SeedResult)


def test_what_can_be_compared_has_a_direction_and_a_tolerance() -> None:
    assert comparable().keys() >= {*SCORES, "auc", "queries_to_90", "kl", "transfer_pgd"}
    assert not comparable().keys() & {"rank", "seconds", "cost", "queries", "best_on_test", "normalised_accuracy"}
    for one in comparable().values():
        assert one.better != "neither"
        assert one.tolerance[0] > 0


@pytest.mark.parametrize("name", numbers())
def test_info_shows_a_metrics_card(name: str) -> None:
    shown = " ".join(CliRunner().invoke(info, [name]).output.split())
    card = numbers()[name].card
    assert f"{name}, a metric" in shown
    assert card.range in shown
    assert " ".join(card.misleads.split()) in shown


def test_a_metric_written_wrong_is_suggested() -> None:
    result = CliRunner().invoke(info, ["fidellity"])
    assert "Did you mean 'fidelity'" in str(result.exception)
