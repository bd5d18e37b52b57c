"""`mebench list`, `info`, `plugins` and `schema`."""

from __future__ import annotations

import json

import pytest

from mebench.cli import main
from mebench.registry.catalogue import registry
from mebench.registry.entries import KINDS, AttackEntry


@pytest.fixture(autouse=True)
def _no_fixed_width(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)


def test_everything_that_is_registered_is_listed(capsys):
    assert main(["list"]) == 0
    first_words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    for kind in KINDS:
        assert set(registry().names(kind)) <= set(first_words)


@pytest.mark.parametrize("word", ["attack", "attacks", "Attacks"])
def test_a_kind_is_taken_in_singular_and_plural(word, capsys):
    assert main(["list", word, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert list(listed) == ["attacks"]
    assert [entry["name"] for entry in listed["attacks"]] == registry().names(AttackEntry)


def test_an_unknown_kind_is_one_line(capsys):
    assert main(["list", "atacks"]) == 2
    assert capsys.readouterr().err == "mebench: unknown kind 'atacks'. Did you mean 'attacks'?\n"


def test_info_of_an_attack_has_paper_needs_channels_and_every_parameter(capsys):
    assert main(["info", "megex"]) == 0
    out = capsys.readouterr().out
    assert "arXiv:2107.08909" in out
    assert "needs: explanation, probability" in out
    assert "channels: ig, sg, vg, white-box" in out
    rows = [line.split() for line in out.splitlines() if line]
    for parameter in registry().get(AttackEntry, "megex").declared:
        row = next(row for row in rows if row[0] == parameter.name)  # the strategy of the same name comes after it
        assert row[1] == parameter.type


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_info_knows_every_name(kind, capsys):
    for name in registry().names(kind):
        assert main(["info", name, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert kind.kind in [one["kind"] for one in found]


def test_info_of_an_unknown_name_looks_through_all_kinds(capsys):
    assert main(["info", "lenet"]) == 2
    assert capsys.readouterr().err == "mebench: nothing is named 'lenet'. Did you mean 'lenet5'?\n"


@pytest.mark.parametrize("width", [30, 40, 80, 120])
@pytest.mark.parametrize("command", [["list"], ["info", "megex"], ["plugins"]], ids=lambda words: words[0])
def test_output_fits_the_screen(command, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(command) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out


def test_plugins_shows_what_each_provides(capsys):
    assert main(["plugins", "--json"]) == 0
    found = {plugin["name"]: plugin for plugin in json.loads(capsys.readouterr().out)}
    assert found["megex"]["loaded"]
    assert found["megex"]["provides"] == ["attack megex", "strategy megex"]
    assert found["megex"]["distribution"] == "mebench"
    assert "channel vg" in found["channels"]["provides"]


def test_schema_is_json_with_the_installed_names(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    names = schema["$defs"]["AttackSection"]["properties"]["attack"]["enum"]
    assert names[: len(registry().names(AttackEntry))] == registry().names(AttackEntry)
    assert {"noise+fit", "random-pool+online"} <= set(names)
