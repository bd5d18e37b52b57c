"""A stop in the midst of a plugin's long work."""

from __future__ import annotations

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


def test_signs_of_life_end_nothing_outside_such_work():
    with ended_by_a_stop(lambda: True):
        pass
    heartbeat()
    with ended_by_a_stop(never):
        heartbeat()
