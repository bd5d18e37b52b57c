"""A stop in the midst of a plugin's long work."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from mebench.api.errors import PluginFaultError
from mebench.api.progress import Stopped, ended_by_a_stop, heartbeat, never
from mebench.guard.call import Guard


def stops():
    raise Stopped


def test_a_stop_that_was_asked_for_is_nobodys_fault():
    with ended_by_a_stop(lambda: True), pytest.raises(Stopped):
        Guard("detector 'slow'").call("fit", heartbeat)


def test_a_plugin_that_says_that_it_was_stopped_fails_where_nobody_asked():
    with ended_by_a_stop(never), pytest.raises(PluginFaultError, match="detector 'slow': fit failed"):
        Guard("detector 'slow'").call("fit", stops)


@pytest.mark.parametrize("asked", [False, True])
def test_who_is_asked_whether_to_stop_may_give_a_sign_of_life(asked):
    def should_stop():
        heartbeat()
        return asked

    with ended_by_a_stop(should_stop):
        for _ in range(2):
            with pytest.raises(Stopped) if asked else nullcontext():
                heartbeat()


def test_signs_of_life_end_nothing_outside_such_work():
    with ended_by_a_stop(lambda: True):
        pass
    heartbeat()
    with ended_by_a_stop(never):
        heartbeat()
