"""Who or what a line is about, said once."""

from __future__ import annotations

import re


def about(subject: str, words: str) -> str:
    """``subject: words``, or the words alone where they begin with their subject already, in quotation marks or not."""
    plain = words.replace("'", "").replace('"', "")
    return words if re.match(rf"{re.escape(subject)}(?![\w-])", plain) else f"{subject}: {words}"
