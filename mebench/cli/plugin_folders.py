"""``--plugin-dir``: the one option that every command has."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

OPTION = "--plugin-dir"


def folders_first(args: Sequence[str]) -> list[str]:
    """Move every ``--plugin-dir DIR`` before the command, wherever it stands before a ``--``."""
    first: list[str] = []
    rest = list(args)
    end = rest.index("--") if "--" in rest else len(rest)
    for index in range(end - 1, -1, -1):
        if rest[index] == OPTION:
            first = rest[index : index + 2] + first
            del rest[index : index + 2]
        elif rest[index].startswith(f"{OPTION}="):
            first = [rest.pop(index), *first]
    return first + rest


def add_folders(folders: Sequence[Path]) -> Callable[[], None]:
    """Put folders before those of the environment, where worker processes see them too; return how to undo it."""
    from mebench.registry.sources import FOLDERS

    before = os.environ.get(FOLDERS, "")
    os.environ[FOLDERS] = os.pathsep.join([*(str(folder.resolve()) for folder in folders), before])

    def undo() -> None:
        os.environ[FOLDERS] = before

    return undo
