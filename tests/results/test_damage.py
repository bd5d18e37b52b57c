"""Damage to the files of finished trials is found and named, and never changes a number in silence."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from make_results import make_curve, make_spec, make_trial

from mebench.api.files import json_bytes, write_json
from mebench.results.damage import damage
from mebench.results.leaderboard import Row, build_leaderboard
from mebench.results.seal import broken_curve, broken_seal, is_untouched, sealed
from mebench.results.trial_facts import trial_facts
from mebench.results.trial_folder import TrialFolder, has_trials, trial_folders
from mebench.results.trial_names import NamedTrial

SPEC = make_spec(evaluations=4, budget=1000)
CURVE = [
    {**point, "queries": queries}
    for point, queries in zip(make_curve(0.7, points=6), (10, 20, 250, 500, 750, 1000), strict=True)
]
SEALED = ("result.json", "curve.jsonl")
BESIDE = ("spec.json", "code.json", "timing.json", "failure.json", "env.json", ".lease-1", "log.txt")
MUTATIONS = 104


def finished(root: Path, seal: bool = True) -> TrialFolder:
    """A finished trial with all files that can lie in its folder."""
    folder = make_trial(root, SPEC, 0.7, curve=CURVE, flags=["diverged"])
    result = folder.result() | {"query_labels": [[40] * 10, [60] * 10], "query_label_entropy": 1.0}
    folder.begin(SPEC, {})
    if seal:
        folder.finish(result)
    else:
        write_json(folder.path / "result.json", result)
    write_json(folder.path / "env.json", {"cores": 2})
    (folder.path / "log.txt").write_text("started\n")
    (folder.path / ".lease-1").write_text("free        ")
    return folder


def row_of(root: Path) -> Row | None:
    """The row of the trial, without the time, which nothing seals; None if there is none."""
    rows = [row for row in build_leaderboard([root]).rows if row.kind == "attack"]
    if not rows:
        return None
    seeds = tuple(replace(one, seconds=None, queries_per_second=None) for one in rows[0].per_seed)
    return replace(rows[0], seconds=None, queries_per_second=None, per_seed=seeds)


def cut(path: Path, chance: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: chance.randrange(1 + path.stat().st_size)])


def flip_a_byte(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes() or b" ")
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def drop_a_line(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True) or [b""]
    lines.pop(chance.randrange(len(lines)))
    path.write_bytes(b"".join(lines))


def double_a_line(path: Path, chance: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True) or [b""]
    lines.insert(0, chance.choice(lines))
    path.write_bytes(b"".join(lines))


def places(value: Any) -> list[tuple[Any, Any]]:
    """All keys and indices inside of JSON values, with what they are in."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


def in_json(change: Callable[[Any, Any, random.Random], None]) -> Callable[[Path, random.Random], None]:
    """Change one value of a JSON file, or of the first line of a curve."""

    def mutate(path: Path, chance: random.Random) -> None:
        first, *others = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text() or "{}"]
        whole = json.loads(first) if path.suffix.startswith(".json") else {"a": 1}
        inside, key = chance.choice(places(whole) or [({"a": 1}, "a")])
        change(inside, key, chance)
        path.write_text("\n".join([json.dumps(whole), *others]))

    return mutate


def delete(inside: Any, key: Any, chance: random.Random) -> None:
    del inside[key]


def put(inside: Any, key: Any, chance: random.Random) -> None:
    odd = [0, -1, 1e999, float("nan"), 10**400, "", "running", None, True, [], {}, [[]], "\x1b[31m", "a\nb", 0.999]
    inside[key] = chance.choice(odd)


