"""Readers of data sets, called with an object of their parameters, or from Python with parameters one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Read = TypeVar("Read")


def by_keywords(declared: type[Any]) -> Callable[[Callable[..., Read]], Callable[..., Read]]:
    """Let a reader ``(split, parameters)`` be called as ``image_files("train", "pictures", size=16)`` too.

    Args:
        declared: the dataclass of its parameters.
    """

    def decorated(reader: Callable[..., Read]) -> Callable[..., Read]:
        @wraps(reader)
        def read(split: str, *given: Any, image_size: tuple[int, int] | None = None, **named: Any) -> Read:
            more = {} if image_size is None else {"image_size": image_size}
            if given and isinstance(given[0], declared):
                return reader(split, *given, **named, **more)
            return reader(split, declared(*given, **named), **more)

        return read

    return decorated
