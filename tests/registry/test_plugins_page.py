"""The examples of docs/plugins.md, and what every plugin of this repository declares."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from toys import SPEC, perceptron

from mebench import API_VERSION, api
from mebench.api.contract import Victim
from mebench.api.spec import Component
from mebench.registry.catalogue import catalogue, registry
from mebench.registry.entries import KINDS, MetricEntry
from mebench.trial.metrics.evidence import Evidence, NetworkEvidence
from mebench.trial.metrics.examination import Examination


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "plugins.md").read_text()


def test_the_metric_of_the_page_is_loaded_and_measures(page: str, tmp_path: Path, monkeypatch) -> None:
    examples = re.findall(r"```python\n(.*?)```", page, re.S)
    (tmp_path / "ranking.py").write_text("\n".join(one for one in examples if '"noisy:' not in one))
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    assert catalogue().plugins[-1].error == ""
    logits = torch.tensor([[3.0, 2, 1], [1, 2, 3], [2, 3, 1]])
    evidence = Evidence(torch.rand(3, 1, 2, 2), torch.tensor([1, 0, 1]), logits, logits)
    assert registry().get(MetricEntry, "top-k").call(evidence, given={"k": 2}) == pytest.approx(2 / 3)


def test_the_metric_with_several_numbers_of_the_page_measures_them(page: str, tmp_path: Path, monkeypatch) -> None:
    (example,) = [one for one in re.findall(r"```python\n(.*?)```", page, re.S) if '"noisy:' in one]
    (tmp_path / "noisy.py").write_text(example)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    assert catalogue().plugins[-1].error == ""
    torch.manual_seed(0)
    inputs, labels = torch.rand(50, *SPEC.shape), torch.zeros(50, dtype=torch.long)
    exam, same = Examination.of(Victim(perceptron(), SPEC), inputs, labels), perceptron()
    asked = [Component("noise-fidelity")]
    numbers = exam.complete(exam.score(same), same, asked).metrics()
    assert (numbers["clean"], numbers["noisy"]) == (1.0, 1.0)
    other = perceptron(seed=1)
    found = exam.complete(exam.score(other), other, asked).metrics()
    assert found["clean"] == exam.score(other).fidelity
    assert 0 <= found["noisy"] < 1
    for name in ("inputs", "labels", "victim_logits", "clone_logits", "victim", "clone", "random"):
        assert f"`{name}`" in page
        assert name in {one.name for one in fields(NetworkEvidence)}


def test_the_page_names_every_hook_and_the_version(page: str) -> None:
    for hook in (*(kind.hook() for kind in KINDS), "mebench_api_version"):
        assert f"`{hook}`" in page
    assert f"return {API_VERSION}" in page
    assert api.API_VERSION is API_VERSION


def test_the_changelog_has_the_versions_of_the_contract_and_of_the_protocol(repository: Path) -> None:
    from mebench.api.spec import PROTOCOL

    fragments = [file.read_text() for file in sorted((repository / "changelog").glob("*.contract.md"))]
    text = "".join(fragments) + (repository / "CHANGELOG.md").read_text()  # the newest first
    newest = re.search(r"API version (\d+)\.(\d+), protocol (\d+)\.", text)
    assert newest
    assert tuple(map(int, newest.groups())) == (*API_VERSION, PROTOCOL)
