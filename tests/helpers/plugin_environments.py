"""A virtual environment of its own for a test to install plugins in, on top of the one that the tests run in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

TOGETHER = """
import contextlib, io, json, sys
from mebench.cli import main

ended = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    ended.append((arguments, code, out.getvalue(), err.getvalue()))
json.dump(ended, sys.stdout)
"""
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

    def install(self, *projects: str) -> None:
        """Build and install distributions of the tests folder, without their dependencies and without a network."""
        sources = [self._folder / project for project in projects]
        for source in sources:
            shutil.copytree(HERE / source.name, source)  # a build writes into its source
        options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
        self._checked(self._pip("install", *options, *map(str, sources)))

    def uninstall(self, distribution: str) -> None:
        """Remove a distribution."""
        self._checked(self._pip("uninstall", "--yes", "--quiet", distribution))

    def mebench(self, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line."""
        return self._run(self.python, "-m", "mebench", *arguments, cwd=cwd)

    def together(self, *commands: str) -> list[subprocess.CompletedProcess[str]]:
        """Run commands one after another in one process, which looks at what is installed when it begins."""
        words = json.dumps([command.split() for command in commands])
        printed = self._checked(self._run(self.python, "-c", TOGETHER, words)).stdout
        return [subprocess.CompletedProcess(*ended) for ended in json.loads(printed)]

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
