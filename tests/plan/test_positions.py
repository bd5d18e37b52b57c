"""Reading YAML with the place of every value: by libyaml where it reads alike, and else by PyYAML itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mebench.api.errors import ConfigurationError
from mebench.plan.file import positions
from mebench.plan.file.positions import parse_value, read_document

SHIPPED = sorted(Path(__file__).parents[2].glob("benchmarks/*.yaml"))
ODD = {
    "{a: x?}": "not valid YAML: expected ',' or '}', but got '?'",
    "{a: 1, b:\t2}": "not valid YAML: found character '\\t' that cannot start any token (indent with spaces, not tabs)",
    "a: |#\n  b": "not valid YAML: expected chomping or indentation indicators, but found '#'",
    "- !:!x y": "not valid YAML: expected '!', but found ':'",
    "- " * 600: "is nested too deeply",
}
"""What libyaml takes, or fails to stop at."""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_both_loaders_read_the_same_at_the_same_places(file, monkeypatch):
    quick = read_document(file)
    monkeypatch.setattr(positions, "_QuickLoader", positions._Loader)
    assert read_document(file) == quick
    assert positions._is_read_alike(file.read_text())


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:12])
def test_what_libyaml_takes_and_pyyaml_does_not_is_an_error_wherever_it_is_read(text, tmp_path):
    (tmp_path / "odd.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_document(tmp_path / "odd.yaml")
    assert ODD[text] in str(caught.value)


def test_a_value_that_is_left_out_is_where_its_colon_is(tmp_path):
    (tmp_path / "file.yaml").write_text("{a: , b: 1}")
    assert read_document(tmp_path / "file.yaml").mark(("a",)).column == 4


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="needs PyYAML with libyaml")
def test_what_is_right_is_read_by_libyaml(monkeypatch):
    monkeypatch.setattr(positions, "_Loader", None)
    assert parse_value("{a: [1e-3, no], b: {c: 'x'}}") == {"a": [0.001, "no"], "b": {"c": "x"}}