def as_a_folder(path: Path, chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def as_a_link_to_nowhere(path: Path, chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def as_a_link_to_itself(path: Path, chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.name)


def as_a_pipe(path: Path, chance: random.Random) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def lost(path: Path, chance: random.Random) -> None:
    path.unlink(missing_ok=True)


def holding(*contents: bytes) -> Callable[[Path, random.Random], None]:
    return lambda path, chance: path.write_bytes(chance.choice(contents)) and None


WAYS: list[Callable[[Path, random.Random], Any]] = [
    *(cut, flip_a_byte, drop_a_line, double_a_line, in_json(delete), in_json(put)),
    *(as_a_folder, as_a_link_to_nowhere, as_a_link_to_itself, as_a_pipe, lost),
    holding(b"", b"\xff\xfe\x00", b"\0" * 100, b"[]", b"{}", b"7", b"null", b'"a"'),
    holding(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000),
]


@pytest.mark.parametrize("seal", [True, False], ids=["sealed", "of before there were seals"])
@pytest.mark.parametrize("name", [*SEALED, *BESIDE])
def test_no_mutation_of_a_file_changes_a_number_in_silence(name: str, seal: bool, tmp_path: Path) -> None:
    chance = random.Random(name)
    whole = finished(tmp_path / "whole", seal).path
    untouched = row_of(tmp_path / "whole")
    assert untouched is not None
    assert untouched.status == "finished"
    for number in range(MUTATIONS if name in SEALED else len(WAYS)):
        root = tmp_path / str(number)
        shutil.copytree(whole, root / SPEC.id)
        folder = TrialFolder(root / SPEC.id)
        if not (folder.path / name).exists():
            (folder.path / name).write_text("{}")
        WAYS[number % len(WAYS)](folder.path / name, chance)
        problem, row = damage(folder, SPEC.id), row_of(root) if folder.status != "new" else None
        if seal or name not in SEALED:
            assert problem or folder.status != "finished" or row == untouched, number
        if problem:
            assert "\n" not in problem
            assert row is None or (row.status, row.metrics) == ("invalid", {}), number
            assert row is None or problem in row.reason
        else:
            assert row is None or row.status != "invalid" or "update mebench" in row.reason, (number, row.reason)


def edited(path: Path, change: Callable[[Any], Any]) -> None:
    whole = json.loads(path.read_text())
    change(whole)
    write_json(path, whole)


def unflag(result: Any) -> None:
    result["flags"] = []


def spend_nothing(result: Any) -> None:
    result["ledger"]["spent"] = 0


CHANGED = "result.json was changed after the trial had ended: its seal is broken"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: edited(path / "result.json", unflag), CHANGED),
        (lambda path: edited(path / "result.json", lambda result: result.update(status="running")), CHANGED),
        (lambda path: edited(path / "result.json", spend_nothing), CHANGED),
        (
            lambda path: drop_a_line(path / "curve.jsonl", random.Random(0)),
            "curve.jsonl holds 5 evaluations, the trial",
        ),
        (lambda path: (path / "curve.jsonl").unlink(), "curve.jsonl holds 0 evaluations, the trial has made 6"),
        (lambda path: as_a_folder(path / "curve.jsonl", random.Random(0)), "curve.jsonl: is a folder"),
        (
            lambda path: as_a_link_to_nowhere(path / "result.json", random.Random(0)),
            "result.json: is a link to nowhere",
        ),
        (
            lambda path: as_a_pipe(path / "result.json", random.Random(0)),
            "result.json: cannot be read (no regular file)",
        ),
        (lambda path: (path / "result.json").write_text("["), "result.json: not valid JSON"),
        (lambda path: (path / "result.json").write_text("[" * 100_000), "result.json: is nested too deeply"),
    ],
)
def test_what_is_wrong_with_a_finished_trial_is_said(change: Callable[[Path], Any], words: str, tmp_path: Path) -> None:
    folder = finished(tmp_path)
    change(folder.path)
    assert words in damage(folder, SPEC.id)
    row = row_of(tmp_path)
    assert row is not None
    assert row.reason == f"seed 0: {damage(folder, SPEC.id)}"


def test_a_result_of_another_trial_does_not_count(tmp_path: Path) -> None:
    folder, other = finished(tmp_path), make_trial(tmp_path, make_spec(seed=1), 0.7)
    words = f"result.json is of another trial, {make_spec(seed=1).id}"
    for name in SEALED:
        shutil.copy(other.path / name, folder.path / name)
        assert damage(folder, SPEC.id) == words
    assert any(row.reason == f"seed 0: {words}" for row in build_leaderboard([tmp_path]).rows)
    shutil.copytree(other.path, folder.path, dirs_exist_ok=True)
    assert damage(folder, SPEC.id) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unflag, "accuracy 0.12 of 10 classes is a collapsed clone's, and no flag says so"),
        (lambda result: result.update(status="running"), "its status is 'running'"),
        (lambda result: result["best_on_test"].update(accuracy=0.05), "best accuracy 0.05 is below the curve's, 0.12"),
        (lambda result: result["best_on_test"].update(queries=7), "its best evaluation, 0.12 at 7 queries, is not on"),
        (lambda result: result["spec"].update(evaluations=2), "its id is not that of its spec"),
    ],
)
def test_an_older_result_must_not_contradict_itself(change: Callable[[Any], Any], words: str, tmp_path: Path) -> None:
    folder = make_trial(
        tmp_path, SPEC, 0.12, curve=[{**CURVE[-1], "accuracy": 0.12, "fidelity": 0.2}], flags=["collapsed"]
    )
    edited(folder.path / "result.json", lambda result: result.update(query_labels=[[40] * 10, [60] * 10]))
    assert not damage(folder, SPEC.id)
    edited(folder.path / "result.json", change)
    assert words in damage(folder, SPEC.id)


