"""Where plugins are looked for: entry points of distributions, mebench among them, and folders of one-file plugins."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

from mebench.registry.distributions import installed
from mebench.registry.source import Source, refuse

FOLDERS = "MEBENCH_PLUGIN_DIR"
DISABLE = "MEBENCH_DISABLE"
_NO_PLUGINS = ("conftest", "setup")


def sources(folders: str) -> Iterator[Source]:
    """All plugins: what ships with mebench first, then those of distributions by name, then those of folders."""
    found = list(installed())
    yield from sorted(found, key=lambda one: (one.distribution != "mebench", one.name))
    for folder in dict.fromkeys(filter(None, folders.split(os.pathsep))):
        yield from _folder(Path(folder))


def _folder(folder: Path) -> Iterator[Source]:
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        reason = f"{folder}: {error.strerror}: correct --plugin-dir or {FOLDERS}"
        yield Source(folder.name, str(folder), "", "", partial(refuse, reason))
        return
    for path in found:
        package = path / "__init__.py"
        if path.stem.startswith(("_", ".", "test_")) or path.stem in _NO_PLUGINS:
            continue
        if (path.suffix == ".py" and path.is_file()) or package.is_file():
            yield _file(folder, path, package if path.is_dir() else path)


def _file(folder: Path, path: Path, file: Path) -> Source:
    """A module or package of a folder, under a module name that no other folder's has."""
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    prefix = re.sub(r"\W", "_", f"mebench_plugin_{place}_{path.stem}")
    distribution = f"{folder.resolve().name}/{path.name}"
    load = partial(_import, prefix, file)
    return Source(path.stem, distribution, _version(file), prefix, load, path.resolve(), prefix)


def _version(file: Path) -> str:
    """The ``__version__`` that a file gives as a plain string, or a hash of its text; the file is not run."""
    import ast

    try:
        text = file.read_bytes()
        body = ast.parse(text).body
        if file.name == "__init__.py":
            text = b"".join(part.read_bytes() for part in sorted(file.parent.rglob("*.py")))
    except (OSError, SyntaxError, ValueError):
        return "unreadable"
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [one.id for one in node.targets if isinstance(one, ast.Name)]
            if "__version__" in names:
                return str(node.value.value)
    return f"sha256-{hashlib.sha256(text).hexdigest()[:10]}"


def _import(name: str, file: Path) -> ModuleType:
    """Run a file as the module ``name``; nothing beside it can be imported by a name of its own."""
    if name in sys.modules:
        return sys.modules[name]
    inside = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
