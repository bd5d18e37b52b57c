"""One-file plugins: found in folders, checked, switched off, required by version; none of them stops mebench."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from mebench.api.files import umask
from mebench.api.process_limits import armed, limits
from mebench.api.version import API_VERSION
from mebench.cli import main
from mebench.registry.entries import AttackEntry
from mebench.registry.safe_import import guarded_import

ENTRY = 'AttackEntry("stripes", "Random stripes.", "{target}"{more})'
PLUGIN = """\
{before}
from mebench import AttackEntry, Parameter, hookimpl

@hookimpl
def mebench_attacks():
    return {returned}
"""


def plugin(returned: str = "", before: str = "", target: str = "stripes:build", more: str = "") -> str:
    return PLUGIN.format(before=before, returned=returned or f"[{ENTRY.format(target=target, more=more)}]")


def plugins(folder: Path, *options: str, **variables: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "mebench", "plugins", "--plugin-dir", str(folder), "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables}, timeout=60)
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)}


HERE = ".".join(map(str, API_VERSION))
HARMS = {
    "raises": ("raise ImportError('no libx\\n at all')", "ImportError: no libx at all"),
    "is no python": ("def (", "SyntaxError: invalid syntax (bad.py, line 1)"),
    "raises what cannot be written": ("raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})", "E"),
    "raises no exception": ("raise type('E', (BaseException,), {})('x')", "E: x"),
    "sys.exit": ("import sys; sys.exit(0)", "called sys.exit"),
    "os._exit": ("import os; os._exit(0)", "called os._exit while it was loaded"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "stops itself": ("import os; os.kill(os.getpid(), 19)", "sent a signal to its own process while it was loaded"),
    "interrupts itself": ("import signal; signal.raise_signal(2)", "sent a signal to its own process while it was lo"),
    "stops its group": ("import os; os.kill(0, 19)", "sent a signal to its own process while it was loaded"),
    "recurses": ("def f(): f()\nf()", "RecursionError: "),
    "forks": ("import os; os.fork()", "called os.fork while it was loaded"),
    "hangs": ("import time; time.sleep(60)", "took longer than 1 s to load (MEBENCH_LOAD_SECONDS)"),
    "hangs and catches what interrupts it": (
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass\n",
        "took longer than 1 s to load (MEBENCH_LOAD_SECONDS)",
    ),
    "working directory": (plugin(before="import os; os.chdir('/')"), "changed the working directory"),
    "hook raises": (plugin("1 / 0"), "ZeroDivisionError: division by zero"),
    "hook returns a word": (plugin("'stripes'"), "mebench_attacks returned 'stripes': it must return a list"),
    "hook returns words": (plugin("['stripes']"), "mebench_attacks returned a list with 'stripes' in it"),
    "hook returns one": (plugin(ENTRY.format(target="a:b", more="")), "mebench_attacks returned a AttackEntry: "),
    "hook never ends": (plugin("iter(lambda: AttackEntry('a', 'b', 'c:d'), 0)"), "returned more than 10,000 entries"),
    "bad name": (plugin("[AttackEntry('../x', 'b', 'c:d')]"), "'../x': a name may hold only lower-case letters"),
    "number for a name": (plugin("[AttackEntry(7, 'b', 'c:d')]"), "7: a name may hold only lower-case letters"),
    "no target": (plugin("[AttackEntry('a', 'b', print)]"), "'a': target must be a string \"module:object\""),
    "target without object": (plugin(target="stripes"), "target must be a string \"module:object\", not 'stripes'"),
    "bad default": (
        plugin(more=", (Parameter('n', 'int', 0, 'N.', minimum=1),)"),
        "'stripes': parameter n: its default must be at least 1, not 0",
    ),
    "late by a word": (
        plugin(more=", (Parameter('n', 'int', 1, 'N.', late='2.0'),)"),
        "'stripes': parameter n: late must be true or false, not '2.0'",
    ),
    "unknown need": (plugin(more=", needs=frozenset({'weights'})"), "'stripes': needs must be a frozenset of"),
    "unknown hook": (plugin() + "\n@hookimpl\ndef mebench_atacks(): return []", "unknown hook 'mebench_atacks'"),
    "hook with an argument": (plugin().replace("attacks()", "attacks(context)"), "PluginValidationError"),
    "name of mebench's own": (
        plugin("[AttackEntry('megex', 'b', 'c:d')]"),
        "attack 'megex' is registered twice, by mebench 0.1.0 and by ",
    ),
    "newer major": (
        plugin() + "\ndef mebench_api_version(): return (2, 0)",
        "is built for version 2.0 of mebench.api",
    ),
    "newer minor": (plugin() + "\ndef mebench_api_version(): return (1, 99)", f"has {HERE}: update mebench"),
    "older major": (plugin() + "\ndef mebench_api_version(): return (0, 1)", "update the plugin, or ask its author"),
    "no version": (plugin() + "\ndef mebench_api_version(): return '1.0'", "must return two numbers, e.g. (1, 0)"),
}


WORDS = ("hook", "no ", "number", "bad ", "target", "late", "newer", "older", "unknown", "name")
IN_THIS_PROCESS = [harm for harm in HARMS if harm.startswith(WORDS)]
"""Nothing of theirs can end or stop it."""


@pytest.mark.parametrize("harm", HARMS)
def test_a_bad_plugin_is_one_line_and_the_others_are_loaded(harm: str, tmp_path: Path, capsys, monkeypatch) -> None:
    text, error = HARMS[harm]
    (tmp_path / "bad.py").write_text(text)
    (tmp_path / "good.py").write_text(plugin("[AttackEntry('good', 'Good.', 'good:build')]"))
    if harm in IN_THIS_PROCESS:
        monkeypatch.setenv("MEBENCH_PLUGIN_DIR", "")
        assert main(["plugins", "--json", "--plugin-dir", str(tmp_path)]) == 0
        found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    else:
        found = plugins(tmp_path, MEBENCH_LOAD_SECONDS="1" if harm.startswith("hangs") else "20")
    assert error in found["bad"]["error"]
    assert "\n" not in found["bad"]["error"]
    assert (found["bad"]["state"], found["bad"]["distribution"]) == ("failed", f"{tmp_path.name}/bad.py")
    assert found["good"]["provides"] == ["attack good"]
    assert found["megex"]["loaded"]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        (lambda: sys.setrecursionlimit(sys.getrecursionlimit() - 100), sys.getrecursionlimit),
        (lambda: os.umask(0o777), umask),
        (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)), limits),
        (lambda: signal.setitimer(signal.ITIMER_VIRTUAL, 60), armed),
        (sys.path.clear, lambda: list(sys.path)),
        (sys.meta_path.clear, lambda: list(sys.meta_path)),
        (lambda: sys.modules.update(json=None), lambda: sys.modules["json"]),
        (lambda: sys.modules.pop("json"), lambda: sys.modules["json"]),
    ],
    ids=["recursion", "mask", "limits", "timer", "paths", "finders", "module", "no module"],
)
def test_what_a_plugin_takes_from_the_process_while_it_is_loaded_is_put_back(change, read) -> None:
    before = read()
    with guarded_import():
        change()
    assert read() == before


def test_a_thread_that_prints_on_when_its_plugin_is_loaded_prints_to_what_is_there() -> None:
    streams = []
    with guarded_import():
        streams.append(weakref.ref(sys.stdout))
    gc.collect()
    assert streams[0]() is not None  # print of Python 3.11 holds no reference to it


def catch_all() -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


def test_a_users_ctrl_c_ends_the_loading_of_code_that_catches_it() -> None:
    before = signal.getsignal(signal.SIGALRM)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), guarded_import():
        catch_all()
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0
    assert signal.getsignal(signal.SIGALRM) == before


@pytest.mark.parametrize("place", [1, 2])
def test_a_ctrl_c_while_the_guard_is_entered_or_left_leaves_nothing_behind(place, monkeypatch) -> None:
    times, real, kill = iter(range(1, 100)), signal.setitimer, os.kill

    def interrupted(*arguments):
        if next(times) == place:  # the first is set on the way in, the second stopped on the way out
            kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    before = signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(signal, "setitimer", interrupted)
    reached = []
    with pytest.raises(KeyboardInterrupt), guarded_import():
        reached.append(True)
    assert bool(reached) == (place == 2)
    assert next(times) > 2
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 0
    assert (signal.getsignal(signal.SIGALRM), signal.getsignal(signal.SIGINT)) == before
    assert os.kill is kill


def test_what_a_plugin_prints_while_it_is_loaded_does_not_mix_with_output(tmp_path: Path) -> None:
    (tmp_path / "stripes.py").write_text(plugin(before="print('hello')"))
    assert plugins(tmp_path)["stripes"]["loaded"]


def test_variables_that_a_plugin_sets_while_it_is_loaded_are_put_back(tmp_path, monkeypatch) -> None:
    from mebench.registry.catalogue import catalogue

    (tmp_path / "stripes.py").write_text(plugin(before="import os; os.environ['OMP_NUM_THREADS'] = '64'"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    assert catalogue().plugins[-1].provides == ("attack stripes",)
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_file_and_a_package_are_plugins_and_tests_and_private_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "stripes.py").write_text(plugin(before='__version__ = "0.3"'))
    (tmp_path / "dots").mkdir()
    (tmp_path / "dots" / "__init__.py").write_text(plugin("[AttackEntry('dots', 'Dots.', 'dots.attack:build')]"))
    (tmp_path / "dots" / "attack.py").write_text("from . import mebench_attacks\ndef build(context): return 'built'\n")
    for name in ("test_stripes.py", "_helper.py", ".hidden.py", "conftest.py", "setup.py"):
        (tmp_path / name).write_text("raise SystemExit")
    (tmp_path / "data").mkdir()
    found = plugins(tmp_path)
    mine = {name: one for name, one in found.items() if one["distribution"] != "mebench"}
    assert list(mine) == ["dots", "stripes"]
    assert mine["stripes"]["version"] == "0.3"
    assert mine["dots"]["version"].startswith("sha256-")


def test_targets_are_found_under_the_plugins_own_name_or_its_real_one(tmp_path: Path, monkeypatch) -> None:
    from mebench.registry.catalogue import registry

    build = "\ndef build(context): return __name__"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "json.py").write_text(plugin(target="json:build") + build)
    (tmp_path / "two" / "json.py").write_text(plugin().replace('"stripes:build"', '__name__ + ":build"') + build)
    for folder in ("one", "two"):
        monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / folder))
        module = registry().get(AttackEntry, "stripes").load()(None)
        assert module.startswith("mebench_plugin_")
        assert module.endswith("_json")
    assert json.dumps([1]) == "[1]"


def test_two_files_with_one_name_are_an_error_that_names_both(tmp_path: Path, capsys, monkeypatch) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "stripes.py").write_text(plugin(before=f"__version__ = '{folder}'"))
    both = ["--plugin-dir", str(tmp_path / "one"), f"--plugin-dir={tmp_path / 'two'}"]
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", "")
    assert main(["plugins", "--json", *both]) == 0
    (error,) = [one["error"] for one in json.loads(capsys.readouterr().out) if one["error"]]
    expected = "attack 'stripes' is registered twice, by one/stripes.py one and by two/stripes.py two: uninstall one"
    assert error == expected
    assert os.environ["MEBENCH_PLUGIN_DIR"] == ""


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys) -> None:
    assert main(["list", "--plugin-dir", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
    found = plugins(tmp_path, MEBENCH_PLUGIN_DIR=str(tmp_path / "none"))
    assert "No such file or directory: correct --plugin-dir" in found["none"]["error"]


def test_a_plugin_can_be_switched_off_and_a_file_that_needs_it_says_so(tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "stripes.py").write_text(plugin())
    monkeypatch.setenv("MEBENCH_DISABLE", "stripes, pool,channels,nothing")
    assert main(["plugins", "--json", "--plugin-dir", str(tmp_path)]) == 0
    found = {one["name"]: one["state"] for one in json.loads(capsys.readouterr().out)}
    assert (found["stripes"], found["pool"], found["channels"]) == ("disabled", "disabled", "loaded")
    assert main(["plugins"]) == 0
    assert (
        "MEBENCH_DISABLE names what is no plugin that can be switched off: channels, nothing" in capsys.readouterr().out
    )
    (tmp_path / "b.yaml").write_text(BENCHMARK.format(requires="[]"))
    assert main(["plan", str(tmp_path / "b.yaml"), "--plugin-dir", str(tmp_path)]) == 2
    assert "is switched off by MEBENCH_DISABLE" in capsys.readouterr().err


BENCHMARK = """\
name: b
requires: {requires}
victims: {{tiny: {{data: fashion-mnist-10k, network: mlp, training: {{}}}}}}
profiles:
  quick:
    scale: reduced
    runs:
      - {{victims: [tiny], clone: mlp, budgets: [300], attacks: [{{attack: stripes, channel: probability}}]}}
