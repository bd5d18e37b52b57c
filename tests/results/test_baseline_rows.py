from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from make_results import make_curve, make_row, make_spec, make_table1, make_trial

from mebench.api.errors import ResultsError
from mebench.api.files import write_json
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.read.row_files import committed
from mebench.results.leaderboard.read.saved import write_row_files


def write(folder: Path, results: Path, **options: bool) -> tuple[list[str], list[str]]:
    return write_row_files(folder, build_leaderboard([results]), **options)


def test_committed_rows_read_back_as_the_leaderboard_without_its_times(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path / "out")])
    names, _ = write_row_files(tmp_path / "base", board)
    assert len(names) == len(board.rows)
    read = build_leaderboard([tmp_path / "base"])
    assert list(map(committed, read.rows)) == list(map(committed, board.rows))
    assert not any(one.seconds or one.queries_per_second or one.cost for row in read.rows for one in row.per_seed)
    assert read.benchmark.scale == "reduced"


def test_committed_rows_are_small_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7, 0.71, 0.72, 0.73, 0.74])
    write(tmp_path / "a", tmp_path / "out")
    write(tmp_path / "b", tmp_path / "out")
    files = sorted((tmp_path / "a").iterdir())
    assert [file.read_bytes() for file in files] == [(tmp_path / "b" / file.name).read_bytes() for file in files]
    assert all(file.stat().st_size < 10_000 for file in files)


def curved(root: Path, points: int) -> Path:
    """Two seeds with long curves of an attack with gradients, measured by two versions."""
    for seed, accuracy in enumerate((0.7, 0.72)):
        curve = make_curve(accuracy, points=points)
        probed = [
            {**one, "test_inputs": 2000, "gradient_cosine": index / points, "query_label_entropy": 0.9, "told": 7}
            for index, one in enumerate(curve)
        ]
        folder = make_trial(root, make_spec(seed=seed, evaluations=points), accuracy, curve=probed)
        origin = {"git": f"revision{seed}", "versions": {"mebench": "0.1.0"}, "device": "cpu", "plugin": None}
        write_json(folder.path / "result.json", folder.result() | {"provenance": origin, "query_label_entropy": 0.8})
    return root


def test_a_committed_row_has_the_curves_the_numbers_and_the_versions_of_its_seeds(tmp_path: Path) -> None:
    write(tmp_path / "base", curved(tmp_path / "out", 200))
    (file,) = (tmp_path / "base").glob("megex*")
    row = json.loads(file.read_text())["row"]
    assert row["provenance"] == {"device": "cpu", "git": ["revision0", "revision1"], "mebench": "0.1.0"}
    assert row["test_inputs"] == 2000
    for one in row["per_seed"]:
        assert set(one["curve"]) == {"queries", "accuracy", "fidelity", "gradient_cosine", "query_label_entropy"}
        assert {len(column) for column in one["curve"].values()} == {18}  # several of 20 places are nearest to one
        assert (one["curve"]["queries"][0], one["curve"]["queries"][-1]) == (250, 50_000)
        assert one["curve"]["accuracy"][-1] == one["accuracy"]
        assert (one["query_label_entropy"], one["gradient_cosine"]) == (0.8, pytest.approx(99.5 / 200))
    assert file.stat().st_size < 8_000
    (read,) = [row for row in build_leaderboard([tmp_path / "base"]).rows if row.kind == "attack"]
    assert read.provenance["git"] == ("revision0", "revision1")
    assert [one.curve.queries[-1] for one in read.per_seed] == [50_000] * 2
    write_row_files(tmp_path / "again", build_leaderboard([tmp_path / "base"]))
    assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ({"queries": [1, 2], "accuracy": [0.1, 0.2], "fidelity": [0.1]}, "its columns are not equally long"),
        ({"queries": [1], "accuracy": [0.7]}, "curve, evaluation 1 has no number 'fidelity'"),
        ({"queries": [1.5], "accuracy": [0.7], "fidelity": [0.7]}, "a number of queries that is not whole"),
        ({"queries": 5}, "per_seed.0.curve.queries"),
    ],
)
def test_a_broken_curve_of_a_committed_row_is_told(tmp_path: Path, curve: dict[str, Any], words: str) -> None:
    make_row(tmp_path / "out", [0.7])
    write(tmp_path / "base", tmp_path / "out")
    (file,) = (tmp_path / "base").glob("megex*")
    content = json.loads(file.read_text())
    content["row"]["per_seed"][0]["curve"] = curve
    file.write_text(json.dumps(content))
    assert any(words in note for note in build_leaderboard([tmp_path / "base"]).notes)


def test_a_curve_that_does_not_end_at_its_seeds_score_makes_the_row_invalid(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7])
    write(tmp_path / "base", tmp_path / "out")
    (file,) = (tmp_path / "base").glob("megex*")
    content = json.loads(file.read_text())
    content["row"]["per_seed"][0]["curve"]["accuracy"][-1] = 0.5
    file.write_text(json.dumps(content))
    (row,) = [row for row in build_leaderboard([tmp_path / "base"]).rows if row.kind == "attack"]
    assert (row.status, row.reason) == ("invalid", "the curve of seed 0 ends at accuracy 0.5, not at 0.7")


