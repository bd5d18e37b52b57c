"""Print the names that only a text names, ``"module:name"``, which vulture cannot follow.

    python scripts/named_as_text.py > build/named_as_text.py

They are the targets of all entries that ship, and those of the jobs of a run. What is printed is a program that uses
each of them, as vulture's lists of exceptions are written. `make lint` runs it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from mebench.registry.catalogue import registry
from mebench.registry.entries import KINDS

ROOT = Path(__file__).resolve().parents[1]
TARGET = re.compile(r"\"mebench\.[\w.]*:(\w+)\"")


def names() -> set[str]:
    """The names behind the colon."""
    known = registry()
    entries = [entry for kind in KINDS for entry in known.entries(kind) if known.ships(kind, entry.name)]
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "mebench").rglob("*.py")]
    return {entry.target.partition(":")[2] for entry in entries} | {
        one for text in texts for one in TARGET.findall(text)
    }


if __name__ == "__main__":
    sys.stdout.write("".join(f"_.{name}\n" for name in sorted(names())))
