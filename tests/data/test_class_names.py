"""What the classes of data sets are called."""

from __future__ import annotations

import pytest
from data_files import write_image_folder

from mebench.api.errors import PluginError
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.cli import main
from mebench.data.class_names import LONGEST, cleaned, names_of
from mebench.data.datasets import load_dataset
from mebench.data.text.labelled_sets import QC_CLASSES
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry
from mebench.registry.validation import checked_entries

DATASETS = registry().entries(DatasetEntry)


def names(name: str, **given: object) -> tuple[str, ...]:
    return names_of(registry().get(DatasetEntry, name), given)


@pytest.mark.parametrize("entry", [one for one in DATASETS if one.class_names], ids=lambda one: one.name)
def test_every_class_of_a_data_set_that_has_names_has_one_of_its_own(entry):
    found = names_of(entry, {})
    assert len(set(found)) == len(found)
    assert len(found) == entry.num_classes or not entry.num_classes


def test_names_stand_in_the_order_of_the_labels():
    assert names("fashion-mnist")[8] == "Bag"
    assert names("cifar10")[3] == "cat"
    assert names("gtsrb")[14] == "stop"
    assert names("ag-news")[1] == "Sports"
    assert [name[:1].upper() for name in names("qc")] == [name[0] for name in QC_CLASSES]
    assert names("mnist") == ()


def test_own_images_have_the_names_of_their_folders_as_they_are_read(tmp_path):
    write_image_folder(tmp_path)
    (tmp_path / "train" / ".ipynb_checkpoints").mkdir()
    assert names("image-folder", root=str(tmp_path)) == ("cat", "dog")
    assert load_dataset(Component("image-folder", {"root": str(tmp_path)}), "train").num_classes == 2


def test_own_images_that_are_not_there_have_no_names(tmp_path):
    assert names("image-folder", root=str(tmp_path / "nowhere")) == names("image-folder") == ()


def test_made_up_topics_are_numbered_as_they_are_chosen():
    assert names("made-up-topics", topics=[2, 4]) == ("topic 2", "topic 3")


def test_a_name_is_one_line_of_bounded_length():
    assert cleaned(["a\x1b[31mb\nc", "x" * 999]) == ("a�[31mb c", "x" * LONGEST)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("a", "b", "c"), "class_names must be as many as num_classes, 2, not 3"),
        (("a", ""), "class_names must be a tuple of names, not a tuple"),
        (7, "class_names must be a tuple of names, not 7"),
        ("cat, dog", "class_names must be a tuple of names, or a string"),
    ],
)
def test_names_that_an_entry_cannot_have_are_one_line(given, problem):
    entry = DatasetEntry("odd", "An odd one.", "odd:odd", num_classes=2, class_names=given)
    with pytest.raises(PluginError) as error:
        list(checked_entries(DatasetEntry, [entry]))
    assert problem in str(error.value)


PLUGIN = """
from mebench import DatasetEntry, hookimpl

__version__ = "1"

@hookimpl
def mebench_datasets():
    told = "pets:names"
    return [DatasetEntry("pets", "Pets.", "pets:pets", num_classes=2, class_names=told)]

def pets(split):
    raise AssertionError("nobody reads it")

def names():
    return CONTENT
"""


@pytest.mark.parametrize(
    ("content", "expected", "said"),
    [
        ("['cat', 'dog']", ("cat", "dog"), ""),
        ("1 / 0", (), "its classes are numbers"),
        ("'cat'", (), "class_names returned no list of names"),
    ],
)
def test_a_plugin_may_tell_names_and_one_that_fails_costs_only_them(tmp_path, monkeypatch, content, expected, said):
    (tmp_path / "pets.py").write_text(PLUGIN.replace("CONTENT", content))
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    heard: list[str] = []
    with notices_to(heard.append):
        assert names("pets") == expected
    assert said in "".join(heard)
    assert len(heard) == bool(said)


def test_info_shows_each_name_with_its_label(capsys):
    assert main(["info", "cifar10"]) == 0
    assert "class names: 0 airplane, 1 automobile," in capsys.readouterr().out
    assert main(["info", "image-folder"]) == 0
    assert "class names: told by its parameters" in capsys.readouterr().out
