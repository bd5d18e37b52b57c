"""The frame of the command line: what is imported, how errors look, and exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import click
import pytest

import mebench.cli
from mebench.api.errors import ConfigurationError, OracleError, ResultsError
from mebench.cli import COMMANDS, main

HEAVY = ("torch", "torchvision", "pandas", "scipy", "matplotlib", "numpy")
START = "import sys; from mebench.cli import main; code = main(sys.argv[1:]); sys.stdout.flush(); "


def imported_by(*arguments, of=HEAVY):
    """Which modules a command imports, and its exit code."""
    code = START + f"print('IMPORTED', code, *[m for m in {of!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("IMPORTED")]
    _, exit_code, *modules = line.split()
    return int(exit_code), modules


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_next_to_nothing(argument):
    assert imported_by(argument, of=(*HEAVY, "pydantic", "yaml", "rich", "pluggy")) == (0, [])


@pytest.mark.parametrize("arguments", [["list"], ["info", "vg"], ["plugins"], ["schema"]], ids=lambda words: words[0])
def test_looking_things_up_does_not_import_torch(arguments):
    assert imported_by(*arguments) == (0, [])


def test_writing_a_plugin_does_not_import_torch(tmp_path):
    assert imported_by("new", "attack", "stripes", "--dir", str(tmp_path)) == (0, [])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_does_not_import_torch(command):
    code = START + "assert 'torch' not in sys.modules and 'pandas' not in sys.modules; sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code, command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"mebench {command}" in done.stdout.split("Example")[1]


def test_help_lists_every_command_with_what_it_does(capsys):
    assert main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, (_, text) in COMMANDS.items():
        assert f"{name} {text}" in shown


def test_version_is_that_of_the_distribution(capsys):
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mebench {version('mebench')}\n"


def test_an_unknown_command_or_option_suggests_the_nearest_and_exits_2(capsys):
    assert main(["pln"]) == 2
    assert "no command 'pln'. Did you mean 'plan'?" in capsys.readouterr().err
    assert main(["plan", "--profil", "x", "file"]) == 2
    assert "Error: no option '--profil'. Did you mean '--profile'?" in capsys.readouterr().err
    assert main(["plan"]) == 2
    assert "FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "x.yaml", "--budgt", "5"],
            "'budgets' is a key of the file, which --set changes: --set 'runs.*.budgets=...'",
        ),
        (["plan", "x.yaml", "--title", "x"], "'title' is a key of the file, which --set changes: --set 'title=...'"),
        (["run", "x.yaml", "--worker=2"], "Did you mean '--workers'?"),
        (["run", "x.yaml", "--Time-Out", "2"], "Did you mean '--timeout'?"),
        (["report", "x", "--foramt", "html"], "Did you mean '--format'?"),
        (["data", "fetch", "mnist", "--rot", "x"], "Did you mean '--root'?"),
        (["--plugin", "list"], "Did you mean '--plugin-dir'?"),
        (["list", "--xyzzy"], "Error: no option '--xyzzy'\n"),
        (["list", "-z"], "Error: no option '-z'\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_unknown_option_is_answered_with_the_one_that_is_meant_or_with_how_a_key_is_set(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


@pytest.fixture
def raising(monkeypatch):
    """Make `mebench list` raise something, after it has written what is not flushed."""

    def install(error, written=""):
        @click.command()
        def command():
            sys.stdout.write(written)
            raise error

        monkeypatch.setattr(mebench.cli, "raised", command, raising=False)
        monkeypatch.setitem(COMMANDS, "list", ("mebench.cli:raised", "help"))

    return install


CODES = {
    "configuration": (ConfigurationError("b.yaml:1:2: name: is missing", "--set x: no"), 2),
    "results": (ResultsError("here: no such file"), 2),
    "oracle": (OracleError("spent"), 3),
    "internal": (ZeroDivisionError("division\nby zero"), 70),
    "interrupt": (KeyboardInterrupt(), 130),
    "pipe": (BrokenPipeError(), 141),
}
SHOWN = {
    "configuration": "b.yaml:1:2: name: is missing\nmebench: --set x: no\n",
    "results": "mebench: here: no such file\n",
    "oracle": "mebench: spent\n",
    "internal": "mebench: internal error: ZeroDivisionError: division by zero; set MEBENCH_DEBUG=1 for the traceback\n",
    "interrupt": "mebench: interrupted\n",
    "pipe": "",
}


@pytest.mark.parametrize("kind", CODES)
def test_an_error_is_shown_in_lines_without_a_traceback(kind, raising, capfd, monkeypatch):
    monkeypatch.delenv("MEBENCH_DEBUG", raising=False)
    error, code = CODES[kind]
    raising(error)
    assert main(["list"]) == code
    assert capfd.readouterr().err.lstrip("\n") == SHOWN[kind]


@pytest.mark.parametrize("kind", ["configuration", "internal"])
def test_the_traceback_is_shown_on_demand(kind, raising, capsys, monkeypatch):
    monkeypatch.setenv("MEBENCH_DEBUG", "1")
    raising(CODES[kind][0])
    assert main(["list"]) == CODES[kind][1]
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("returned", [0, 1, 3, None])
def test_the_exit_code_is_what_the_command_returns(returned, monkeypatch):
    command = click.command()(lambda: returned)
    monkeypatch.setattr(mebench.cli, "returning", command, raising=False)
    monkeypatch.setitem(COMMANDS, "list", ("mebench.cli:returning", "help"))
    assert main(["list"]) == (returned or 0)


def test_a_reader_that_goes_away_is_no_error():
    program = [sys.executable, "-c", START + "sys.exit(code)", "schema"]
    running = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(30) == 141


@pytest.fixture
def nobody_reads(monkeypatch):
    """Let a standard stream be a pipe whose reader has gone away."""
    made = []

    def install(name):
        reading, writing = os.pipe()
        os.close(reading)
        made.append(os.fdopen(writing, "w", encoding="utf-8"))
        monkeypatch.setattr(sys, name, made[-1])

    yield install
    for stream in made:
        stream.close()  # fails where something is left in it


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["list"]], ids=" ".join)
def test_whatever_is_printed_a_reader_that_is_gone_is_told_by_141_and_nothing_is_left_to_write(
    arguments, nobody_reads, capsys
):
    nobody_reads("stdout")
    assert main(arguments) == 141
    assert capsys.readouterr().err == ""


def test_the_exit_code_of_an_error_is_its_own_though_nobody_reads_what_it_is(nobody_reads):
    nobody_reads("stderr")
    assert main(["plan", "nowhere.yaml"]) == 2


def test_what_is_buffered_when_an_error_comes_is_lost_where_nobody_reads_it(nobody_reads, raising):
    nobody_reads("stdout")
    raising(ResultsError("here: no such file"), "a line")
    assert main(["list"]) == 2
    sys.stdout.flush()  # as Python does at its end


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list", "--help"], ["list"]], ids=" ".join)
def test_a_full_disk_under_stdout_is_one_line_and_2(arguments, monkeypatch, capsys):
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        assert main(arguments) == 2
    assert capsys.readouterr().err == "mebench: the output: cannot be written: No space left on device\n"


def test_an_interrupt_of_the_process_is_one_line_and_130():
    code = (
        "import sys, time, click, mebench.cli as c\n"
        "def wait():\n    print('ready', flush=True)\n    time.sleep(30)\n"
        "c.waiting = click.command()(wait)\n"
        "c.COMMANDS['list'] = ('mebench.cli:waiting', 'help')\n"
        "sys.exit(c.main(['list']))"
    )
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "ready\n"
    time.sleep(0.1)
    os.kill(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert errors.strip() == "mebench: interrupted"
