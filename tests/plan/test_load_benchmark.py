"""Reading a good file, and the ways in which a file cannot be read at all."""

from __future__ import annotations

import dataclasses

import pytest
from benchmark_texts import GOOD, load, problems

from mebench.api.errors import ConfigurationError
from mebench.api.spec import TrainingRecipe
from mebench.plan.file import load_benchmark
from mebench.plan.file.schema import Training


def test_a_good_file_is_read_with_anchors_and_scientific_numbers(tmp_path):
    benchmark = load(tmp_path, GOOD)
    run = benchmark.profiles["quick"].runs[0]
    assert benchmark.first_profile == "quick"
    assert benchmark.file == tmp_path / "b.yaml"
    assert run.budgets == [60_000, 1000]
    assert run.attacks[0].parameters == {"batch_size": 8, "rate": 0.001}
    assert run.attacks[2].channel.parameters == {"score": "logit"}
    assert benchmark.victims["small"].training.learning_rate == 1e-3
    assert benchmark.profiles["quick"].seeds == [0, 1]
    assert benchmark.profiles["paper"].seeds == [0, 3]
    assert benchmark.paper.table == "1"


def test_what_is_written_out_wins_over_what_is_merged_and_the_first_merged_over_the_next(tmp_path):
    text = GOOD.replace("{<<: *shared, rate: 1e-3}", "{batch_size: 3, <<: [*shared, {rate: 5, batch_size: 9}]}")
    assert load(tmp_path, text).profiles["quick"].runs[0].attacks[0].parameters == {"batch_size": 3, "rate": 5}
    text = GOOD.replace("{<<: *shared, rate: 1e-3}", "{<<: [*shared, {rate: 5, batch_size: 9}]}")
    assert load(tmp_path, text).profiles["quick"].runs[0].attacks[0].parameters == {"batch_size": 8, "rate": 5}


def test_the_fields_and_defaults_of_training_are_those_of_the_recipe():
    recipe = {field.name: field.default for field in dataclasses.fields(TrainingRecipe)}
    assert {name: field.default for name, field in Training.model_fields.items()} == recipe


UNREADABLE = {
    "missing": (None, "b.yaml: no such file"),
    "empty": (b"", "b.yaml: the file is empty; see docs/benchmark-files.md"),
    "only comments": (b"# nothing\n", "b.yaml: the file is empty; see docs/benchmark-files.md"),
    "not utf-8": (b"name: \xff\xfe", "b.yaml: is not UTF-8 text (byte 6)"),
    "binary": (b"name: \x00\x01", "b.yaml:1:7: not valid YAML: special characters are not allowed"),
    "a list": (b"- a\n", "b.yaml:1:1: must be a mapping with the keys name, victims and profiles"),
    "a word": (b"hello", "b.yaml:1:1: must be a mapping with the keys name, victims and profiles"),
    "tab": (
        b"name: a\nvictims:\n\tb: 1",
        "b.yaml:3:1: not valid YAML: found character '\\t' that cannot start any token",
    ),
    "open bracket": (b"name: [a\n", "b.yaml:2:1: not valid YAML: expected ',' or ']', but got '<stream end>'"),
    "open quote": (b'name: "a\n', "b.yaml:2:1: not valid YAML: found unexpected end of stream"),
    "bad indent": (b"a: 1\n b: 2\n", "b.yaml:2:3: not valid YAML: mapping values are not allowed here"),
    "unknown anchor": (b"a: *b\n", "b.yaml:1:4: not valid YAML: found undefined alias 'b'"),
    "two documents": (b"a: 1\n---\nb: 1\n", "b.yaml:2:1: not valid YAML: but found another document"),
    "deep nesting": (b"[" * 30_000, "b.yaml: is nested too deeply"),
    "huge": (b"#" * 1_000_001, "b.yaml: is larger than 1 MB, so it is not a benchmark file"),
    "multiplying anchors": (
        b"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        b"d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
        "b.yaml: holds more than 100,000 values",
    ),
    "multiplying merges": (
        b"a: &a {x: 1}\n"
        + b"".join(b"%c: &%c {<<: [%s]}\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 106)),
        "b.yaml: holds more than 100,000 values",
    ),
}


@pytest.mark.parametrize(("content", "line"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path, monkeypatch, content, line):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "b.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_benchmark("b.yaml")
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(line)


def test_a_folder_is_not_a_benchmark_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"is a folder, not a benchmark file$"):
        load_benchmark(tmp_path)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert problems(tmp_path, "\ufeff" + GOOD) == []
