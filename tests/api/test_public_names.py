"""What is promised to plugins, and the module names that the documentation taught before."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import mebench
from mebench import api, testing, toolkit
from mebench.api.old_names import OLD, RENAMED

FACES = {"mebench": mebench, "mebench.toolkit": toolkit, "mebench.testing": testing}
OLD_IMPORTS = {
    "mebench.learners": "OnlineLearner FitLearner StepLearner",
    "mebench.losses": "KLLoss L1LogitLoss ExtractionLoss make_loss loss_derivatives centred",
    "mebench.schedules": "steps constant cosine set_rate step_rate",
    "mebench.strategies.generator": "GeneratorStrategy squash",
    "mebench.strategies.zeroth_order": "ZerothOrderStrategy",
    "mebench.strategies.pool": "RandomPoolStrategy",
    "mebench.strategies.k_center": "k_center",
    "mebench.reservoir": "Reservoir",
    "mebench.early_stopping": "EarlyStoppingLearner",
    "mebench.deepfool": "deepfool",
    "mebench.device_copies": "sent",
    "mebench.networks.generator": "UpsamplingGenerator",
    "mebench.metrics": "Evidence NetworkEvidence",
    "mebench.channels": "LabelChannel ProbabilityChannel",
    "mebench.entry": "AttackEntry",
}


def for_type_checkers(face) -> set[str]:
    (block,) = [node for node in ast.parse(Path(face.__file__).read_text()).body if isinstance(node, ast.If)]
    return {name.asname for node in block.body for name in node.names}


@pytest.mark.parametrize("face", FACES)
def test_type_checkers_see_the_same_names_as_python(face):
    assert for_type_checkers(FACES[face]) == set(FACES[face].__all__)


@pytest.mark.parametrize("face", FACES)
def test_every_promised_name_is_there_and_explains_itself(face):
    for name in FACES[face].__all__:
        thing = getattr(FACES[face], name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name


@pytest.mark.parametrize("face", FACES)
def test_no_promised_name_is_that_of_a_module_which_would_be_imported_in_its_place(face):
    modules = {found.name for found in pkgutil.iter_modules(FACES[face].__path__)}
    assert all(callable(getattr(FACES[face], name)) for name in modules & set(FACES[face].__all__))


def test_a_name_that_is_not_promised_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mebench' has no attribute 'Clone'"):
        mebench.Clone  # noqa: B018


def test_entries_and_parameters_import_no_torch():
    code = (
        "import sys, mebench, mebench.toolkit\n"
        "from mebench import AttackEntry, Parameter, hookimpl, ConfigurationError\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("old", OLD_IMPORTS)
def test_a_module_name_that_the_docs_have_taught_goes_on_with_a_warning(old):
    for name in OLD_IMPORTS[old].split():
        with pytest.warns(
            DeprecationWarning, match=rf"{old}\.{name} is mebench\S*; the old name goes with mebench 0\.2"
        ):
            found = getattr(importlib.import_module(old), name)
        now = RENAMED.get(f"{old}.{name}", name)
        assert found is getattr(importlib.import_module(OLD[old]), now)


@pytest.mark.parametrize("name", ["Oracle", "QueryLedger"])
def test_the_oracle_room_forwards_what_was_its_module_before(name):
    with pytest.warns(DeprecationWarning, match=rf"mebench\.oracle\.{name} is mebench\.{name}"):
        assert getattr(importlib.import_module("mebench.oracle"), name) is getattr(mebench, name)


def test_the_new_names_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for face in FACES.values():
            for name in face.__all__:
                getattr(face, name)


def test_the_contract_is_found_where_nobody_has_imported_it_before(monkeypatch):
    monkeypatch.delattr("mebench.api.contract")
    assert api.InputSpec is mebench.InputSpec


def test_old_names_go_with_the_minor_version_after_this_one() -> None:
    from mebench.api.old_names import GOES_WITH
    from mebench.api.version import VERSION

    major, minor, *_ = map(int, VERSION.split("."))
    assert f"{major}.{minor + 1}" == GOES_WITH
