"""A user's factory fails in one line that says what and where, and leaves the process as it was."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mebench.api.errors import ConfigurationError
from mebench.models.victims.factory import call_factory, factory_digest

NETWORK = "from torch import nn\ndef net():\n    return nn.Linear(4, 3)\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module into the current folder, under a name that no other test has imported; return that name."""
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)
    name = f"made_{tmp_path.name.replace('-', '_')}"

    def module(code: str) -> str:
        Path(f"{name}.py").write_text(code)
        return name

    yield module
    for new in set(sys.modules) - known:
        if new.startswith("made_"):
            del sys.modules[new]


FAILING = [
    ("def net(:\n", "net", r"SyntaxError: .*\(made_.*\.py, line 1\)"),
    ("import torch\n\nimport no_such_package\n", "net", r"No module named 'no_such_package' \(made_.*\.py, line 3\)"),
    ("x = 1\ny = x / 0\n", "net", r"ZeroDivisionError: division by zero \(made_.*\.py, line 2\)"),
    ("def net():\n    return {}['a']\n", "net", r"KeyError: 'a' \(made_.*\.py, line 2\)"),
    ("def net():\n    raise ValueError('one\\n  two')\n", "net", r"ValueError: one two \(made_.*\.py, line 2\)"),
    ("import os\nos._exit(0)\n", "net", r"called os\._exit .*line 2\)"),
    (NETWORK, "nett", r"made_.*\.py has no 'nett'\. Did you mean 'net'\?"),
    (NETWORK + "def wide(width): ...\n", "wide", "needs arguments .*'width'.*, and is called without"),
    (NETWORK + "def none(): net()\n", "none", r"returned None \(does it `return` what it makes\?\)"),
    (NETWORK + "def kind(): return nn.Linear\n", "kind", r"returned the class Linear \(does it call it\?\)"),
    (NETWORK + "def state(): return net().state_dict()\n", "state", "returned OrderedDict, not a torch.nn.Module"),
    (NETWORK + "made = net()\n", "made", "is a network already: name the class or function that makes it"),
    (NETWORK + "number = 3\n", "number", "is int: name a class or function"),
    (NETWORK + "def lazy(): return nn.LazyLinear(3)\n", "lazy", "lazy modules, which have no shapes yet"),
    (
        NETWORK + "def named():\n    made = net()\n    made.parameters = {'lr': 0.1}\n    return made\n",
        "named",
        r"TypeError: 'dict' object is not callable: torch calls parameters\(\) and buffers\(\) of a network: name",
    ),
    (NETWORK + "def ends():\n    raise SystemExit(0)\n", "ends", r"called sys\.exit \(made_.*\.py, line 5\)"),
]


@pytest.mark.parametrize(("code", "attribute", "said"), FAILING)
def test_a_factory_that_fails_is_one_line_that_names_victim_file_and_line(write, code, attribute, said):
    module = write(code)
    with pytest.raises(ConfigurationError, match=said) as caught:
        call_factory(f"{module}:{attribute}", "mine")
    assert str(caught.value).startswith(f"victim 'mine': factory '{module}:{attribute}' ")
    assert "\n" not in str(caught.value)


SCRIPTS = [
    ("raise SystemExit(0)\n", r"line 4\): put"),
    ("import sys\nprint('done')\nsys.exit()\n", r"line 6\) \(done\): put"),
    (
        "import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--epochs', required=True)\n"
        "parser.parse_args()\n",
        r"line 7\) \(.*error: the following arguments are required: --epochs\): put",
    ),
]


@pytest.mark.parametrize(("code", "said"), SCRIPTS)
def test_a_model_file_that_is_a_script_is_said_to_be_one_and_prints_nothing(write, capsys, code, said):
    module = write(NETWORK + code)
    with pytest.raises(ConfigurationError, match=r"is a script, which ends when it is imported \(made_.*" + said):
        call_factory(f"{module}:net", "mine")
    assert capsys.readouterr() == ("", "")


def test_a_script_that_can_do_without_a_command_line_is_not_given_that_of_mebench(write, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mebench", "run", "--unknown"])
    module = write("import argparse\nargparse.ArgumentParser().parse_args()\nprint('hello')\n" + NETWORK)
    assert isinstance(call_factory(f"{module}:net", "mine"), torch.nn.Linear)
    assert sys.argv == ["mebench", "run", "--unknown"]
    assert capsys.readouterr() == ("", "hello\n")


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("nets", "must be `module:callable`, not 'nets'$"),
        (":net", "must be `module:callable`"),
        ("nets:", "must be `module:callable`"),
        ("nets.py:net", "for the file nets.py, write nets:net"),
        ("./mine/nets.py:net", "write mine.nets:net"),
    ],
)
def test_a_factory_that_is_written_otherwise_is_told_how(factory, said):
    for use in (call_factory, factory_digest):
        with pytest.raises(ConfigurationError, match=said):
            use(factory, "mine")


WILD = """
import os, random, sys, warnings
import numpy as np
import torch
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
os.environ["WILD_FACTORY"] = "1"
sys.path.append("/wild")
warnings.simplefilter("error")
def net():
    os.chdir("/")
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    return torch.nn.Linear(4, 3)
"""


def test_a_factory_leaves_settings_and_global_random_numbers_as_they_were(write):
    module = write(WILD)
    before = (torch.get_default_dtype(), torch.is_grad_enabled(), Path.cwd(), dict(os.environ), list(sys.path))
    drawn = []
    for call in (False, True):
        torch.manual_seed(1), random.seed(1), np.random.seed(1)
        if call:
            call_factory(f"{module}:net", "mine")
        drawn.append((float(torch.rand(())), random.random(), float(np.random.rand())))
    assert drawn[0] == drawn[1]
    after = (torch.get_default_dtype(), torch.is_grad_enabled(), Path.cwd(), dict(os.environ), list(sys.path))
    assert after == before


DRAWING = """
import random
import numpy as np
import torch
at_import = torch.rand(()), random.random(), np.random.rand()
def net():
    made = torch.nn.Linear(4, 3)
    made.bias.data[:] = torch.tensor([random.random(), np.random.rand(), float(at_import[0])])
    return made
"""


def test_what_a_factory_draws_depends_on_the_seed_and_not_on_who_drew_or_imported_before(write):
    module = write(DRAWING)
    made = []
    for start, seed in ((1, 5), (2, 5), (3, 6)):
        torch.manual_seed(start), random.seed(start), np.random.seed(start)
        made.append(call_factory(f"{module}:net", "mine", seed).state_dict())
    del sys.modules[module]
    torch.manual_seed(4)
    made.append(call_factory(f"{module}:net", "mine", 5).state_dict())
    for other in (made[1], made[3]):
        assert all(made[0][key].equal(other[key]) for key in made[0])
    assert not made[0]["weight"].equal(made[2]["weight"])
    assert not made[0]["bias"][:2].equal(made[2]["bias"][:2])
