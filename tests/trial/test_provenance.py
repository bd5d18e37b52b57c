"""The revision that results name."""

from __future__ import annotations

import subprocess

import pytest

from mebench.trial import provenance


@pytest.fixture(autouse=True)
def _not_remembered():
    provenance.git_revision.cache_clear()
    yield
    provenance.git_revision.cache_clear()


def git(*words, at):
    given = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(at), *words]
    return subprocess.run(given, capture_output=True, text=True, check=True).stdout.strip()


def test_results_of_a_checkout_name_its_revision_and_whether_it_was_changed(tmp_path, monkeypatch):
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "mebench" / "trial" / "provenance.py"))
    git("init", at=tmp_path)
    (tmp_path / "file").write_text("a")
    git("add", "file", at=tmp_path)
    git("commit", "-m", "first", at=tmp_path)
    assert provenance.git_revision() == git("rev-parse", "--short=12", "HEAD", at=tmp_path)
    (tmp_path / "file").write_text("b")
    provenance.git_revision.cache_clear()
    assert provenance.git_revision() == git("rev-parse", "--short=12", "HEAD", at=tmp_path) + "-dirty"


def test_an_installed_mebench_names_none(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "mebench" / "trial" / "provenance.py"))
    assert provenance.git_revision() is None
