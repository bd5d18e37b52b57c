"""What detectors saw, as tables: sums by hand."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
import scipy  # whose parts are imported where they are used

from mebench.results.leaderboard.model import Row, SeedResult
from mebench.results.leaderboard.read.row_files import committed, row_of
from mebench.results.matrix.detector_formats import DETECTOR_FORMATS, tables
from mebench.results.matrix.detectors import short_names, watch_of

HONEST = {
    "iid": {"streams": 10, "alarms": 1, "watched": 950},
    "monitoring": {"streams": 10, "alarms": 10, "watched": 990},
}


def told(detector, first, fidelity=None, clients=1, honest=None):
    return {
        "detector": detector,
        "threshold": 0.1,
        "clients": clients,
        "alarmed": int(first is not None),
        "first_alarm": first,
        "own_alarm": first,
        "fidelity_at_alarm": fidelity,
        "honest": HONEST if honest is None else honest,
    }


def row(*alarms, clients=1, weights="w", honest=None) -> Row:
    """An attack whose seeds 0, 1, ... two detectors watched; the first was alarmed of them then, the second never."""
    seeds = tuple(
        SeedResult(
            seed,
            1000,
            {"accuracy": 0.5, "fidelity": 0.6},
            detectors=(
                told("prada", alarm, 0.3 + seed / 10 if alarm else None, clients, honest),
                told("mmd", None, None, clients, honest),
            ),
        )
        for seed, alarm in enumerate(alarms)
    )
    variant = "l1" if clients == 1 else f"l1,clients={clients}"
    return Row(
        "dfme", variant, weights, weights, "data", channel="probability", budget=1000, per_seed=seeds,
        metrics={"accuracy": 0.5, "fidelity": 0.6}, seeds=len(alarms),
    )  # fmt: skip


def test_alarms_of_an_attack_are_of_all_its_trials_before_all_victims():
    watch = watch_of([row(100, None), row(300, weights="v")])
    ((attack, found),) = watch.noticed.items()
    assert attack.named() == "dfme l1 (probability, 1,000 queries)"
    prada = found["prada"]
    assert (prada.count, prada.trials, prada.median) == (2, 3, 300)
    assert prada.fidelity == pytest.approx(0.3)
    limits = scipy.stats.binomtest(2, 3).proportion_ci(0.95, "exact")
    assert (prada.interval.low, prada.interval.high) == pytest.approx((limits.low, limits.high))
    assert (found["mmd"].count, found["mmd"].median, found["mmd"].fidelity) == (0, None, None)


def test_honest_streams_are_counted_once_for_a_victim_however_many_rows_tell_of_them():
    watch = watch_of([row(100, None), row(None, clients=5), row(None, weights="v")])
    iid = watch.honest["prada"]["iid"]
    assert (iid.streams, iid.alarms) == (20, 2)
    assert iid.per_thousand == pytest.approx(1000 * 2 / 1900)


def test_the_limit_of_false_alarms_is_of_different_streams_which_victims_with_the_same_test_data_share():
    def iid(*rows):
        return watch_of(rows).honest["prada"]["iid"]

    def below(alarms, streams):
        return pytest.approx(scipy.stats.binomtest(alarms, streams, alternative="less").proportion_ci(0.95).high)

    same = iid(row(100), row(100, weights="v"), row(100, weights="u"))
    assert (same.streams, same.alarms, same.distinct) == (30, 3, 10)
    assert same.limit == below(1, 10)
    other = iid(row(100), row(100, weights="v"), replace(row(100, weights="u"), data_hash="more data"))
    assert (other.streams, other.alarms, other.distinct) == (30, 3, 20)
    assert other.limit == below(2, 20)


def test_clients_needed_are_the_fewest_of_which_less_than_half_of_the_attacks_are_noticed():
    rows = [row(100, 100), row(200, 300, clients=5), row(400, None, None, clients=25)]
    watch = watch_of(rows)
    one = next(attack for attack in watch.noticed if attack.clients == 1)
    assert watch.tried(one) == [1, 5, 25]
    assert watch.sybils(one, "prada") == 25
    assert watch.sybils(one, "mmd") == 1
    caption, titles, lines = tables(watch)[-1]
    assert (caption, titles, lines) == (
        "clients needed",
        ["Attack", "prada", "mmd"],
        [["dfme l1 (probability)", "25", "1"]],
    )
    seen = watch_of(rows[:2])
    assert seen.sybils(one, "prada") is None
    assert tables(seen)[-1][2] == [["dfme l1 (probability)", "> 5", "1"]]


def test_without_honest_streams_and_with_one_number_of_clients_there_is_one_table():
    (attacks,) = tables(watch_of([row(100, honest={})]))
    assert attacks[0] == "attacks that detectors noticed, of 1,000 queries each"
    assert attacks[2] == [["dfme l1 (probability)", "1/1 at 100 (30.0)", "0/1"]]


def test_tables_leave_out_of_names_what_tells_no_two_attacks_apart():
    def names(*rows):
        return [line[0] for line in tables(watch_of(rows))[0][2]]

    def asked(pool, **more):
        return replace(row(100, weights=pool), pool=pool, **more)

    assert names(asked("mnist(rows=0/9)"), asked("drawings(size=8)")) == [
        "dfme l1, pool mnist (probability)",
        "dfme l1, pool drawings (probability)",
    ]
    assert names(asked("mnist(rows=0/9)"), asked("mnist(rows=9/18)")) == [
        "dfme l1, pool mnist(rows=0/9) (probability)",
        "dfme l1, pool mnist(rows=9/18) (probability)",
    ]
    hidden = [f"l1,mixing(queries={queries},data=mnist)" for queries in (2, 10)]
    assert names(*(asked("", variant=variant) for variant in hidden)) == [
        "dfme l1,mixing(queries=2) (probability)",
        "dfme l1,mixing(queries=10) (probability)",
    ]
    assert names(asked("mnist(rows=0/9)"), asked("mnist(rows=0/9)", budget=2000)) == [
        "dfme l1, pool mnist (probability, 1,000 queries)",
        "dfme l1, pool mnist (probability, 2,000 queries)",
    ]


def test_every_format_holds_every_cell():
    watch = watch_of([row(100), row(None, clients=5)])
    plain = json.loads(DETECTOR_FORMATS["json"](watch))
    assert [one["clients"] for one in plain["attacks"]] == [1, 5]
    assert plain["attacks"][0]["clients_needed"] == {"prada": 5, "mmd": 1}
    assert plain["honest"]["prada"]["monitoring"]["share"] == 1
    lines = list(csv.DictReader(io.StringIO(DETECTOR_FORMATS["csv"](watch))))
    assert [line["of"] for line in lines] == ["attack"] * 4 + ["honest"] * 4
    written = DETECTOR_FORMATS["md"](watch)
    assert "1/1 at 100 (30.0)" in written
    assert "10/10 (≤ 100 %)" in written


def test_what_is_of_one_attack_stands_together():
    rows = [
        row(100),
        replace(row(None, clients=5), attack="int"),
        row(None, clients=5),
        replace(row(200), attack="int"),
    ]
    assert [(one.attack, one.clients) for one in watch_of(rows).noticed] == [
        ("dfme l1", 1),
        ("dfme l1", 5),
        ("int l1", 1),
        ("int l1", 5),
    ]


def test_no_two_of_as_many_detectors_as_ship_are_drawn_alike():
    from mebench.report.figures.watches import draw_watches

    one = row(100)
    (seed,) = one.per_seed
    many = tuple(told(f"detector {number}", 100) for number in range(9))
    figure = draw_watches(watch_of([replace(one, per_seed=(replace(seed, detectors=many),))]))
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 9


def test_a_committed_row_keeps_what_detectors_saw():
    one = row(100, None)
    again = row_of(json.loads(json.dumps(committed(one))))
    assert again.per_seed[0].detectors == one.per_seed[0].detectors
    assert watch_of([again]) == watch_of([one])


def test_a_row_that_nobody_watched_has_no_key_for_detectors():
    assert "detectors" not in SeedResult(0, 1, {"accuracy": 0.5, "fidelity": 0.5}).to_json()


def test_a_picture_has_a_panel_for_each_attack_and_a_curve_for_each_detector():
    from mebench.report.figures.watches import APART, HINT, draw_watches

    figure = draw_watches(watch_of([row(100, None), row(None, clients=5)]))
    assert len(figure.axes) == 2
    first = figure.axes[0]
    curves = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in first.lines}
    assert curves["prada"] == ([0, 100, 1000], [100, 50, 50])
    assert curves["mmd"] == ([0, 1000], [100 - APART, 100 - APART])
    assert [text.get_text() for text in figure.texts] == ["— prada", "— mmd", HINT]
    assert "5 clients" in figure.axes[1].get_title(loc="left").replace("\n", " ")


def test_parameters_of_a_detector_are_shown_where_they_tell_two_apart():
    assert short_names(["prada(false_positives=0.1)", "mmd(window=50)", "mmd"]) == {
        "prada(false_positives=0.1)": "prada",
        "mmd(window=50)": "mmd(window=50)",
        "mmd": "mmd",
    }
