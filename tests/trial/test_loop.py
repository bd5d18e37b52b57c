"""The loop is what the documentation prints, and can be run by itself."""

from __future__ import annotations

import inspect
import re
import textwrap

import pytest
from mebench_controls.attacks import NoiseStrategy
from toys import build_attack, context_of, oracle_of, perceptron

from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.trial import loop


def printed(page: str) -> str:
    """The first program on a page that begins with the loop's first line."""
    (found, *_) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if block.startswith("while ")]
    return found.strip()


def run() -> str:
    """The loop as it is run, without what it hands to the trial after each turn."""
    lines = inspect.getsource(loop.turns).splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith("while "))
    *body, last = textwrap.dedent("\n".join(lines[first:])).splitlines()
    assert last == "    yield queries"
    return "\n".join(body)


def test_the_loop_that_runs_is_the_text_that_the_docs_print(repository):
    assert run() == printed((repository / "docs" / "concepts.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", ["docs/writing-an-attack.md", "mebench/api/contract.py"])
def test_where_the_loop_is_printed_without_comments_it_is_the_same_lines(page, repository):
    bare = re.sub(r"  #.*", "", run())
    assert bare in textwrap.dedent((repository / page).read_text(encoding="utf-8").replace("\n    ", "\n")) or (
        bare in (repository / page).read_text(encoding="utf-8")
    )


def test_the_loop_runs_by_itself_until_the_budget_is_spent():
    channel = ProbabilityChannel()
    attack = build_attack("noise", context_of(channel, perceptron(seed=1)), batch_size=16)
    oracle, ledger = oracle_of(perceptron(), channel, budget=50)
    rows = [len(queries) for queries in loop.turns(oracle, attack.strategy, attack.learner)]
    assert rows == [16, 16, 16, 2]
    assert ledger.remaining == 0


def test_who_has_nothing_left_to_ask_ends_the_loop_and_nobody_learns(tmp_path, monkeypatch):
    from trials import tiny_trial

    from mebench.results.trial_folder import TrialFolder
    from mebench.trial.trial import run_trial

    propose = NoiseStrategy.propose
    monkeypatch.setattr(
        NoiseStrategy, "propose", lambda self, oracle, clone: propose(self, oracle, clone)[: 48 - oracle.spent]
    )
    spec = tiny_trial("noise", budget=320, parameters={"batch_size": 16})
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    assert folder.result()["ledger"]["spent"] == folder.curve()[-1]["queries"] == 48
