"""Readers are called with an object of their parameters, as benchmarks do, or with these one by one."""

from __future__ import annotations

import pytest
import text_files
import torch
from data_files import write_image_folder

from mebench.api.errors import ConfigurationError
from mebench.data.entries import OwnImagesParameters
from mebench.data.image_folder import image_files, image_folder
from mebench.data.text.entries import TextFilesParameters
from mebench.data.text.labelled_sets import ag_news


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("reader", [image_folder, image_files])
def test_pictures_are_read_by_both_ways_of_calling(tmp_path, reader):
    root = str(write_image_folder(tmp_path))
    asked = reader("train", OwnImagesParameters(root, (2, 8), 16, "grey"))
    for same in (
        reader("train", root, (2, 8), 16, "grey"),
        reader("train", root, rows=[2, 8], size=16, colour="grey"),
        reader("train", root=root, rows=(2, 8), colour="grey", image_size=(16, 16)),
        reader("train", OwnImagesParameters(root, (2, 8), colour="grey"), image_size=(16, 16)),
    ):
        assert torch.equal(same.images, asked.images)
        assert torch.equal(same.labels, asked.labels)


def test_texts_are_read_by_both_ways_of_calling(tmp_path):
    root = str(text_files.write_ag_news(tmp_path))
    assert torch.equal(ag_news("train", root, length=9).ids, ag_news("train", TextFilesParameters(root, length=9)).ids)


def test_nothing_given_is_what_the_defaults_are():
    with pytest.raises(ConfigurationError, match="needs the parameter `root`"):
        image_folder("train")
