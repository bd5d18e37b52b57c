"""Parameters as a frozen dataclass: what its fields declare, and how a target gets an object of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Annotated, ClassVar, Literal

import pytest

from mebench.api.contract import Attack
from mebench.api.errors import ConfigurationError, PluginError
from mebench.registry.declaration import labelled, made, parameters_of
from mebench.registry.entries import AttackEntry, LearnerEntry, StrategyEntry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Param, Parameter, Range
from mebench.registry.registry import compose
from mebench.registry.validation import checked_entries

Share = Annotated[float, Param("Share.", minimum=0, maximum=1)]


@dataclass(frozen=True)
class Basic:
    loss: Annotated[Literal["l1", "kl"], Param("Loss.", in_variant="always")] = "l1"
    rate: Annotated[float, Param("Rate.", minimum=0, in_variant="changed")] = 0.5
    steps: Annotated[int | None, Param("Steps.", minimum=1)] = None
    soft: Annotated[bool, Param("Soft.")] = False


@dataclass(frozen=True)
class Lists:
    drops: Annotated[tuple[float, ...], Param("Drops.", minimum=0)] = (0.1, 0.5)
    names: Annotated[Sequence[str], Param("Names.", choices=("a", "b"))] = ("a",)
    kinds: Annotated[tuple[Literal["x", "y"], ...], Param("Kinds.")] = ("x", "y")
    sizes: Annotated[list[int], Param("Sizes.", late=True)] = field(default_factory=lambda: [3, 4])
    rows: Annotated[Range | None, Param("Rows.", minimum=0)] = None
    part: Annotated[Range, Param("Part.")] = (0, 5)
    NOT_A_FIELD: ClassVar[int] = 7


@dataclass(frozen=True)
class Of:
    share: Share = 0.2


@dataclass(frozen=True)
class Paper(Of, Basic):
    rate: float = 0.1
    loss: Literal["kl", "l1"] = "kl"
    last: Share = 0.9

    @property
    def doubled(self) -> float:
        return 2 * self.rate


def target(context: str, parameters: Basic) -> tuple[str, Basic]:
    return context, parameters


def keywords(context: str, **parameters: object) -> tuple[str, dict[str, object]]:
    return context, parameters


HERE = sys.modules[__name__].__name__


def test_fields_declare_what_a_tuple_of_parameters_does():
    assert parameters_of(Basic) == (
        Parameter("loss", "str", "l1", "Loss.", choices=("l1", "kl"), in_variant="always"),
        Parameter("rate", "float", 0.5, "Rate.", minimum=0, in_variant="changed"),
        Parameter("steps", "int", None, "Steps.", minimum=1),
        Parameter("soft", "bool", False, "Soft."),
    )
    assert parameters_of(Lists) == (
        Parameter("drops", "floats", [0.1, 0.5], "Drops.", minimum=0),
        Parameter("names", "strs", ["a"], "Names.", choices=("a", "b")),
        Parameter("kinds", "strs", ["x", "y"], "Kinds.", choices=("x", "y")),
        Parameter("sizes", "ints", [3, 4], "Sizes.", late=True),
        Parameter("rows", "range", None, "Rows.", minimum=0),
        Parameter("part", "range", [0, 5], "Part."),
    )


def test_a_subclass_changes_a_default_alone_and_the_last_base_comes_first():
    declared = parameters_of(Paper)
    assert [one.name for one in declared] == ["loss", "rate", "steps", "soft", "share", "last"]
    assert declared[0] == Parameter("loss", "str", "kl", "Loss.", choices=("kl", "l1"), in_variant="always")
    assert declared[1] == Parameter("rate", "float", 0.1, "Rate.", minimum=0, in_variant="changed")
    assert declared[4:] == tuple(
        Parameter(name, "float", default, "Share.", minimum=0, maximum=1)
        for name, default in (("share", 0.2), ("last", 0.9))
    )


def test_a_target_gets_an_object_of_the_dataclass_after_its_other_arguments():
    entry = Entry("thing", "A thing.", f"{HERE}:target", Basic)
    assert entry.call("context") == ("context", Basic())
    assert entry.call("context", given={"loss": "kl", "rate": 1}) == ("context", Basic(loss="kl", rate=1.0))
    with pytest.raises(ConfigurationError, match=r"^rate: must be at least 0, not -1\.0$"):
        entry.call("context", given={"rate": -1})


def test_a_target_whose_parameters_are_a_tuple_gets_a_keyword_for_each():
    entry = Entry("thing", "A thing.", f"{HERE}:keywords", parameters_of(Basic))
    assert entry.call("context", given={"steps": 3}) == (
        "context",
        {"loss": "l1", "rate": 0.5, "steps": 3, "soft": False},
    )
    assert Entry("thing", "A thing.", f"{HERE}:keywords").call("context") == ("context", {})


def test_an_object_holds_tuples_unless_its_field_is_a_list_and_results_hold_lists():
    entry = Entry("thing", "A thing.", f"{HERE}:target", Lists)
    resolved = entry.resolve({"rows": [2, 9], "sizes": (1,)})
    assert resolved == {
        "drops": [0.1, 0.5],
        "names": ["a"],
        "kinds": ["x", "y"],
        "sizes": [1],
        "rows": [2, 9],
        "part": [0, 5],
    }
    found = made(Lists, resolved)
    assert found == Lists(sizes=[1], rows=(2, 9))
    with pytest.raises(FrozenInstanceError):
        found.rows = None  # type: ignore[misc]


def test_ids_labels_and_variants_do_not_tell_how_parameters_are_declared():
    typed, plain = Entry("thing", "", "", Basic), Entry("thing", "", "", parameters_of(Basic))
    for given in ({}, {"loss": "kl", "rate": 2, "steps": 4, "soft": True}):
        assert typed.as_component(given) == plain.as_component(given)
        assert typed.label(typed.resolve(given)) == plain.label(plain.resolve(given))
        assert typed.variant(typed.resolve(given)) == plain.variant(plain.resolve(given))
    assert "sizes" not in Entry("thing", "", "", Lists).as_component({}).parameters  # late


def test_an_object_has_the_label_of_its_entry():
    assert labelled("thing", Basic()) == "thing(loss=l1)"
    assert labelled("thing", Lists()) == "thing"
    assert labelled("thing", Lists(part=(1, 2))) == "thing(part=1/2)"


def test_a_strategy_and_a_learner_may_declare_theirs_in_different_ways():
    strategy = StrategyEntry("asks", "Asks.", f"{HERE}:target", Basic)
    learner = LearnerEntry("learns", "Learns.", f"{HERE}:keywords", (Parameter("rate", "float", 0.3, "Rate."),))
    both = compose(strategy, learner)
    assert [one.name for one in both.declared] == [
        *("strategy.loss", "strategy.rate", "strategy.steps", "strategy.soft"),
        "learner.rate",
    ]
    built = both.call("context", given={"strategy.rate": 2, "learner.rate": 1})
    assert built == Attack(("context", Basic(rate=2.0)), ("context", {"rate": 1.0}))


class NoDataclass:
    pass


@dataclass
class NotFrozen:
    rate: Share = 0.1


def dataclass_of(annotation: object, default: object = 1) -> type:
    body = {"__annotations__": {"x": annotation}, "__module__": HERE} | ({} if default is ... else {"x": default})
    return dataclass(frozen=True)(type("Given", (), body))


FAULTS = {
    "no dataclass": (NoDataclass, "parameters must be a frozen dataclass or a tuple of Parameter, not NoDataclass"),
    "not frozen": (NotFrozen, "parameters must be a frozen dataclass or a tuple of Parameter, not NotFrozen"),
    "nothing said": (dataclass_of(int), "Given.x: say what it is, e.g. Annotated[int, Param("),
    "something else said": (dataclass_of(Annotated[int, "help"]), "Given.x: say what it is"),
    "no default": (dataclass_of(Annotated[int, Param("")], ...), "Given.x: has no default"),
    "a mapping": (dataclass_of(Annotated[dict[str, int], Param("")]), "Given.x: its type must be int, float"),
    "two types": (dataclass_of(Annotated[int | str, Param("")]), "Given.x: its type must be int, float"),
    "a pair": (dataclass_of(Annotated[tuple[float, float], Param("")]), "Given.x: its type must be int, float"),
    "mixed choices": (dataclass_of(Annotated[Literal[1, "a"], Param("")]), "Given.x: its type must be int, float"),
    "choices twice": (dataclass_of(Annotated[Literal["a"], Param("", choices=("a",))], "a"), "Given.x: its Literal"),
    "None, not its default": (dataclass_of(Annotated[int | None, Param("")], 3), "Given.x: it may be None, so"),
    "None by surprise": (dataclass_of(Annotated[int, Param("")], None), "Given.x: its default is None, its type not"),
    "an unknown name": (dataclass_of("Nowhere"), "Given: cannot read its types: NameError"),
    "not set": (dataclass_of(Share, field(init=False, default=1.0)), "Given.x: a field with init=False"),
    "a default that fails": (dataclass_of(Share, field(default_factory=lambda: 1 / 0)), "ZeroDivisionError"),
    "a default out of bounds": (dataclass_of(Share, 2.0), "parameter x: its default must be at most 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_dataclass_that_declares_wrongly_is_refused_in_a_line_that_names_the_field(fault):
    declared, problem = FAULTS[fault]
    with pytest.raises(PluginError) as caught:
        list(checked_entries(AttackEntry, [AttackEntry("thing", "A thing.", "m:o", declared)]))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
