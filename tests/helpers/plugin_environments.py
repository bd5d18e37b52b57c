"""A virtual environment of its own for a test to install plugins in, on top of the one that the tests run in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent / "distributions"


class PluginEnvironment:
    """Sees everything that is installed where the tests run; what is installed here is seen nowhere else.

    Args:
        folder: where it is made.

    Attributes:
        python: its interpreter.
        packages: the folder that it installs packages in.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        venv.create(folder / "venv", symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        where = self._run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
        self.packages = Path(where)
        outer = sysconfig.get_path("purelib")
        (self.packages / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")

    def install(self, project: str) -> None:
        """Build and install a distribution of the tests folder, without its dependencies and without a network."""
        source = self._folder / project
        shutil.copytree(HERE / project, source)  # a build writes into its source
        options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
        self._checked(self._pip("install", *options, str(source)))

    def uninstall(self, distribution: str) -> None:
        """Remove a distribution."""
        self._checked(self._pip("uninstall", "--yes", "--quiet", distribution))

    def mebench(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self._run(self.python, "-m", "mebench", *arguments, cwd=cwd)

    def json(self, *arguments: str) -> object:
        """Run a command and read what it prints."""
        return json.loads(self._checked(self.mebench(*arguments, "--json")).stdout)

    def _pip(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.python, "-m", "pip", *arguments)

    def _run(self, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "COLUMNS")}
        return subprocess.run(
            [str(word) for word in words],
            cwd=cwd or self._folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1000,
        )

    @staticmethod
    def _checked(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
        assert done.returncode == 0, done.stdout + done.stderr
        return done
