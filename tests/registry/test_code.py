"""What counts as the code of a plugin, and when two of them are the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trials import tiny_trial

from mebench.api.spec import Component, VictimSpec
from mebench.registry.catalogue import registry
from mebench.registry.code import MOST_BYTES, Code, changes, file_digest, package_digest
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.registry.parts import plugin_code, trial_code
from mebench.registry.registry import Registry

NAME = "digested_plugin"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / NAME
    (folder / "deep").mkdir(parents=True)
    for name in ("__init__.py", "attack.py", "deep/net.py", "words.json"):
        (folder / name).write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    sys.modules.pop(NAME, None)  # a namespace is imported where its module is looked for
    package_digest.cache_clear()


def digest(module: str = NAME) -> str:
    """As a new process sees it."""
    package_digest.cache_clear()
    return package_digest(module)


EDITS: dict[str, Callable[[Path], object]] = {
    "a module": lambda at: (at / "attack.py").write_text("x = 2\n"),
    "a comment": lambda at: (at / "attack.py").write_text("x = 1  # one\n"),
    "a module further down": lambda at: (at / "deep/net.py").write_text("x = 2\n"),
    "a table": lambda at: (at / "words.json").write_text("{}"),
    "a new file": lambda at: (at / "more.py").write_text(""),
    "a file that is gone": lambda at: (at / "words.json").unlink(),
    "a file with another name": lambda at: (at / "attack.py").rename(at / "an attack.py"),
    "the size of a very large file": lambda at: os.truncate(at / "words.json", MOST_BYTES + 1),
}
NO_EDITS: dict[str, Callable[[Path], object]] = {
    "time": lambda at: os.utime(at / "attack.py", (1, 1)),
    "what Python compiles": lambda at: [(at / "__pycache__").mkdir(), (at / "__pycache__/attack.pyc").write_text("")],
    "hidden files": lambda at: (at / ".attack.py.swp").write_text("x"),
    "a card": lambda at: (at / "README.md").write_text("x"),
    "what an editor keeps": lambda at: (at / "attack.py~").write_text("x"),
}


@pytest.mark.parametrize("what", EDITS)
def test_every_file_of_a_package_counts(what: str, package: Path) -> None:
    before = digest()
    EDITS[what](package)
    assert digest() != before


@pytest.mark.parametrize("what", NO_EDITS)
def test_what_no_attack_runs_does_not_count(what: str, package: Path) -> None:
    before = digest()
    NO_EDITS[what](package)
    assert digest() == before


def test_the_whole_package_counts_whatever_module_of_it_is_named(package: Path) -> None:
    assert digest(NAME) == digest(f"{NAME}.deep.net") != ""


def test_a_module_of_a_namespace_counts_alone(package: Path) -> None:
    (package / "__init__.py").unlink()
    before = digest(f"{NAME}.attack")
    (package / "deep" / "net.py").write_text("x = 2\n")
    assert digest(f"{NAME}.attack") == before != ""
    (package / "attack.py").write_text("x = 2\n")
    assert digest(f"{NAME}.attack") != before


def test_the_folder_of_a_package_does_not_count(package: Path, tmp_path: Path, monkeypatch) -> None:
    before = digest()
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    package.rename(elsewhere / NAME)
    monkeypatch.syspath_prepend(str(elsewhere))
    assert digest() == before


def test_links_in_circles_pipes_and_unreadable_files_stop_nothing(package: Path) -> None:
    (package / "again").symlink_to(package)
    (package / "gone.py").symlink_to(package / "nothing")
    os.mkfifo(package / "pipe.py")
    (package / "secret.py").write_text("x")
    (package / "secret.py").chmod(0)
    assert digest() == digest() != ""


def test_files_are_read_once_per_process(package: Path) -> None:
    before = digest()
    (package / "attack.py").write_text("x = 2\n")
    assert package_digest(NAME) == before


@pytest.mark.parametrize("module", ["no_such_module", "sys", "", "json.no.such"])
def test_what_has_no_files_has_no_digest_or_that_of_its_package(module: str) -> None:
    assert digest(module) == (digest("json") if module.startswith("json") else "")


def test_what_is_not_known_of_one_of_two_does_not_tell_them_apart() -> None:
    one = Code("x", "1", "aaaa")
    assert one.is_same(Code("x", "1", ""))
    assert one.is_same(Code("a copy of x", "1", "aaaa"))
    assert not one.is_same(Code("x", "2", "aaaa"))
    assert not one.is_same(Code("x", "1", "bbbb"))


def test_mebenchs_own_version_does_not_count_and_its_plugins_files_do() -> None:
    assert Code("mebench", "0.1.0", "aaaa").is_same(Code("mebench", "0.2.0", "aaaa"))
    assert not Code("mebench", "0.1.0", "aaaa").is_same(Code("mebench", "0.1.0", "bbbb"))


def test_a_change_names_both_by_as_much_as_tells_them_apart() -> None:
    before = {"attack a": Code("x", "1", "aaaa"), "attack b": Code("y", "1", "aaaa"), "attack c": Code("z")}
    now = {"attack a": Code("x", "2", "bbbb"), "attack b": Code("y", "1", "bbbb"), "metric d": Code("z")}
    assert changes(before, now) == [
        "attack a is of x 2, was of x 1",
        "attack b is of y 1 (bbbb), was of y 1 (aaaa)",
    ]


@pytest.mark.parametrize("plain", [None, 7, "x", [], {"distribution": 7}])
def test_what_is_no_code_is_not_read_as_one(plain: object) -> None:
    assert Code.from_json(plain) is None


def test_a_trial_runs_the_code_of_every_part_that_is_not_in_mebenchs_own_rooms(package: Path) -> None:
    known = Registry()
    known.add([AttackEntry("dfme", "x", f"{NAME}.attack:build")], "toys 1", Code("toys", "1", "aaaa"))
    known.add([ChannelEntry("probability", "x", "mebench.oracle:x")], "toys 1", Code("toys", "1", "aaaa"))
    assert plugin_code(tiny_trial(), known) == {
        "attack dfme": Code("toys", "1", f"aaaa+{digest()}"),
        "channel probability": Code("toys", "1", "aaaa"),
    }


def test_what_ships_with_mebench_is_its_plugins_and_what_is_in_its_rooms_is_not_told() -> None:
    found = plugin_code(tiny_trial(), registry())
    assert list(found) == ["attack dfme"]
    assert found["attack dfme"].distribution == "mebench"
    parts = plugin_code(tiny_trial("random-pool+fit", parameters={}), registry())
    assert {part: code.distribution for part, code in parts.items()} == {"strategy random-pool": "mebench"}


def test_the_files_of_a_users_own_victim_are_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("model.py", "w.safetensors", "m.pt"):
        (tmp_path / name).write_text("x")
    data = Component("fashion-mnist-10k")
    own = VictimSpec("mine", data, factory="model:build", weights="w.safetensors", torchscript="m.pt")
    trial = tiny_trial(victim=own)
    before = trial_code(trial, Registry())
    assert list(before) == [
        "the factory of victim mine",
        "the weights file of victim mine",
        "the TorchScript file of victim mine",
    ]
    (tmp_path / "w.safetensors").write_text("yy")
    (change,) = changes(before, trial_code(trial, Registry()))
    assert change.startswith("the weights file of victim mine is of w.safetensors (")
    (tmp_path / "m.pt").unlink()
    assert len(trial_code(trial, Registry())) == 2


def test_a_folder_is_no_file_of_a_victim(tmp_path: Path) -> None:
    assert file_digest(tmp_path) == file_digest(tmp_path / "none") == ""
