"""What a piece of code asks of the interpreter and the machine, as Python's audit events tell.

The hook is added once to the process, since Python has no way to remove one, and does nothing outside `audited`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from mebench.data import embedded
from mebench.data.layouts import LAYOUTS
from mebench.data.sources import cache_dir
from mebench.data.sources import candidates as places

_INSTALLED: list[bool] = []
_LISTENING: list[_Listener] = []
_EVENTS = {
    "gc.get_objects": "searches memory (gc.get_objects)",
    "gc.get_referrers": "searches memory (gc.get_referrers)",
    "sys._current_frames": "reads the frames of other functions",
    "sys.settrace": "traces other functions",
    "sys.setprofile": "traces other functions",
    "sys.addaudithook": "listens to audit events",
    "ctypes.cdata": "reads memory (ctypes)",
    "ctypes.PyObj_FromPtr": "reads memory (ctypes)",
    "ctypes.string_at": "reads memory (ctypes)",
    "socket.connect": "opens a connection",
    "subprocess.Popen": "starts a process",
    "os.system": "starts a process",
    "os.fork": "starts a process",
    "os.posix_spawn": "starts a process",
    "os.remove": "removes a file",
    "os.rename": "renames a file",
    "os.mkdir": "makes a folder",
}
_OF_FILES = ("os.remove", "os.rename", "os.mkdir")


def _compiled(path: Any) -> bool:
    return isinstance(path, (str, bytes, os.PathLike)) and "__pycache__" in Path(os.fsdecode(path)).parts


class _Listener:
    """Takes note of events.

    Args:
        package: the top-level package of the code that is listened to.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.private = [folder.resolve() for folder in private_folders()]
        self.seen: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event if it is one that an attack has no business with."""
        what = _EVENTS.get(event)
        if event == "open":
            what = self._opened(*arguments[:3])
        elif event == "sys._getframe":
            what = self._looked_up()
        elif event in _OF_FILES and _compiled(arguments[0]):
            what = None  # Python keeps what it has compiled
        if what and what not in self.seen:
            self.seen.append(what)

    def _opened(self, path: Any, mode: Any, flags: Any) -> str | None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return None
        file = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 (resolve would raise events of its own)
        if _compiled(file) or str(file) == os.devnull:
            return None
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return f"writes a file ({file.name})"
        if any(folder in file.parents for folder in self.private):
            return f"reads a file of victims or data ({file.name})"
        return None

    def _looked_up(self) -> str | None:
        """Whether the attack's own code, or `inspect` on its behalf, has asked for a frame."""
        frame = sys._getframe(3)  # this, `hear`, the hook
        while frame is not None and frame.f_globals.get("__name__") == "inspect" and frame.f_back:
            frame = frame.f_back
        name = str(frame.f_globals.get("__name__", ""))
        return "reads the frames of its callers" if name.partition(".")[0] == self.package else None


def private_folders() -> list[Path]:
    """Where victims and data sets lie: the cache, what ships with mebench, and the places that data is looked for."""
    folders = [cache_dir(), Path(embedded.__file__).parent]
    if own := os.environ.get("MEBENCH_DATA"):
        folders.append(Path(own).expanduser())
    for layout in LAYOUTS.values():
        names = {name for one in (layout.files, *layout.alternatives) for name in one}
        folders += {(found.folder / name).parent for found in places(layout) for name in names}
    return folders


@contextlib.contextmanager
def audited(package: str) -> Iterator[Sequence[str]]:
    """Take note of what happens in the block; the list that is given fills meanwhile."""
    if not _INSTALLED:
        sys.addaudithook(_hook)
        _INSTALLED.append(True)
    listener = _Listener(package)
    _LISTENING.append(listener)
    try:
        with _safetensors_heard():
            yield listener.seen
    finally:
        _LISTENING.remove(listener)


@contextlib.contextmanager
def _safetensors_heard() -> Iterator[None]:
    """Raise the audit event of `open` for files that safetensors opens by means of its own: cached victims are such."""
    readers = [(owner, "safe_open", os.O_RDONLY) for owner in (safetensors, safetensors.torch)]
    writers = [(owner, "serialize_file", os.O_WRONLY) for owner in (safetensors, safetensors.torch)]
    named = [(owner, name, flags, getattr(owner, name)) for owner, name, flags in (*readers, *writers)]
    for owner, name, flags, function in named:
        setattr(owner, name, _announcing(function, flags))
    try:
        yield
    finally:
        for owner, name, _, function in named:
            setattr(owner, name, function)


def _announcing(function: Callable[..., Any], flags: int) -> Callable[..., Any]:
    """The function, with an audit event for the file that it is given."""
    place = 1 if flags else 0  # what is written comes first

    def announced(*arguments: Any, **more: Any) -> Any:
        path = arguments[place] if len(arguments) > place else more.get("filename")
        sys.audit("open", path, None, flags)
        return function(*arguments, **more)

    return announced


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _LISTENING or not (event in _EVENTS or event in ("open", "sys._getframe")):
        return
    listening = _LISTENING[:]
    _LISTENING.clear()  # what the listeners do raises events too
    try:
        for listener in listening:
            listener.hear(event, arguments)
    finally:
        _LISTENING[:] = listening