def test_weights_of_another_machine_renew_the_same_file(tmp_path: Path) -> None:
    make_row(tmp_path / "here", [0.7])
    make_row(tmp_path / "there", [0.71], weights="bbbb")
    assert write(tmp_path / "base", tmp_path / "here")[0] == write(tmp_path / "base", tmp_path / "there")[0]


def test_rows_that_are_gone_are_deleted_only_when_asked(tmp_path: Path) -> None:
    make_row(tmp_path / "two", [0.7])
    make_row(tmp_path / "two", [0.6], "dfme")
    make_row(tmp_path / "one", [0.7])
    write(tmp_path / "base", tmp_path / "two")
    (tmp_path / "base" / "README.md").write_text("mine")
    (tmp_path / "base" / "other.json").write_text("{}")
    assert write(tmp_path / "base", tmp_path / "one")[1] == []
    assert len(list((tmp_path / "base").glob("dfme*"))) == 1
    _, deleted = write(tmp_path / "base", tmp_path / "one", prune=True)
    assert [name.split("-")[0] for name in deleted] == ["dfme"]
    assert (tmp_path / "base" / "README.md").exists()
    assert (tmp_path / "base" / "other.json").exists()


def test_two_rows_of_one_file_are_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    make_row(tmp_path / "a", [0.7])
    make_row(tmp_path / "b", [0.6], weights="bbbb")
    board = build_leaderboard([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(ResultsError, match="two rows would be"):
        write_row_files(tmp_path / "base", board)
    assert not (tmp_path / "base").exists()


def test_rows_are_never_written_among_trials(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7])
    with pytest.raises(ResultsError, match="holds trials"):
        write(tmp_path, tmp_path)


def test_only_finished_rows_are_written(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7])
    folder = make_trial(tmp_path / "out", make_spec("dfme"), 0.5)
    (folder.path / "result.json").write_text("{")
    names, _ = write(tmp_path / "base", tmp_path / "out")
    assert not any(name.startswith("dfme") for name in names)
    (tmp_path / "bad").mkdir()
    folder.path.rename(tmp_path / "bad" / folder.path.name)
    with pytest.raises(ResultsError, match="no finished row"):
        write(tmp_path / "base2", tmp_path / "bad")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("accuracy", 0.72, "accuracy 0.72 is not the mean of its seeds, 0.7"),
        ("accuracy", 1.7, "outside 0..1"),
        ("fidelity", 0.2, "fidelity 0.2 cannot be"),
        ("queries", 60_000, "spent 60000 queries of 50000"),
    ],
)
def test_a_committed_row_changed_by_hand_is_invalid(tmp_path: Path, key: str, value: float, words: str) -> None:
    make_row(tmp_path / "out", [0.7])
    write(tmp_path / "base", tmp_path / "out")
    (file,) = (tmp_path / "base").glob("megex*")
    content = json.loads(file.read_text())
    content["row"][key] = value
    file.write_text(json.dumps(content))
    (row,) = [row for row in build_leaderboard([tmp_path / "base"]).rows if row.attack == "megex"]
    assert row.status == "invalid"
    assert words in row.reason
    assert row.accuracy is None


def test_a_victim_whose_fidelity_with_itself_is_not_1_is_invalid(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7])
    write(tmp_path / "base", tmp_path / "out")
    (file,) = (tmp_path / "base").glob("victim*")
    content = json.loads(file.read_text())
    content["row"]["fidelity"] = 0.99
    file.write_text(json.dumps(content))
    (row,) = [row for row in build_leaderboard([tmp_path / "base"]).rows if row.attack == "victim"]
    assert row.reason == "the victim's fidelity with itself is not 1"


def test_broken_row_files_are_skipped_and_told(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7])
    write(tmp_path / "base", tmp_path / "out")
    (tmp_path / "base" / "cut.json").write_text('{"kind": "mebench-row", ')
    (tmp_path / "base" / "empty.json").write_text('{"kind": "mebench-row"}')
    (tmp_path / "base" / "typed.json").write_text('{"kind": "mebench-row", "row": {"attack": 5, "benchmark": 7}}')
    os.mkfifo(tmp_path / "base" / "pipe.json")
    board = build_leaderboard([tmp_path / "base"])
    assert len(board.rows) == 2
    for name in ("cut.json", "empty.json", "typed.json"):
        assert any(note.startswith(f"skipped {name}: ") for note in board.notes)


@pytest.mark.parametrize(
    ("content", "words"),
    [("[]", "must hold a JSON object"), ("{}", "it has no rows"), ('{"format": 9, "rows": []}', "format 9")],
)
def test_a_file_that_is_no_leaderboard_is_one_clear_error(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "leaderboard.json"
    file.write_text(content)
    with pytest.raises(ResultsError, match=words):
        build_leaderboard([file])
