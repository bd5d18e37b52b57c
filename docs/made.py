"""Tables of pages that a command of mebench makes of committed rows.

In a page::

    <!-- made by: mebench matrix results/detectors/cpu-hour --detectors -->

    ...

    <!-- to here -->

What stands between is what the command writes with ``--format md``, without its headings.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from claims import MADE, line_of


def remade(page: str, text: str, root: Path, run: Callable[[list[str]], int]) -> tuple[str, list[str]]:
    """Return a page with every such table as its command makes it now, and what was otherwise.

    Args:
        page: its name, for what is said.
        text: of the page.
        root: of the repository; folders of commands that begin with ``results/`` are there.
        run: runs a command, as `mebench.cli.main`.
    """
    wrong = []
    for match in reversed(list(MADE.finditer(text))):
        place = f"{page}:{line_of(text, match.start())}"
        if (made := made_by(match[1], root, run)) is None:
            wrong.append(f"{place}: `mebench {match[1]}` fails")
            continue
        wanted = f"<!-- made by: mebench {match[1]} -->\n\n{made}\n\n<!-- to here -->"
        if match[0] != wanted:
            wrong.append(f"{place}: not what `mebench {match[1]}` makes now")
            text = text[: match.start()] + wanted + text[match.end() :]
    return text, wrong[::-1]


def made_by(command: str, root: Path, run: Callable[[list[str]], int]) -> str | None:
    """What a command makes, each heading as a line in bold; None if it fails."""
    words = [str(root / one) if one.startswith("results/") else one for one in shlex.split(command)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "made.md"
        if run([*words, "--format", "md", "-o", str(file)]):
            return None
        return re.sub(r"^#+ (.*)$", r"**\1**", file.read_text(encoding="utf-8"), flags=re.M).strip()
