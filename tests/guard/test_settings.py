"""What an attack sets is as it was for those that run after it in the same process, and what cannot be so is named."""

from __future__ import annotations

import builtins
import importlib
import logging
import os
import warnings

import changes
import pytest
import torch
from changes import CHANGEABLE, act
from torch.optim import optimizer

from mebench.api.errors import PluginFaultError
from mebench.guard import surroundings
from mebench.guard.call import Guard
from mebench.guard.definitions import Definitions
from mebench.guard.process_state import ProcessState, begin_as_fresh, threads_started
from mebench.guard.setting import AS_IT_IS, Setting, is_still, put_all_back, value_of
from mebench.guard.settings import RANDOM_SEED, SETTINGS
from mebench.guard.surroundings import Surroundings
from mebench.guard.torch_settings import keep_hook
from mebench.run.engine import InlineEngine, Job

KEPT = [words for words, one in CHANGEABLE.items() if one is not RANDOM_SEED]
BLAMED = [words for words, one in CHANGEABLE.items() if one.blamed]


@pytest.fixture(autouse=True)
def _all_as_before():
    """Whatever a test leaves."""
    before, definitions = [(one, value_of(one)) for one in SETTINGS], Definitions()
    yield
    put_all_back(before)
    definitions.put_back()


def ran(target: str, payload=None):
    return InlineEngine().run([Job("job", "the job", f"changes:{target}", payload)])["job"]


@pytest.mark.parametrize("words", KEPT)
def test_what_a_job_sets_is_as_before_after_it_though_no_process_has_ended(words, caplog):
    setting = CHANGEABLE[words]
    before = value_of(setting)
    outcome = ran("change", words)
    assert outcome.ending == "done", outcome.traceback
    assert outcome.value is True, "the job changed nothing"
    assert is_still(setting, before)
    assert "cannot be put back" not in caplog.text


@pytest.mark.parametrize("words", BLAMED)
def test_an_attack_that_changes_what_others_compute_with_is_named_and_it_is_put_back(words):
    setting = CHANGEABLE[words]
    before, around = value_of(setting), Surroundings()
    if setting.when == "call":
        with pytest.raises(PluginFaultError) as fault:
            Guard("attack evil (evil 1.0)").call("propose", act, setting)
        assert str(fault.value).startswith("attack evil (evil 1.0): propose changed ")
        assert words in str(fault.value)
    else:
        act(setting)
        assert words in around.problem()
    assert is_still(setting, before)
    assert not around.problem()


def test_no_two_settings_have_one_name():
    assert len({one.words for one in SETTINGS}) == len(SETTINGS)


def test_what_is_named_in_the_helpers_is_a_setting():
    assert {*changes.ACTS, *changes.FIXED} - {one.words for one in SETTINGS} <= OF_OTHER_TORCHES


OF_OTHER_TORCHES = {
    "torch.backends.cudnn.benchmark_limit",
    "torch.backends.cudnn.depthwise_kernel",
    "torch.backends.opt_einsum.strategy",
    "the order of torch's attention kernels",
    "torch's preferred blas library",
    "torch's preferred linalg library",
    "the processors that may be used",
}
"""Settings that not every torch, or not every machine, has."""


def test_functions_that_all_share_are_named_where_they_are_replaced_and_put_back():
    before, around = (torch.nn.functional.relu, builtins.open), Surroundings()
    changes.replace_functions(None, device="cpu", on_progress=None, should_stop=None)
    assert around.problem() == "replaced builtins.open, torch.Tensor.add, torch.nn.functional.relu"
    assert (torch.nn.functional.relu, builtins.open) == before
    assert float(torch.ones(()).add(1)) == 2
    assert ran("replace_functions").ending == "done"
    assert (torch.nn.functional.relu, builtins.open) == before


def test_a_function_that_torch_itself_makes_in_the_place_of_its_own_is_no_change_of_an_attack():
    around = Surroundings()
    importlib.import_module("torch._dynamo.mutation_guard").install_generation_tagging_init()  # as its compiler does
    assert "mutation_guard" in torch.nn.Module.__init__.__code__.co_filename
    assert not around.problem()
    torch.nn.functional.relu = torch.no_grad()(changes.nothing)
    assert around.problem() == "replaced torch.nn.functional.relu"
    torch.nn.functional.relu = torch.nn.functional.gelu
    assert around.problem() == "replaced torch.nn.functional.relu"


def test_what_is_added_behind_the_finders_of_modules_stays_and_what_is_put_before_them_goes():
    import sys

    before, around = list(sys.meta_path), ProcessState()
    first, last = object(), object()
    sys.meta_path.insert(0, first)  # type: ignore[arg-type]
    sys.meta_path.append(last)  # type: ignore[arg-type]
    try:
        assert not around.check(threads_started())
        assert sys.meta_path == [*before, last]
    finally:
        sys.meta_path[:] = before


def test_what_libraries_set_when_they_are_imported_is_put_back_and_stands_in_logs_alone(caplog):
    before, filters = ProcessState(), warnings.filters[:]
    os.environ["OF_A_LIBRARY"] = "1"
    warnings.simplefilter("error")
    with caplog.at_level(logging.INFO):
        assert not before.check(threads_started())
    assert "OF_A_LIBRARY" not in os.environ
    assert warnings.filters == filters
    assert {record.levelno for record in caplog.records} == {logging.INFO}  # which no command prints
    assert "OF_A_LIBRARY" in caplog.text


def test_what_cannot_be_put_back_is_named_with_what_to_do(monkeypatch, caplog):
    fixed = Setting("the weather", lambda: changes.UNDOABLE.value)
    monkeypatch.setattr(surroundings, "_WATCHED", (fixed,))
    around = Surroundings()
    with caplog.at_level(logging.WARNING), surroundings.kept("attack evil"):
        changes.UNDOABLE.value = 1
    (line,) = caplog.messages
    assert line.startswith("attack evil changed the weather, which cannot be put back")
    assert line.endswith("with --workers 1 each trial has a process of its own")
    assert around.problem() == "changed the weather, which cannot be put back"
    changes.UNDOABLE.value = 0


def test_a_setting_that_cannot_be_read_any_more_is_a_changed_one_and_is_put_back():
    if not hasattr(torch.backends.cuda.matmul, "fp32_precision"):
        pytest.skip("this torch has one way to set precisions")
    before = torch.get_float32_matmul_precision()

    def mix():
        torch.backends.cuda.matmul.fp32_precision = "tf32"

    with pytest.raises(PluginFaultError, match="changed torch's precision of float32"):
        Guard("attack evil (evil 1.0)").call("propose", mix)
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.fresh is not AS_IT_IS], ids=lambda one: one.words)
def test_a_trial_begins_with_the_same_settings_whatever_a_plugin_set_while_it_was_imported(setting):
    if setting.words in CHANGEABLE:
        act(setting)
    begin_as_fresh()
    assert value_of(setting) == setting.fresh


def test_hooks_of_all_modules_that_were_there_are_there_again():
    hook = torch.nn.modules.module.register_module_forward_hook(print)
    try:
        around = Surroundings()
        begin_as_fresh()
        assert hook.id not in torch.nn.modules.module._global_forward_hooks
        assert around.put_back() == []
        assert torch.nn.modules.module._global_forward_hooks[hook.id] is print
    finally:
        hook.remove()


def test_the_sign_of_life_that_every_step_of_an_optimiser_gives_stays():
    hook = optimizer.register_optimizer_step_post_hook(lambda *_: None)
    keep_hook(hook)
    try:
        begin_as_fresh()
        assert hook.id in optimizer._global_optimizer_post_hooks
    finally:
        hook.remove()
