"""An extension of griffe, which reads docstrings for mkdocstrings: a line may say what several parameters are.

``low, high: inclusive value range.`` becomes a line for each, so that each gets its type, and a name that is no
parameter is a warning, which fails a strict build.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

SEVERAL = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.M)


class OneLinePerName(griffe.Extension):
    """Splits what is said of several names at once."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of a function or class."""
        if obj.docstring:
            obj.docstring.value = SEVERAL.sub(_one_line_per_name, obj.docstring.value)


def _one_line_per_name(found: re.Match[str]) -> str:
    indent, names, text = found.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))
