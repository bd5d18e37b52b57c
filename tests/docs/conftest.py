"""What tests of the documentation share."""

from __future__ import annotations

import pytest

from mebench.cli import main


@pytest.fixture
def mebench(tmp_path, monkeypatch, capfd):
    """The command line in a folder whose distributions are seen, in this process: see CONTRIBUTING.md."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "one-file-plugins").mkdir()
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "one-file-plugins"))  # plugins are looked for anew

    def mebench(*arguments):
        capfd.readouterr()
        code = main(list(arguments))
        printed, said = capfd.readouterr()
        assert code == 0, printed + said
        return printed

    return mebench
