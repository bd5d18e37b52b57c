"""Means with intervals on pages and cards are those of the committed rows that the page names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mebench.results.leaderboard import build_leaderboard

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "plugins").glob("*/README.md"))]
DIFFERENCES = {"78.6"}
"""Differences in tables that happen to be the mean of a row, too."""


def named(text: str) -> set[str]:
    """The studies whose rows a page names: `results/activethief-table3`, `-table4`."""
    whole = set(re.findall(r"results/([a-z0-9-]+)/?[`)/]", text))
    return whole | {f"{one.partition('-')[0]}{rest}" for one in whole for rest in re.findall(r"`(-table\d)`", text)}


NAMED = {page: named(page.read_text("utf-8")) for page in PAGES}
ABOUT_RESULTS = [page for page, studies in NAMED.items() if any((ROOT / "results" / one).is_dir() for one in studies)]


@pytest.fixture(scope="module")
def rows() -> dict[str, dict[str, set[str]]]:
    """By study, the intervals that belong to each mean, of accuracy and fidelity, in percent."""
    found: dict[str, dict[str, set[str]]] = {}
    for folder in sorted((ROOT / "results").glob("*/*")):
        means = found.setdefault(folder.parent.name, {})
        for row in build_leaderboard([folder]).rows:
            for mean, half in ((row.accuracy, row.accuracy_ci), (row.fidelity, row.fidelity_ci)):
                if mean is not None and half is not None:
                    means.setdefault(f"{100 * mean:.1f}", set()).add(f"{100 * half:.1f}")
    return found


@pytest.mark.parametrize("page", ABOUT_RESULTS, ids=lambda page: "-".join(page.relative_to(ROOT).parts))
def test_a_mean_that_a_row_has_stands_with_an_interval_that_a_row_has(page: Path, rows) -> None:
    """Differences by seed and quick runs have means of their own, which are no row's."""
    known: dict[str, set[str]] = {}
    for study in NAMED[page]:
        for mean, halves in rows.get(study, {}).items():
            known.setdefault(mean, set()).update(halves)
    lines = page.read_text("utf-8").splitlines()
    tables = "\n".join(line for line in lines if line.startswith("|"))
    said = re.findall(r"(?<![-+\d.])(\d+\.\d) ± (\d+\.\d)", tables)
    wrong = [f"{mean} ± {half}" for mean, half in said if half not in known.get(mean, {half})]
    assert not [one for one in wrong if one.split()[0] not in DIFFERENCES]
