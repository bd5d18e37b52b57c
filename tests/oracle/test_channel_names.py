import pytest

from mebench.api.spec import Component
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.results.leaderboard.write.labels import component_label

SETTINGS = [
    ("vg", {}, "vg"),
    ("vg", {"score": "logit", "classes": "top-1"}, "vg(score=logit,classes=top-1)"),
    ("sg", {}, "sg(samples=25)"),
    ("sg", {"samples": 1, "sigma": 0.15, "classes": "top-1"}, "sg(samples=1,sigma=0.15,classes=top-1)"),
    ("sg", {"sigma": 1, "score": "logit"}, "sg(samples=25,sigma=1.0,score=logit)"),
    ("ig", {}, "ig(steps=50)"),
    ("ig", {"baseline": 0.5, "rule": "midpoint"}, "ig(steps=50,baseline=0.5,rule=midpoint)"),
    ("ig", {"steps": 9, "score": "logit", "classes": "top-1"}, "ig(steps=9,score=logit,classes=top-1)"),
    ("white-box", {}, "white-box"),
]


@pytest.mark.parametrize(("kind", "parameters", "name"), SETTINGS)
def test_a_channel_and_the_leaderboard_call_it_by_the_same_name(kind, parameters, name):
    resolved = registry().get(ChannelEntry, kind).resolve(parameters)
    channel = registry().get(ChannelEntry, kind).call(given=resolved)
    assert channel.name == name
    assert component_label(ChannelEntry, Component(kind, resolved)) == name
    assert channel.gives == registry().get(ChannelEntry, kind).gives


def test_one_explained_class_is_public():
    for kind in ("vg", "sg", "ig"):
        made = [registry().get(ChannelEntry, kind).call(given=given) for given in ({}, {"classes": "top-1"})]
        assert [channel.explained_classes for channel in made] == [None, 1]
