"""Checks of the ``requires`` of a benchmark file."""

from __future__ import annotations

from mebench.plan.file.checker import Checker, items


def check_requirements(checker: Checker) -> None:
    """Check that everything that the file requires is installed, in a version that fits."""
    for index, written in items(checker.content.get("requires")):
        if isinstance(written, str):
            from mebench.registry.catalogue import catalogue
            from mebench.registry.requirements import unmet

            problem = unmet(written, catalogue().plugins)
            if problem:
                checker.add(("requires", index), problem)
