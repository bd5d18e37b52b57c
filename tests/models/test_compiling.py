"""``compile: true``: what it changes, what it must not, and that results say so."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shutil
import sys

import pytest
from torch import nn
from toys import context_of
from trials import tiny_trial

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.models.networks.compiling import RECURSION_LIMIT, compiled, make_ready_to_compile
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

SPEC = InputSpec((1, 4, 4), 3)


def finished(tmp_path, spec):
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    return folder.result()


def test_ids_are_what_they_were_before_there_were_these_options():
    spec = tiny_trial()
    assert "compile" not in spec.to_json()
    assert dataclasses.replace(spec, compile=True).id != spec.id


def test_specs_with_these_options_survive_json():
    spec = dataclasses.replace(tiny_trial(), compile=True)
    assert type(spec).from_json(spec.to_json()) == spec


def test_without_the_option_a_network_is_called_as_it_is():
    network = nn.Linear(2, 2)
    assert compiled(network, context_of(ProbabilityChannel(), network)) is network


def test_a_compiler_finds_the_recursion_limit_that_it_wants(monkeypatch):
    from torch._inductor import compile_fx

    raised = re.search(r"setrecursionlimit\(max\(sys.getrecursionlimit\(\), (\d+)\)\)", inspect.getsource(compile_fx))
    assert raised is None or int(raised[1]) <= RECURSION_LIMIT
    limits = [1000]
    monkeypatch.setattr(sys, "getrecursionlimit", lambda: limits[-1])
    monkeypatch.setattr(sys, "setrecursionlimit", limits.append)
    make_ready_to_compile()
    assert limits == [1000, RECURSION_LIMIT]


def test_without_a_compiler_the_option_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    asked = dataclasses.replace(context_of(ProbabilityChannel(), nn.Linear(2, 2)), compile=True)
    with pytest.raises(ConfigurationError, match=r"compile: true needs a C\+\+ compiler"):
        compiled(nn.Linear(2, 2), asked)


@pytest.fixture
def quick_to_compile(monkeypatch):
    """Let the compiler neither try what the processor can do, nor compile torch's headers for many networks to come."""
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "vec_isa_ok", False)
    monkeypatch.setattr(config, "cpp_cache_precompile_headers", False)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_trial_does_the_same_mathematics_and_says_so(tmp_path, quick_to_compile):
    spec = tiny_trial("random-generator", budget=44 * 16)  # batches of one size: each is compiled anew
    plain = finished(tmp_path / "plain", spec)
    fast = finished(tmp_path / "compiled", dataclasses.replace(spec, compile=True))
    assert fast["provenance"]["compiled"] is True
    assert "compiled" not in plain["provenance"]
    assert fast["metrics"]["accuracy"] == pytest.approx(plain["metrics"]["accuracy"], abs=0.05)
