"""Distributions that are broken, or come twice: they stop nothing, and are named where they may be plugins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mebench.api.errors import PluginError
from mebench.api.notices import notices_to
from mebench.cli import main
from mebench.registry.catalogue import Catalogue, PluginStatus, _status, catalogue, registry
from mebench.registry.distributions import installed
from mebench.registry.entries import AttackEntry
from mebench.registry.registry import Registry
from mebench.registry.source import Source

METADATA = b"Metadata-Version: 2.1\nName: other-tool\nVersion: 1.0\n"


def distribution(
    root: Path, points: bytes | None, metadata: bytes | None = METADATA, folder: str = "other_tool-1.0.dist-info"
) -> Path:
    place = root / folder
    place.mkdir(parents=True)
    for name, content in (("entry_points.txt", points), ("METADATA", metadata)):
        if content is not None:
            (place / name).write_bytes(content)
    return place


def found(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Source], list[str]]:
    """The plugins of the distributions below a folder, and what was said of them."""
    monkeypatch.setattr("sys.path", [str(root)])
    said: list[str] = []
    with notices_to(said.append):
        return list(installed()), said


@pytest.mark.parametrize("points", [b"[other.plugins]\nbroken\n", b"[other.plugins]\nx = caf\xe9:y\n"])
def test_entry_points_that_cannot_be_read_are_passed_over_and_named_by_their_folder(
    points: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = distribution(tmp_path, points)
    (source,), (line,) = found(tmp_path, monkeypatch)
    assert line.startswith(f"{place / 'entry_points.txt'} cannot be read (")
    assert line.endswith("install the distribution again; it is passed over")
    with pytest.raises(PluginError, match="cannot be read"):
        source.load()


NO_MODULE = "it must be a module, or module:object"
NO_NAME = "has a name that cannot be given anywhere: it may hold up to 60 letters, digits and . _ -"
NO_HOOK = "without any hook, such as mebench_attacks: is it a plugin of mebench?"
MALFORMED = {
    "empty =": f"'empty' is '': {NO_MODULE}",
    "words = no such thing": f"'words' is 'no such thing': {NO_MODULE}",
    "colons = json:dumps:x": f"'colons' is 'json:dumps:x': {NO_MODULE}",
    "dash = my-module": f"'dash' is 'my-module': {NO_MODULE}",
    "dots = json..decoder": f"'dots' is 'json..decoder': {NO_MODULE}",
    "relative = .json": f"'relative' is '.json': {NO_MODULE}",
    "my plugin = json": f"'my plugin' {NO_NAME}",
    "a,b = json": f"'a,b' {NO_NAME}",
    " = json": f"'' {NO_NAME}",
    "\x1b[31m = json": f"'\\x1b[31m' {NO_NAME}",
    "twice = json\ntwice = os": "'twice' is there 2 times ('json', 'os'): leave one",
    "same = json\n[mebench]\nsame = json": "'same' is there 2 times ('json', 'json'): leave one",
    "missing = no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
    "attribute = json:nothing": "AttributeError: module 'json' has no attribute 'nothing'",
    "module = json": f"'module' names a module {NO_HOOK}",
    "function = json:dumps": f"'function' names an object of type 'function' {NO_HOOK}",
    "number = math:pi": f"'number' names an object of type 'float' {NO_HOOK}",
    "mapping = os:environ": f"'mapping' names an object of type '_Environ' {NO_HOOK}",
    "class = json:JSONDecoder": f"'class' names an object of type 'type' {NO_HOOK}",
}


def failures(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said of the plugins below a folder once they are loaded."""
    loaded = tuple(_status(source, Registry(), frozenset()) for source in found(root, monkeypatch)[0])
    return Catalogue(Registry(), loaded).failures()


@pytest.mark.parametrize("points", MALFORMED)
def test_a_malformed_entry_point_is_one_line_with_distribution_entry_and_what_is_wrong(
    points: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, f"[mebench]\n{points}\n".encode())
    (line,) = failures(tmp_path, monkeypatch)
    assert " of other-tool 1.0 did not load: " in line
    assert line.endswith(MALFORMED[points])
    assert line.isprintable()


@pytest.mark.parametrize("group", ["Mebench", "mebench ", "mebench.plugins", "mebench_plugin"])
def test_a_group_that_was_to_be_that_of_plugins_is_named(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, f"[{group}]\nstripes = json\n".encode())
    assert failures(tmp_path, monkeypatch) == [
        f"plugin stripes of other-tool 1.0 did not load: its entry point 'stripes' is in the group {group!r}: the "
        "group of plugins is called 'mebench'"
    ]