"""


@pytest.mark.parametrize(
    ("requires", "problem"),
    [
        ("[stripes, 'mebench>=0.1', 'stripes>=0.2', 'pytest']", None),
        ("['stripes; python_version < \"3\"', 'nothing; python_version < \"3\"']", None),
        ("['stripes>=0.4']", "stripes 0.3 is installed, which is not >=0.4: replace its file"),
        (
            "['mebench>=99']",
            "mebench 0.1.0 is installed, which is not >=99: pip install --upgrade 'mebench>=99'",
        ),
        (
            "['mebench-nothing>=1']",
            "mebench-nothing is not installed: pip install 'mebench-nothing>=1', or give its folder by --plugin-dir",
        ),
        ("['no name']", "is no requirement such as mebench-stripes>=0.2: "),
        ("[broken]", "broken 1 is installed, but its plugin broken did not load: ZeroDivisionError: division by zero"),
    ],
)
def test_what_a_benchmark_requires_must_be_there(requires, problem, tmp_path, capsys, monkeypatch) -> None:
    (tmp_path / "stripes.py").write_text(plugin(before='__version__ = "0.3"'))
    (tmp_path / "broken.py").write_text("__version__ = '1'\n1 / 0")
    (tmp_path / "b.yaml").write_text(BENCHMARK.format(requires=requires))
    monkeypatch.chdir(tmp_path)
    code = main(["plan", "b.yaml", "--plugin-dir", "."])
    said = capsys.readouterr().err
    if problem is None:
        assert (code, said) == (0, "")
    else:
        assert code == 2
        assert said.startswith(f"b.yaml:2:12: requires[0]: {problem}")
        assert len(said.splitlines()) == 1


def test_the_frozen_set_names_every_distribution_once_and_files_as_comments(tmp_path: Path, capsys) -> None:
    (tmp_path / "stripes.py").write_text(plugin())
    assert main(["plugins", "--freeze", "--plugin-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("mebench==" in line for line in lines) == 1
    assert lines[-1].startswith(f"# {tmp_path.name}/stripes.py sha256-")
    assert lines[-1].endswith(f"is a file: copy {tmp_path.resolve() / 'stripes.py'}")


def test_little_is_shown_of_what_a_plugin_prints_while_it_is_loaded(tmp_path: Path, capsys) -> None:
    (tmp_path / "loud.py").write_text("for _ in range(1000): print('x' * 1000)\n" + plugin())
    assert main(["list", "attacks", "--plugin-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert "stripes" in out
    assert 5_000 < len(err) < 20_000


def test_what_is_no_plugin_in_a_folder_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "my plugins"
    folder.mkdir()
    (folder / "stripes.py").write_text(plugin())
    (folder / "again").symlink_to(folder)
    (folder / "gone.py").symlink_to(folder / "nothing")
    (folder / "table.csv").write_text("1,2")
    os.mkfifo(folder / "pipe.py")
    (folder / "dots").mkdir()
    (folder / "dots" / "__init__.py").write_bytes(b"x = '\xe9'")
    (folder / "dots" / "round").symlink_to(folder)
    found = plugins(folder)
    assert found["stripes"]["loaded"]
    assert "SyntaxError" in found["dots"]["error"]
    assert not {"again", "gone", "table", "pipe"} & set(found)
