"""One class for each kind of entry, and what follows from it: hooks, words, facts."""

from __future__ import annotations

import inspect

import pytest

from mebench.registry.catalogue import registry
from mebench.registry.entries import KINDS, AttackEntry, DatasetEntry, LearnerEntry, MetricEntry, StrategyEntry
from mebench.registry.hooks import Hooks
from mebench.registry.registry import ComposedEntry


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_kind_has_words_of_its_own_and_a_hook_that_explains_itself(kind):
    others = [one for one in KINDS if one is not kind]
    for words in ("kind", "plural", "phrase"):
        assert getattr(kind, words) not in [getattr(one, words) for one in others]
    hook = getattr(Hooks, kind.hook())
    assert kind.hook() == f"mebench_{kind.plural}"
    assert inspect.getdoc(hook).startswith(f"Return a list of {kind.__name__}. ")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_what_is_looked_up_by_a_class_is_of_that_class_and_its_facts_are_words(kind):
    for entry in registry().entries(kind):
        assert isinstance(registry().get(kind, entry.name), kind)
        assert all(isinstance(word, str) for fact in entry.facts(registry()).items() for word in fact)


def test_facts_name_what_fits_to_it():
    known = registry()
    assert known.get(AttackEntry, "int").facts(known)["channels"] == "ig"
    assert known.get(StrategyEntry, "noise").facts(known)["as an attack"].startswith("noise+LEARNER, e.g. with fit, ")
    assert "STRATEGY+fit" in known.get(LearnerEntry, "fit").facts(known)["as an attack"]
    assert known.get(MetricEntry, "transfer").facts(known)["measured"] == "once, at the end of the trial"
    assert known.get(DatasetEntry, "mnist").facts(known)["shape"] == "1 x 28 x 28"


def test_only_an_attack_can_be_put_together():
    attack = registry().get(AttackEntry, "noise+fit")
    assert isinstance(attack, ComposedEntry)
    assert (attack.strategy.name, attack.learner.name) == ("noise", "fit")
    assert registry().origin(AttackEntry, "noise+fit") == registry().origin(AttackEntry, "noise")
    assert registry().ships(AttackEntry, "noise+fit")