def test_a_hook_that_is_not_marked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"unmarked_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text("def mebench_attacks(): return []\n")
    distribution(tmp_path, f"[mebench]\nunmarked = {name}\n".encode())
    (line,) = failures(tmp_path, monkeypatch)
    assert line.endswith("did not load: mebench_attacks is not marked by @mebench.hookimpl")


def test_a_malformed_entry_point_stops_no_other_of_its_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[mebench]\nempty =\nnetworks = mebench.models.networks.entries\n")
    sources, _ = found(tmp_path, monkeypatch)
    states = {one.name: _status(one, Registry(), frozenset()).state for one in sources}
    assert states == {"empty": "failed", "networks": "loaded"}


def test_listing_names_what_did_not_load_and_lists_all_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = PluginStatus("bad", "other-tool", "1.0", "its entry point 'bad' is '': it must be a module")
    known = catalogue()
    both = Catalogue(known.registry, (*known.plugins, failed))
    monkeypatch.setattr("mebench.registry.catalogue.catalogue", lambda: both)
    assert main(["list", "attacks"]) == 0
    out, err = capsys.readouterr()
    assert "megex" in out
    assert err.splitlines() == [
        "note: plugin bad of other-tool 1.0 did not load: its entry point 'bad' is '': it must be a module"
    ]


@pytest.mark.parametrize("metadata", [None, b"", METADATA.replace(b"other-tool", b"caf\xe9")])
def test_a_distribution_without_readable_metadata_is_named_by_its_folder(
    metadata: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[mebench]\nstripes = stripes\n", metadata)
    (source,), said = found(tmp_path, monkeypatch)
    assert (source.name, source.distribution, source.module) == ("stripes", "other-tool", "stripes")
    assert not said


def test_of_two_distributions_with_one_name_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "2.0"):
        distribution(tmp_path, b"[mebench]\nstripes = stripes\n", folder=f"other_tool-{version}.dist-info")
    assert len(found(tmp_path, monkeypatch)[0]) == 1


def test_other_peoples_entry_points_and_distributions_without_any_are_no_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[console_scripts]\nx = y:z\n")
    distribution(tmp_path, None, folder="nothing-1.0.dist-info")
    distribution(tmp_path, None, None, folder="empty.egg-info")
    assert found(tmp_path, monkeypatch) == ([], [])


def test_they_are_looked_for_again_when_a_folder_of_the_import_path_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[mebench]\nstripes = stripes\n")
    distribution(tmp_path, b"[other.plugins]\nbroken\n", folder="broken-1.0.dist-info")
    os.utime(tmp_path, (1, 1))
    first, said = found(tmp_path, monkeypatch)
    again, said_again = found(tmp_path, monkeypatch)
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert said == said_again != []
    distribution(tmp_path, b"[mebench]\ndots = dots\n", folder="more-1.0.dist-info")
    assert sorted(one.name for one in found(tmp_path, monkeypatch)[0]) == ["broken", "dots", "stripes"]


PLUGIN = """
from pathlib import Path
from mebench import AttackEntry, hookimpl

@hookimpl
def mebench_attacks():
    with Path(__file__).with_name("asked.txt").open("a") as file:
        file.write("asked\\n")
    return [AttackEntry("counted", "Counts.", "counted_plugin:build")]
"""


def test_an_installed_plugin_is_asked_once_whatever_else_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[mebench]\ncounted = counted_plugin\n")
    (tmp_path / "counted_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    for folder in "abc":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{folder}.py").write_text(PLUGIN.replace('"counted"', f'"{folder}"'))
    for folder, disabled in (("a", ""), ("b", "counted"), ("c", "")):
        os.utime(tmp_path, (1, 1))  # whatever the plugin has written there
        monkeypatch.syspath_prepend(str(tmp_path / folder))
        monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / folder))
        monkeypatch.setenv("MEBENCH_DISABLE", disabled)
        names = registry().names(AttackEntry)
        assert [name for name in names if len(name) == 1] == [folder]
        assert ("counted" in names) == (not disabled)
    assert (tmp_path / "asked.txt").read_text() == "asked\n"
    monkeypatch.delitem(sys.modules, "counted_plugin")
