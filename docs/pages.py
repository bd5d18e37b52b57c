"""A hook of mkdocs: a page that is called index.md in the navigation brings the pages beside it along.

So a new plugin's page needs no line in mkdocs.yml.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Put the pages of each folder below its index."""
    config["nav"] = [_with_folders(entry, Path(config["docs_dir"])) for entry in config["nav"]]
    return config


def _with_folders(entry: dict[str, Any], docs: Path) -> dict[str, Any]:
    ((title, target),) = entry.items()
    if isinstance(target, list):
        return {title: [_with_folders(one, docs) for one in target]}
    if not target.endswith("/index.md"):
        return entry
    beside = sorted(file.relative_to(docs).as_posix() for file in (docs / target).parent.glob("*.md"))
    return {title: [target, *({Path(page).stem.replace("-", " "): page} for page in beside if page != target)]}
