"""The cache of read results must never be wrong: these tests try to make it lie."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.api.errors import UnwritableError
from mebench.api.files import write_json
from mebench.results.leaderboard import FORMATS, build_leaderboard
from mebench.results.leaderboard.read import cache, folders
from mebench.results.leaderboard.read.folders import read_trials
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.trial_folder import TrialFolder

SPECS = [make_spec(attack, seed=seed) for attack in ("dfme", "maze") for seed in range(3)]
Reads = list[str]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """The names of trials whose files are read; caches are kept of small folders, and files count as old."""
    names: Reads = []
    true = folders._read

    def read(folder: TrialFolder, notes: list[str]) -> TrialRecord:
        names.append(folder.path.name)
        return true(folder, notes)

    monkeypatch.setattr(folders, "_read", read)
    monkeypatch.setattr(cache, "FEWEST", 1)
    monkeypatch.setattr(cache, "file_system_clock", lambda root: lambda: 1e12)
    return names


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "out"
    for spec in SPECS:
        folder = make_trial(root, spec, 0.5 + 0.01 * spec.seed)
        write_json(folder.path / "timing.json", {"seconds": 10 + spec.seed, "queries_per_second": 5})
        write_json(folder.path / "code.json", {"attack dfme": {"distribution": "a", "version": "1", "digest": "x"}})
    return root


def board(root: Path) -> str:
    return FORMATS["json"](build_leaderboard([root]))


def fresh(root: Path) -> str:
    """The leaderboard without any cache."""
    (root / cache.NAME).unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "FEWEST", 1_000_000)
        return board(root)


def test_what_was_read_before_is_not_read_again_and_is_the_same(root: Path, reads: Reads) -> None:
    wanted = fresh(root)
    first = read_trials(root, [])
    reads.clear()
    second = read_trials(root, [])
    assert reads == []
    assert second == first
    assert [repr(one) for one in second] == [repr(one) for one in first]
    assert board(root) == wanted
    assert reads == []


def test_a_trial_that_is_new_is_read_and_remembered(root: Path, reads: Reads) -> None:
    board(root)
    reads.clear()
    new = make_spec("zoo")
    make_trial(root, new, 0.4)
    wanted = board(root)
    assert reads == [new.id]
    assert board(root) == wanted
    assert reads == [new.id]


def test_a_trial_that_is_gone_is_gone(root: Path, reads: Reads) -> None:
    board(root)
    shutil.rmtree(root / SPECS[0].id)
    assert board(root) == fresh(root)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """Change a file in place to one of the same size and the same time of modification."""
    before = path.stat()
    content = path.read_bytes()
    assert len(old) == len(new)
    assert old in content
    with path.open("r+b") as file:
        file.write(content.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("result.json", b'"fidelity": 0.53', b'"fidelity": 0.54'),
        ("curve.jsonl", b'"queries": 2500,', b'"queries": 2501,'),
        ("timing.json", b'"seconds": 10', b'"seconds": 99'),
        ("code.json", b'"version": "1"', b'"version": "2"'),
    ],
)
def test_a_change_of_the_same_size_whose_time_was_put_back_is_seen(
    root: Path, reads: Reads, name: str, old: bytes, new: bytes
) -> None:
    before = board(root)
    reads.clear()
    rewrite(root / SPECS[0].id / name, old, new)
    after = board(root)
    assert reads == [SPECS[0].id]
    assert after == fresh(root)
    assert after != before


def test_what_has_changed_within_the_last_seconds_is_not_kept(root: Path, reads: Reads, monkeypatch) -> None:
    times = [file.stat().st_mtime for file in root.glob("*/*")]
    monkeypatch.setattr(cache, "file_system_clock", lambda root: lambda: min(times) + cache.RACY_SECONDS - 0.1)
    board(root)
    reads.clear()
    board(root)
    assert len(reads) == len(SPECS)
    monkeypatch.setattr(cache, "file_system_clock", lambda root: lambda: max(times) + cache.RACY_SECONDS + 60)
    board(root)
    reads.clear()
    board(root)
    assert reads == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(root: Path, reads: Reads, monkeypatch) -> None:
    true = folders.read_trial

    def changing(folder: TrialFolder, notes: list[str]) -> TrialRecord:
        record = true(folder, notes)
        write_json(folder.path / "timing.json", {"seconds": 77})
        return record

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folders, "read_trial", changing)
        board(root)
    reads.clear()
    assert board(root) == fresh(root)
    assert len(reads) >= len(SPECS)


def test_a_file_put_in_the_place_of_another_is_seen(root: Path, reads: Reads) -> None:
    board(root)
    first, second = root / SPECS[0].id, root / SPECS[1].id
    for name in ("result.json", "spec.json", "curve.jsonl"):
        (first / name).rename(root / "between")
        (second / name).rename(first / name)
        (root / "between").rename(second / name)
    assert board(root) == fresh(root)


def test_folders_that_change_their_names_are_seen(root: Path, reads: Reads) -> None:
    board(root)
    first, second = root / SPECS[0].id, root / SPECS[1].id
    first.rename(root / "between")
    second.rename(first)
    (root / "between").rename(second)
    assert board(root) == fresh(root)


@pytest.mark.parametrize("name", ["timing.json", "code.json", "curve.jsonl", "result.json"])
def test_a_file_that_is_gone_is_seen(root: Path, reads: Reads, name: str) -> None:
    board(root)
    (root / SPECS[0].id / name).unlink()
    assert board(root) == fresh(root)


def test_a_copy_of_a_folder_with_all_its_times_is_read_anew(root: Path, reads: Reads, tmp_path: Path) -> None:
    board(root)
    shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copy2)
    reads.clear()
    assert board(tmp_path / "copy") == fresh(root)
    assert {*reads[: len(SPECS)]} == {spec.id for spec in SPECS}


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    changed = bytearray(content)
    for place in random.Random(0).sample(range(len(content)), 40):
        changed[place] ^= 1
    return bytes(changed)


def forged(content: bytes) -> bytes:
    """Other numbers in every line, with their checksums as they were."""
    return content.replace(b'"accuracy":0.5', b'"accuracy":0.9')


@pytest.mark.parametrize(
    "broken",
    [
        truncated,
        flipped,
        forged,
        lambda content: b"",
        lambda content: b"\xff" * 1000,
        lambda content: content.replace(b"\n", b""),
        lambda content: b"mebench-read-results 0 x\n" + content.partition(b"\n")[2],
        lambda content: content + b"half a line",
        lambda content: content.partition(b"\n")[0] + b"\n" + b'00000000 {"name": 1}\n[]\n\n',
    ],
)
def test_a_broken_cache_is_as_if_there_were_none(root: Path, reads: Reads, broken: Callable[[bytes], bytes]) -> None:
    wanted = fresh(root)
    board(root)
    file = root / cache.NAME
    file.write_bytes(broken(file.read_bytes()))
    for _ in range(2):
        assert board(root) == wanted
    reads.clear()
    assert board(root) == wanted
    assert reads == []


def test_what_other_code_has_read_is_read_anew(root: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch) -> None:
    board(root)
    reads.clear()
    monkeypatch.setattr(cache, "_reader", lambda: "another")
    board(root)
    assert len(reads) == len(SPECS)


def test_trials_that_are_not_finished_or_whose_results_do_not_count_are_read_every_time(
    root: Path, reads: Reads
) -> None:
    unfinished = make_spec("zoo")
    TrialFolder.of(root, unfinished).begin(unfinished)
    invalid = make_trial(root, make_spec("invalid"), 0.5, spent=7)
    board(root)
    reads.clear()
    found = {trial.id: trial.status for trial in read_trials(root, [])}
    assert reads == [invalid.path.name]
    assert (found[unfinished.id], found[invalid.path.name]) == ("partial", "invalid")


def test_notes_are_given_every_time(root: Path, reads: Reads) -> None:
    (root / SPECS[0].id / "code.json").write_text("{")
    said: list[list[str]] = [[], []]
    for notes in said:
        read_trials(root, notes)
    assert said[0] == said[1]
    assert "it is not known which code made its result" in said[0][0]


def test_numbers_that_no_json_has_are_read_every_time(root: Path, reads: Reads) -> None:
    folder = TrialFolder.of(root, SPECS[0])
    lines = [
        json.loads(line) | {"own": float("nan")} for line in (folder.path / "curve.jsonl").read_text().splitlines()
    ]
    (folder.path / "curve.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    board(root)
    reads.clear()
    board(root)
    assert set(reads) <= {SPECS[0].id}


def test_small_folders_get_no_file(root: Path) -> None:
    board(root)
    assert not (root / cache.NAME).exists()


def test_where_the_folder_cannot_be_written_the_cache_of_the_user_is_used(
    root: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    true = cache.write_atomically

    def refusing(path: Path, content: bytes) -> None:
        if path.parent == root:
            raise UnwritableError(path, "Read-only file system")
        true(path, content)

    monkeypatch.setattr(cache, "write_atomically", refusing)
    board(root)
    assert len(list((tmp_path / "cache" / "read-results").iterdir())) == 1
    reads.clear()
    assert board(root) == fresh(root)
    assert reads[: -len(SPECS)] == []


def test_the_file_does_not_grow_for_ever(root: Path, reads: Reads) -> None:
    sizes = []
    for number in range(12):
        write_json(root / SPECS[0].id / "timing.json", {"seconds": number})
        board(root)
        sizes.append((root / cache.NAME).stat().st_size)
    assert max(sizes) < 4 * sizes[0]
    assert board(root) == fresh(root)


def test_numbers_keep_their_kind(root: Path, reads: Reads) -> None:
    folder = TrialFolder.of(root, SPECS[0])
    lines = [json.loads(line) | {"own": 1} for line in (folder.path / "curve.jsonl").read_text().splitlines()]
    (folder.path / "curve.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    kinds = []
    for _ in range(2):
        one = next(trial for trial in read_trials(root, []) if trial.id == SPECS[0].id)
        kinds.append({name: [type(value) for value in one.curve.values(name)] for name in one.curve.columns})
    assert kinds[0] == kinds[1]
    assert kinds[0]["own"][0] is int
