"""Hold the numbers of README, documents and cards against the committed rows, and make their pictures.

    python docs/recompute.py            say what a page has that rows do not; exit 1 then
    python docs/recompute.py --write    put the numbers of the rows there
    python docs/recompute.py --pictures make the pictures of docs/pictures whose rows are committed

docs/numbers/*.yaml say which sentence is of which rows. In a sentence, braces stand for a number::

    - page: plugins/mebench_megex/README.md
      rows: results/megex-table1/quick
      says:
        - "| megex l1 | {megex/l1} | 92.3 |"
        - "by seed MEGEX is {megex/l1 - dfme/l1} points above DFME with l1"
        - "area under the curve is {megex/l1 : auc} against {dfme/l1 : auc}"

A row is ATTACK/VARIANT[/VICTIM[/CHANNEL[/BUDGET]]] with wildcards; the metric is accuracy where none is named. How the
page writes the number says what it is: ``66.4 ± 6.0`` a mean with its 95 % interval, ``43.2, 30.9, 37.8`` the seeds. A
difference is paired, by seed and victim. Where a name means rows before several victims, a mean is over victims.
"""

from __future__ import annotations

import argparse
import math
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.compute.ranks import compare_all, errors_of, values_of
from mebench.results.leaderboard.model import Row
from mebench.results.matrix.compute import Unit, difference, estimate
from mebench.results.numbers import number

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = ROOT / "docs" / "numbers"
ONE = r"[+-]?\d[\d,]*(?:\.\d+)?"
WRITTEN = rf"{ONE}(?: ± {ONE}|(?:, {ONE})+)?"
"""A number, one with its interval, or several seeds."""


class ClaimError(Exception):
    """A claim that cannot be held against rows."""


@dataclass(frozen=True)
class Found:
    """What rows say.

    Attributes:
        mean: in the unit of the page.
        half: half width of the 95 % interval; None where there is none.
        seeds: the value of each, in their order.
    """

    mean: float
    half: float | None
    seeds: tuple[float, ...]


@dataclass(frozen=True)
class Claim:
    """A sentence of a page, with expressions in braces for its numbers.

    Attributes:
        page, rows: paths from the root of the repository.
        says: the sentence; white space stands for any.
    """

    page: str
    rows: str
    says: str

    @property
    def expressions(self) -> list[str]:
        """What stands in braces."""
        return re.findall(r"\{([^{}]+)\}", self.says)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the sentence, with a group for each number."""
        parts = re.split(r"\{[^{}]+\}", self.says)
        literal = [r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)) for part in parts]
        return re.compile(f"({WRITTEN})".replace(" ", r"\s+").join(literal))


def claims(folder: Path = CLAIMS) -> list[Claim]:
    """Read all claims."""
    found = []
    for file in sorted(folder.glob("*.yaml")):
        for block in yaml.safe_load(file.read_text(encoding="utf-8")):
            if "says" in block:
                found += [Claim(block["page"], block["rows"], says) for says in block["says"]]
    return found


def elsewhere(folder: Path = CLAIMS) -> list[tuple[str, str]]:
    """Read which sentences hold numbers of which no rows are committed: page and text."""
    blocks = [one for file in sorted(folder.glob("*.yaml")) for one in yaml.safe_load(file.read_text(encoding="utf-8"))]
    return [(block["page"], text) for block in blocks for text in block.get("elsewhere", ())]


def value(expression: str, rows: Sequence[Row]) -> Found:
    """Compute ``ROW``, ``ROW : METRIC`` or ``ROW - ROW : METRIC``, fractions in percent as the metric's card says."""
    names, _, metric = expression.partition(" : ")
    metric = metric.strip() or "accuracy"
    sides = [_rows(name.strip(), rows) for name in names.split(" - ")]
    if len(sides) > 2:
        raise ClaimError(f"{expression}: one difference at most")
    scale = 100.0 if number(metric).in_percent else 1.0
    found = _alone(sides[0], metric) if len(sides) == 1 else _difference(sides[0], sides[1], metric)
    half = None if found.half is None else scale * found.half
    return Found(scale * found.mean, half, tuple(scale * one for one in found.seeds))


def _rows(name: str, rows: Sequence[Row]) -> list[Row]:
    wanted = name.split("/")
    found = [row for row in rows if all(map(fnmatchcase, _names(row), wanted))]
    if not found:
        raise ClaimError(f"{name}: no row")
    if len({row.victim_hash for row in found}) < len(found):
        raise ClaimError(f"{name}: several rows: {', '.join('/'.join(_names(row)) for row in found)}")
    return found


def _names(row: Row) -> list[str]:
    return [row.attack, row.variant, row.victim, row.channel, str(row.budget)]


def _alone(rows: Sequence[Row], metric: str) -> Found:
    seeds = tuple(found for row in rows for one in row.per_seed if (found := one.number(metric)) is not None)
    if len(rows) == 1:
        mean, half = rows[0].number(metric), rows[0].interval(metric)
    else:
        over = estimate(_units(rows, metric))
        mean, half = (over.mean, over.half) if over else (None, None)
    if mean is None:
        raise ClaimError(f"{rows[0].name}: no {metric}")
    return Found(mean, half, seeds)


