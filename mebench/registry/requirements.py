"""What a benchmark requires to be installed, and what would install the present plugins again. Imports no torch."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from mebench.registry.catalogue import PluginStatus


def unmet(written: str, plugins: Sequence[PluginStatus]) -> str:
    """Say what is missing of one requirement, and how to get it; empty if nothing is.

    Args:
        written: as pip takes it, e.g. ``mebench-stripes>=0.2``; or the name of a one-file plugin, whose
            ``__version__`` counts.
        plugins: those that were found.
    """
    try:
        wanted = Requirement(written)
    except InvalidRequirement as error:
        return f"is no requirement such as mebench-stripes>=0.2: {' '.join(str(error).split())}"
    if wanted.marker is not None and not wanted.marker.evaluate():
        return ""
    name = canonicalize_name(wanted.name)
    mine = [one for one in plugins if canonicalize_name(one.name if one.path else one.distribution) == name]
    version = mine[0].version if mine else _installed(wanted.name)
    need = str(wanted).split(";")[0].strip()
    if version is None:
        return f"{wanted.name} is not installed: pip install '{need}', or give its folder by --plugin-dir"
    if not _fits(wanted, version):
        remedy = "replace its file" if mine and mine[0].path else f"pip install --upgrade '{need}'"
        return f"{wanted.name} {version} is installed, which is not {wanted.specifier}: {remedy}"
    for one in mine if name != "mebench" else []:
        if one.error:
            return f"{wanted.name} {version} is installed, but its plugin {one.name} did not load: {one.error}"
        if one.disabled:
            return f"{wanted.name} {version} is installed, but its plugin {one.name} is switched off by MEBENCH_DISABLE"
    return ""


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _fits(wanted: Requirement, version: str) -> bool:
    try:
        return not wanted.specifier or wanted.specifier.contains(version, prereleases=True)
    except InvalidVersion:  # of a one-file plugin without a version
        return False


def frozen(plugins: Sequence[PluginStatus]) -> list[str]:
    """Requirement lines for the loaded plugins, as pip reads them; a comment for what pip cannot install."""
    loaded = [one for one in plugins if one.state == "loaded"]
    names = dict.fromkeys(one.distribution for one in loaded if one.path is None)
    files = [f"# {one.distribution} {one.version} is a file: copy {one.path}" for one in loaded if one.path]
    return [*(line for name in sorted(names) for line in _requirement(name)), *files]


def _requirement(name: str) -> Iterator[str]:
    """One distribution as it was installed: by version, or from the place that pip noted (PEP 610)."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        yield f"# {name} has no metadata"
        return
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        yield f"{name} @ {origin['vcs_info']['vcs']}+{origin['url']}@{origin['vcs_info']['commit_id']}"
    elif origin.get("dir_info", {}).get("editable"):
        yield f"# {name}=={distribution.version}, installed in place:"
        yield f"-e {origin['url'].removeprefix('file://')}"
    elif "url" in origin:
        yield f"{name} @ {origin['url']}"
    else:
        yield f"{name}=={distribution.version}"
