"""`mebench data`."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner
from data_files import write_idx, write_textures

from mebench.api.errors import ConfigurationError, DataUnavailableError, UnknownNameError
from mebench.cli.data import data


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))


def run(*arguments):
    return CliRunner().invoke(data, arguments)


def test_list_says_where_each_data_set_is(tmp_path, monkeypatch):
    write_idx(tmp_path / "mnist")
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path))
    result = run("list")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert "embedded in the package" in lines["fashion-mnist-10k"]
    assert f"MEBENCH_DATA: {tmp_path / 'mnist'}" in lines["mnist"]
    assert "1x28x28" in lines["mnist"]
    assert "not found: run `mebench data fetch cifar10`" in lines["cifar10"]
    assert "non-commercial" in lines["svhn"]


def test_path_prints_the_folder_alone(tmp_path):
    folder = write_idx(tmp_path / "mine")
    result = run("path", "mnist", "--root", str(folder))
    assert result.output.strip() == str(folder)


def test_fetch_reads_what_is_there_and_prints_sizes_and_digests(tmp_path):
    result = run("fetch", "mnist", "--root", str(write_idx(tmp_path / "mine")))
    assert result.exit_code == 0, result.output
    assert "mnist train: 40 images, digest" in result.output
    assert "mnist test: 20 images, digest" in result.output


def test_fetch_says_how_many_differ_where_some_are_there_twice(tmp_path):
    folder = write_textures(tmp_path / "mine", count=4)
    assert "image-files train: 4 images, digest" in run("fetch", "image-files", "--root", str(folder)).output
    (folder / "again.png").write_bytes((folder / "0.png").read_bytes())
    result = run("fetch", "image-files", "--root", str(folder))
    assert "image-files train: 5 images (4 of them distinct), digest" in result.output


def test_what_is_not_there_is_an_error_with_exit_code_2(tmp_path):
    for command in ("path", "fetch"):
        error = run(command, "svhn").exception
        assert isinstance(error, DataUnavailableError)
        assert error.exit_code == 2


def test_an_unknown_name_is_an_error_with_a_suggestion():
    error = run("fetch", "cifar-10").exception
    assert isinstance(error, UnknownNameError)
    assert "Did you mean 'cifar10'?" in str(error)


def test_a_folder_of_the_users_own_has_no_path_to_print():
    assert isinstance(run("path", "image-folder").exception, ConfigurationError)


def test_listing_imports_no_torch():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom mebench.cli.data import data\n"
        "assert CliRunner().invoke(data, ['list']).exit_code == 0\nprint('torch' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
