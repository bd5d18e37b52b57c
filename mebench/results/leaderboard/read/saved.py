"""What is on disk besides trials: ``benchmark.json``, ``leaderboard.json``, and folders of committed rows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError
from mebench.api.files import read_bytes, read_json, write_text
from mebench.api.printable import printable
from mebench.api.spec import content_digest
from mebench.results.leaderboard.compute.rows import MEANS
from mebench.results.leaderboard.keys import MAPPINGS
from mebench.results.leaderboard.model import BenchmarkInfo, Leaderboard, Row
from mebench.results.leaderboard.read.invariants import TOLERANCE, fidelity_problem, is_fraction
from mebench.results.leaderboard.read.row_files import committed, row_of
from mebench.results.leaderboard.read.trials import parse
from mebench.results.numbers import SCORES
from mebench.results.trial_folder import has_trials

ROW_KIND = "mebench-row"
ROUNDED = 1e-4
"""By how much the last value of a thinned curve may differ from what it was rounded from."""
NUMBERS = ("normalised_accuracy", "queries", "rank", "rank_last", *MEANS)
"""What an invalid row must not have, besides what its mappings hold."""


def holds_trials(root: Path) -> bool:
    """Whether a root is a results folder, rather than committed rows or a saved leaderboard.

    Raises:
        ResultsError: it is none of these; the message says what was looked for.
    """
    if root.is_file():
        return False
    if not root.is_dir():
        raise ResultsError(f"{root}: no such results folder or file")
    if (root / "benchmark.json").exists() or has_trials(root):
        return True
    if _row_files(root) or (root / "leaderboard.json").exists():
        return False
    inside = [path.name for path in sorted(root.iterdir()) if path.is_dir() and has_trials(path)]
    hint = f"; did you mean {root / inside[0]}?" if inside else ""
    raise ResultsError(f"{root}: holds no trials, no committed rows and no leaderboard.json{hint}")


def read_info(root: Path, notes: list[str]) -> BenchmarkInfo:
    """Read ``benchmark.json`` of a results folder; a missing one says nothing, a broken one is noted."""
    path = root / "benchmark.json"
    if not path.exists():
        return BenchmarkInfo()
    try:
        return parse_info(read_json(path))
    except (ResultsError, OSError, ValueError) as error:
        notes.append(f"skipped benchmark.json: {printable(str(error).replace(f'{root}/', ''))}")
        return BenchmarkInfo()


def read_class_names(root: Path) -> dict[str, list[str]]:
    """The names of classes by victim that ``benchmark.json`` of a results folder holds; what is unfit is left out."""
    try:
        told = read_json(root / "benchmark.json").get("class_names")
    except (ResultsError, OSError, ValueError):
        return {}
    named = told.items() if isinstance(told, dict) else ()
    return {
        victim: names
        for victim, names in named
        if isinstance(names, list) and all(isinstance(name, str) and name.strip() for name in names)
    }


def parse_info(plain: dict[str, Any]) -> BenchmarkInfo:
    """Check the facts of a benchmark; keys that are null or unknown are left out.

    Raises:
        ValueError: one line on what does not fit.
    """
    return parse(BenchmarkInfo, {key: value for key, value in plain.items() if value is not None})


def read_saved(root: Path) -> Leaderboard:
    """Read a ``leaderboard.json``, or a folder that holds one or committed rows.

    Raises:
        ResultsError: it cannot be read at all; single broken rows are noted and left out.
    """
    if root.is_dir() and (files := _row_files(root)):
        skipped: list[str] = []
        found = [(path.name, _read_row_file(path, skipped)) for path in files]
        plain: dict[str, Any] = {
            "benchmark": next((value["benchmark"] for _, value in found if "benchmark" in value), {}),
            "rows": [value.get("row") for _, value in found if value],
        }
        return _leaderboard(root, plain, skipped, [name for name, value in found if value])
    path = root / "leaderboard.json" if root.is_dir() else root
    plain = read_json(path)
    if plain.get("kind") == ROW_KIND:
        return _leaderboard(path, {"benchmark": plain.get("benchmark"), "rows": [plain.get("row")]}, [])
    if not isinstance(plain.get("rows"), list):
        raise ResultsError(f"{path}: is no leaderboard.json (it has no rows)")
    notes = plain.get("notes")
    return _leaderboard(path, plain, list(map(printable, notes)) if isinstance(notes, list) else [])


def _leaderboard(path: Path, plain: dict[str, Any], notes: list[str], names: Sequence[str] = ()) -> Leaderboard:
    version = plain.get("format", 1)
    if version != 1:
        raise ResultsError(f"{path}: has format {version}, this mebench reads 1: update mebench")
    rows = []
    for number, value in enumerate(plain["rows"]):
        name = names[number] if names else f"row {number + 1}"
        try:
            rows.append(checked(row_of(value)))
        except (ValueError, OverflowError) as error:
            notes.append(printable(f"skipped {name}: {error}"))
    try:
        info = parse_info(plain.get("benchmark") or {})
    except (ValueError, AttributeError) as error:
        info = BenchmarkInfo()
        notes.append(printable(f"skipped the facts of the benchmark: {error}"))
    return Leaderboard(info, tuple(rows), tuple(notes))


def checked(row: Row) -> Row:
    """Check the invariants of a row that was read, and mark it as invalid if one is broken."""
    problem = next(iter(_row_problems(row)), "") if row.status != "invalid" else ""
    if not problem:
        return row
    nothing: dict[str, Any] = {**dict.fromkeys(NUMBERS), **{name: {} for name in MAPPINGS}}
    return replace(row, **nothing, per_seed=(), status="invalid", reason=problem)


def _row_problems(row: Row) -> list[str]:
    """What cannot be true of a row: values, and means that are not those of its seeds."""
    values = {name: row.number(name) for name in SCORES} | {"victim accuracy": row.victim_accuracy}
    fractions = [*values.items(), *((name, one.number(name)) for one in row.per_seed for name in SCORES)]
    curves = [(name, one.curve.values(name)) for one in row.per_seed for name in SCORES if one.curve]
    fractions += [(f"{name} of a curve", value) for name, values in curves for value in values]
    problems = [
        f"{name} {value:g} is outside 0..1" for name, value in fractions if value is not None and not is_fraction(value)
    ]
    if problems:
        return problems
    if row.attack == "victim" and row.fidelity != 1:
        problems.append("the victim's fidelity with itself is not 1")
    if row.queries is not None and row.queries > row.budget:
        problems.append(f"spent {row.queries:g} queries of {row.budget}")
    if row.accuracy is not None and row.fidelity is not None and row.victim_accuracy is not None:
        problems += filter(None, [fidelity_problem(row.accuracy, row.fidelity, row.victim_accuracy)])
    for name in SCORES:
        mean, seeds = row.number(name), [one.number(name) or 0.0 for one in row.per_seed]
        if mean is not None and seeds and abs(mean - sum(seeds) / len(seeds)) > TOLERANCE:
            problems.append(f"{name} {mean:g} is not the mean of its seeds, {sum(seeds) / len(seeds):g}")
    for name, one in ((name, one) for name in SCORES for one in row.per_seed if one.curve):
        end, value = one.curve.values(name)[-1], one.number(name)
        if end is None or value is None or abs(end - value) > ROUNDED:
            problems.append(f"the curve of seed {one.seed} ends at {name} {end}, not at {value}")
    return problems


def _row_files(root: Path) -> list[Path]:
    """The JSON files of a folder that may be committed rows."""
    candidates = [
        path for path in sorted(root.glob("*.json")) if path.name not in ("leaderboard.json", "benchmark.json")
    ]
    return [path for path in candidates if _peek(path)]


def _peek(path: Path) -> bool:
    try:
        return ROW_KIND.encode() in read_bytes(path)
    except ResultsError:
        return False


def _read_row_file(path: Path, notes: list[str]) -> dict[str, Any]:
    try:
        return read_json(path)
    except (ResultsError, OSError) as error:
        notes.append(f"skipped {path.name}: {printable(str(error).replace(f'{path}: ', ''))}")
        return {}


def match_key(row: Row) -> tuple[object, ...]:
    """What two rows must share to be compared; weights may differ in bits when trained on another machine."""
    return (
        *(row.kind, row.attack, row.variant, row.victim, row.channel, row.clone, row.data_prior, row.pool),
        *(row.track, row.budget, row.profile, row.protocol),
    )


def row_file_name(row: Row) -> str:
    """A readable file name, the same for rows that are compared with each other."""
    words = [row.attack, row.variant, row.victim, row.channel]
    prefix = "-".join(re.sub(r"[^a-z0-9.]+", "-", word.lower()).strip("-.") for word in words)
    return f"{prefix[:80]}-q{row.budget}-{content_digest(match_key(row))}.json"


def _row_text(content: dict[str, Any]) -> str:
    """JSON with each list of numbers on one line; a line's end stands in no text."""
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    return re.sub(r"\[\n([-+.,\deEnul\s]*)\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def write_row_files(folder: Path, leaderboard: Leaderboard, *, prune: bool = False) -> tuple[list[str], list[str]]:
    """Write finished rows as one small JSON file each, for a repository; times are left out, as they always differ.

    Args:
        folder: made if it does not exist.
        leaderboard: rows that are not finished are left out.
        prune: also delete row files of rows that the leaderboard does not have.

    Returns:
        Names of the files written, and of those deleted.

    Raises:
        ResultsError: two rows would be the same file, or the folder holds trials. Nothing is written then.
    """
    if folder.is_file():
        raise ResultsError(f"{folder}: is a file; rows are written into a folder")
    if folder.is_dir() and has_trials(folder):
        raise ResultsError(f"{folder}: holds trials; give another folder for the committed rows")
    facts = asdict(leaderboard.benchmark)
    benchmark = {key: facts[key] for key in ("name", "title", "profile", "scale", "note", "paper")}
    files: dict[str, dict[str, Any]] = {}
    for row in leaderboard.rows:
        if row.status != "finished":
            continue
        name = row_file_name(row)
        if name in files:
            raise ResultsError(f"two rows would be {name}: results of different settings or victims; take one folder")
        files[name] = {"format": 1, "kind": ROW_KIND, "benchmark": benchmark, "row": committed(row)}
    if not files:
        raise ResultsError("there is no finished row to write")
    for name, content in files.items():
        write_text(folder / name, _row_text(content))
    gone = [path for path in _row_files(folder) if path.name not in files] if prune else []
    for path in gone:
        path.unlink()
    return sorted(files), [path.name for path in gone]
