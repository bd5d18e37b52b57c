"""Hold the numbers of README, documents and cards against the committed rows, and make their pictures.

    python docs/recompute.py                     say what a page has that rows do not; exit 1 then
    python docs/recompute.py --write             put the numbers of the rows there
    python docs/recompute.py --pictures          make the pictures of docs/pictures whose rows are committed
    python docs/recompute.py --pictures --check  say which of them rows would draw otherwise; exit 1 then

docs/numbers/*.yaml say which sentence is of which rows. In a sentence, braces stand for a number::

    - page: plugins/mebench_megex/README.md
      rows: results/megex-table1/quick
      says:
        - "| megex l1 | {megex/l1} | 92.3 |"
        - "by seed MEGEX is {megex/l1 - dfme/l1} points above DFME with l1"
        - "area under the curve is {megex/l1 : auc} against {dfme/l1 : auc}"
    - page: plugins/mebench_activethief/README.md
      rows: results/activethief-table3/cpu-hour
      each: [random, dfal]
      says: ["| `<>` | {activethief/<>/*/*/1000 : fidelity} |"]
      elsewhere: [{says: "at revision 2cb2142 it was 72.9 ± 5.7", why: its rows were replaced}]

How the page writes a number says what it is: ``66.4 ± 6.0`` a mean with its 95 % interval, ``43.2, 30.9, 37.8`` the
seeds. docs/expressions.py says what can stand in braces, docs/claims.py what a page may hold that no rows are of,
docs/made.py how a page has a whole table that a command makes.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from claims import CLAIMS, Claim, line_of, read, uncovered
from expressions import ClaimError, as_written, value
from made import remade

from mebench.api.errors import ResultsError
from mebench.cli import main as mebench
from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.model import Row

ROOT = Path(__file__).resolve().parent.parent
LEVELS = 32
"""Of 255: what a pixel may differ by between two machines; a digit is darker than that."""


@cache
def board(where: str) -> tuple[Row, ...]:
    """The rows of a folder of committed results.

    Raises:
        ResultsError: there is no such folder.
    """
    return tuple(build_leaderboard([ROOT / where]).rows)


def checked(claim: Claim, text: str, rows: tuple[Row, ...]) -> tuple[str, list[str]]:
    """Return the text with the numbers of rows in place of its own, and what was wrong."""
    matches = claim.found_in(text)
    if len(matches) != 1:
        return text, [f"{claim.page}: {len(matches)} sentences like: {claim.says}"]
    match, wrong = matches[0], []
    for group, expression in reversed(list(enumerate(claim.expressions, 1))):
        has = re.sub(r"\s+", " ", match[group])
        place = f"{claim.page}:{line_of(text, match.start(group))}: {expression}"
        try:
            wanted = as_written(value(expression, rows), has)
        except ClaimError as error:
            wrong.append(f"{place}: {error}")
            continue
        if has != wanted:
            wrong.append(f"{place}: the page has {has}, {claim.rows} have {wanted}")
            text = text[: match.start(group)] + wanted + text[match.end(group) :]
    return text, wrong[::-1]


def pages() -> list[str]:
    """README, documents and cards, but what is made from them."""
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "plugins").glob("*/README.md")]
    return sorted(one.relative_to(ROOT).as_posix() for one in found)


def problems(write: bool = False) -> list[str]:
    """Hold every page against the rows; with ``write``, mend the numbers."""
    known, others = read(CLAIMS)
    there = pages()
    named = {one.page for one in known} | {one.page for one in others}
    found = [f"{page}: no such page" for page in sorted(named.difference(there))]
    for page in there:
        text = before = (ROOT / page).read_text(encoding="utf-8")
        for claim in (one for one in known if one.page == page):
            try:
                text, wrong = checked(claim, text, board(claim.rows))
            except ResultsError as error:
                wrong = [f"{page}: {error}"]
            found += wrong
        text, wrong = remade(page, text, ROOT, mebench)
        found += wrong
        found += uncovered(page, text, known, others)
        if write and text != before:
            (ROOT / page).write_text(text, encoding="utf-8")
    return [*found, *unknown_pictures()]


def unknown_pictures() -> list[str]:
    """Pictures of which nothing says how they are made, and the other way round."""
    known = {block["picture"] for block in drawn()}
    there = {file.relative_to(ROOT).as_posix() for file in (ROOT / "docs" / "pictures").iterdir()}
    return [f"{one}: in docs/numbers/pictures.yaml or on disk alone" for one in sorted(known ^ there)]


def drawn() -> list[dict[str, str]]:
    """What docs/numbers/pictures.yaml says: ``picture``, and ``command`` or ``why`` there is none."""
    blocks: list[dict[str, str]] = yaml.safe_load((CLAIMS / "pictures.yaml").read_text(encoding="utf-8"))
    return blocks


def pictures(run: Callable[[list[str]], Any], check: bool = False) -> list[str]:
    """Make every picture whose rows are committed; with ``check``, say which are not what rows would draw."""
    wrong = []
    with TemporaryDirectory() as folder:
        for block in (one for one in drawn() if "command" in one):
            kept = ROOT / block["picture"]
            made = Path(folder) / kept.name if check else kept
            arguments = [
                str(ROOT / one) if one.startswith("results/") else one for one in shlex.split(block["command"])
            ]
            run([*arguments, "-o", str(made)])
            if check and not alike(made, kept):
                wrong.append(f"{block['picture']}: not what `mebench {block['command']}` draws")
    return wrong


def alike(one: Path, other: Path) -> bool:
    """Whether two pictures are the same but for what machines differ in."""
    import numpy as np
    from PIL import Image

    first, second = (np.asarray(Image.open(file).convert("RGB"), dtype=int) for file in (one, other))
    return first.shape == second.shape and int(np.abs(first - second).max()) <= LEVELS


def main() -> int:
    """Do what the arguments ask."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the numbers of the rows into the pages")
    parser.add_argument("--pictures", action="store_true", help="make the pictures whose rows are committed")
    parser.add_argument("--check", action="store_true", help="of pictures: only say which would be others")
    chosen = parser.parse_args()
    if chosen.pictures:
        found = pictures(mebench, chosen.check)
        sys.stdout.write("".join(f"{one}\n" for one in found))
        return 1 if found else 0
    found = problems(chosen.write)
    count = sum(len(claim.expressions) for claim in read(CLAIMS)[0])
    sys.stdout.write("\n".join([*found, f"{len(found)} problems in {len(pages())} pages, {count} numbers held\n"]))
    return 1 if found and not chosen.write else 0


if __name__ == "__main__":
    sys.exit(main())