@pytest.mark.parametrize(
    ("queries", "words"),
    [
        ((10, 20, 250, 500, 750, 800, 1000), "7 evaluations, its spec asks for 6"),
        ((10, 20, 250, 300, 1000), "an evaluation at 300 queries, where its spec asks for none"),
    ],
)
def test_an_older_curve_must_lie_on_the_grid_of_its_spec(queries: tuple[int, ...], words: str, tmp_path: Path) -> None:
    curve = [{"queries": count, "accuracy": 0.7, "fidelity": 0.73} for count in queries]
    assert words in damage(make_trial(tmp_path, SPEC, 0.7, curve=curve), SPEC.id)


def test_other_line_ends_and_another_indentation_break_no_seal(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    untouched = row_of(tmp_path)
    (folder.path / "result.json").write_bytes(json.dumps(folder.result()).encode())
    (folder.path / "curve.jsonl").write_bytes(folder.curve_content().replace(b"\n", b"\r\n"))
    assert not damage(folder, SPEC.id)
    assert row_of(tmp_path) == untouched


def test_a_seal_is_the_same_for_the_same_result_and_curve_and_no_other() -> None:
    result, curve = {"id": "a", "status": [0.1, None, float("inf")]}, b'{"queries": 1}\n{"queries": 2}\n'
    whole = sealed(result, curve)
    assert whole == sealed(dict(reversed(result.items())), curve)
    assert whole["curve"]["evaluations"] == 2
    assert is_untouched(json_bytes(whole), curve, "a")
    assert not broken_seal(whole)
    assert not broken_curve(whole, curve)
    assert not is_untouched(json_bytes(whole), curve, "b")
    for other in ({**whole, "id": "b"}, {**whole, "more": 1}, {**whole, "seal": "0" * 16}):
        assert broken_seal(other)
        assert not is_untouched(json_bytes(other), curve, "a")
    assert broken_curve(whole, curve[:-2])


def test_a_result_of_a_newer_mebench_is_no_damage(tmp_path: Path) -> None:
    folder = finished(tmp_path)
    newer = {key: value for key, value in folder.result().items() if key not in ("seal", "curve")} | {"format": 2}
    folder.finish(newer)
    write_json(folder.path / "result.json", folder.result() | {"seal": sealed(newer, folder.curve_content())["seal"]})
    assert not damage(folder, SPEC.id)
    row = row_of(tmp_path)
    assert row is not None
    assert (row.status, row.reason) == (
        "invalid",
        "seed 0: result.json has format 2, this mebench reads 1: update mebench",
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["result.json", "curve.jsonl", "."])
def test_a_file_that_must_not_be_read_is_damage(name: str, tmp_path: Path) -> None:
    folder = finished(tmp_path)
    (folder.path / name).chmod(0)
    try:
        assert "cannot be read" in damage(folder, SPEC.id)
    finally:
        (folder.path / name).chmod(0o700)


def test_what_stands_where_a_folder_should_is_damage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    assert [damage(TrialFolder(tmp_path / name), "") for name in ("file", "link", "none")] == ["is no folder"] * 2 + [
        ""
    ]


def test_all_damaged_seeds_of_a_row_are_named(tmp_path: Path) -> None:
    for seed in range(3):
        folder = make_trial(tmp_path, make_spec(seed=seed), 0.7)
        if seed:
            (folder.path / "result.json").write_text("[]")
    row = row_of(tmp_path)
    assert row is not None
    assert row.reason == "seed 1: result.json: must hold a JSON object; seed 2: result.json: must hold a JSON object"


def test_a_link_in_a_circle_hides_nothing_beside_it(tmp_path):
    folder = finished(tmp_path)
    (tmp_path / "circle").symlink_to("circle")
    (folder.path / "circle").symlink_to("circle")
    assert [one.path.name for one in trial_folders(tmp_path)] == [folder.path.name]
    assert has_trials(tmp_path)
    assert len(build_leaderboard([tmp_path]).rows) == 2
    facts = trial_facts(NamedTrial(tmp_path, folder.path.name))
    assert {"result.json", "curve.jsonl"} <= set(facts.files)
