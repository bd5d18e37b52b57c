"""Rows whose seeds were made by different code, or by other code than is here now, are marked, and both are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.registry.catalogue import registry
from mebench.registry.code import Code
from mebench.registry.entries import AttackEntry
from mebench.results.leaderboard import Leaderboard, build_leaderboard

HERE = registry().code(AttackEntry, "megex")["attack megex"]
BEFORE = Code("mebench", HERE.version, "aaaa")
GONE = {"attack nobodys": Code("mebench-nobodys", "1", "aaaa")}


def board_of(root: Path, *codes: dict[str, Code] | None, attack: str = "megex") -> Leaderboard:
    """A board of one row, with a seed for each code."""
    for seed, code in enumerate(codes):
        spec = make_spec(attack, seed=seed)
        make_trial(root, spec, 0.7).begin(spec, code)
    return build_leaderboard([root])


def marks(board: Leaderboard) -> set[str]:
    return {flag for row in board.rows for flag in row.flags if flag.endswith("-code")}


@pytest.mark.parametrize(
    ("codes", "flags"),
    [
        ([{"attack megex": HERE}] * 2, set()),
        ([None, {"attack megex": HERE}], set()),
        ([{"attack megex": BEFORE}] * 2, {"other-code"}),
        ([{"attack megex": BEFORE}, {"attack megex": HERE}], {"other-code", "mixed-code"}),
        ([{"attack megex": BEFORE}, None], {"other-code"}),
        ([{}, {}], set()),
    ],
)
def test_a_row_is_marked_where_its_code_is_mixed_or_another_than_is_here(
    codes: list[dict[str, Code] | None], flags: set[str], tmp_path: Path
) -> None:
    board = board_of(tmp_path, *codes)
    assert marks(board) == flags
    assert {note.partition(" code")[0] for note in board.notes if " code" in note} == {
        flag.removesuffix("-code") for flag in flags
    }


def test_the_notes_name_both_codes(tmp_path: Path) -> None:
    board = board_of(tmp_path, {"attack megex": BEFORE}, {"attack megex": HERE})
    here, before = (f"mebench {HERE.version} ({digest})" for digest in (HERE.digest, "aaaa"))
    assert [note for note in board.notes if " code" in note] == [
        f"mixed code: attack megex is of {before} and {here} in one row",
        f"other code, 1 trial: attack megex is of {here}, was of {before}",
    ]


def test_a_plugin_that_is_not_here_marks_only_what_its_seeds_tell(tmp_path: Path) -> None:
    assert marks(board_of(tmp_path / "same", GONE, GONE, attack="nobodys")) == set()
    newer = {"attack nobodys": Code("mebench-nobodys", "2", "bbbb")}
    mixed = board_of(tmp_path / "mixed", GONE, newer, attack="nobodys")
    assert marks(mixed) == {"mixed-code"}
    assert "mixed code: attack nobodys is of mebench-nobodys 1 and mebench-nobodys 2 in one row" in mixed.notes


def test_a_plugin_of_which_only_the_version_is_known_is_not_taken_for_another(tmp_path: Path) -> None:
    assert marks(board_of(tmp_path, {"attack megex": Code("mebench", "0.0.9")})) == set()