def _difference(first: Sequence[Row], second: Sequence[Row], metric: str) -> Found:
    if len(first) == len(second) == 1 and first[0].victim_hash == second[0].victim_hash:
        pair = [first[0], second[0]]
        found = compare_all(values_of(pair, metric), errors_of(pair, metric))
        mean, half = float(found.difference[0]), float(found.half_width[0])
    else:
        over = difference(_units(first, metric), _units(second, metric))
        mean, half = (over.mean, math.nan if over.half is None else over.half) if over else (math.nan, math.nan)
    if math.isnan(mean):
        raise ClaimError(f"{first[0].name} - {second[0].name}: no common seed and victim with {metric}")
    return Found(mean, None if math.isnan(half) else half, ())


def _units(rows: Sequence[Row], metric: str) -> dict[Unit, float]:
    return {
        (row.victim_hash or "", one.seed): found
        for row in rows
        for one in row.per_seed
        if (found := one.number(metric)) is not None
    }


def as_written(found: Found, like: str) -> str:
    """Write what rows say in the manner of a text: with its sign, its decimals, its interval, or its seeds."""
    if "±" in like:
        mean, half = re.split(r"\s+±\s+", like)
        if found.half is None:
            raise ClaimError("rows have no interval")
        return f"{_like(found.mean, mean)} ± {_like(found.half, half)}"
    if re.search(r",\s", like):
        return ", ".join(_like(one, like.split(",")[0]) for one in found.seeds)
    return _like(found.mean, like)


def _like(amount: float, text: str) -> str:
    decimals = len(text.partition(".")[2])
    sign = "+" if text.startswith("+") or (text.startswith("-") and amount >= 0) else ""
    commas = "," if "," in text or amount >= 1000 else ""
    written = f"{amount:{sign}{commas}.{decimals}f}"
    return written.replace("-", "", 1) if float(written.replace(",", "")) == 0 and not sign else written


@cache
def board(where: str) -> tuple[Row, ...]:
    """The rows of a folder of committed results."""
    return tuple(build_leaderboard([ROOT / where]).rows)


def checked(claim: Claim, text: str, rows: Sequence[Row]) -> tuple[str, list[str]]:
    """Return the text with the numbers of rows in place of its own, and what was wrong."""
    matches = list(claim.pattern.finditer(text))
    if len(matches) != 1:
        return text, [f"{claim.page}: {len(matches)} sentences like: {claim.says}"]
    match, wrong = matches[0], []
    for group, expression in reversed(list(enumerate(claim.expressions, 1))):
        has = re.sub(r"\s+", " ", match[group])
        try:
            wanted = as_written(value(expression, rows), has)
        except ClaimError as error:
            wrong.append(f"{claim.page}: {expression}: {error}")
            continue
        if has != wanted:
            wrong.append(f"{claim.page}: {expression}: the page has {has}, {claim.rows} have {wanted}")
            text = text[: match.start(group)] + wanted + text[match.end(group) :]
    return text, wrong[::-1]


def uncovered(page: str, text: str, known: Sequence[Claim], others: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Find intervals that no claim covers, line by line."""
    spans = [match.span() for claim in known if claim.page == page for match in claim.pattern.finditer(text)]
    for of_page, sentence in others:
        words = r"\s+".join(re.escape(word) for word in sentence.split())
        spans += [match.span() for match in re.finditer(words, text) if of_page == page]
    for match in re.finditer(rf"{ONE}\s+±\s+{ONE}", text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            yield f"{page}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]} is in no claim of docs/numbers"


def pages() -> list[str]:
    """README, documents and cards, but what is made from them."""
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").glob("*/README.md")]
    return sorted(one.relative_to(ROOT).as_posix() for one in found)


def problems(write: bool = False) -> list[str]:
    """Hold every page against the rows; with ``write``, mend the numbers."""
    known, others, found = claims(), elsewhere(), []
    for page in pages():
        text = before = (ROOT / page).read_text(encoding="utf-8")
        for claim in (one for one in known if one.page == page):
            text, wrong = checked(claim, text, board(claim.rows))
            found += wrong
        found += uncovered(page, text, known, others)
        if write and text != before:
            (ROOT / page).write_text(text, encoding="utf-8")
    return found


def pictures(run: Callable[[list[str]], Any]) -> None:
    """Make every picture whose rows are committed; docs/numbers/pictures.yaml has the commands."""
    for block in yaml.safe_load((CLAIMS / "pictures.yaml").read_text(encoding="utf-8")):
        if command := block.get("command"):
            run([*shlex.split(command), "-o", str(ROOT / block["picture"])])


def main() -> int:
    """Do what the arguments ask."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the numbers of the rows into the pages")
    parser.add_argument("--pictures", action="store_true", help="make the pictures whose rows are committed")
    chosen = parser.parse_args()
    if chosen.pictures:
        from mebench.cli import main as mebench

        pictures(mebench)
        return 0
    found = problems(chosen.write)
    sys.stdout.write("\n".join([*found, f"{len(found)} problems in {len(pages())} pages, {len(claims())} claims\n"]))
    return 1 if found and not chosen.write else 0


if __name__ == "__main__":
    sys.exit(main())
