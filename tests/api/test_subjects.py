"""A line names what it is about once."""

from __future__ import annotations

import pytest

from mebench.api.subjects import about
from mebench.run.display import ended_line
from mebench.run.engine import Job, Outcome
from mebench.run.engine.schedule import Schedule


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("victim 'v' fails", "victim 'v' fails"),
        ('victim "v": no such file', 'victim "v": no such file'),
        ("victim v: killed", "victim v: killed"),
        ("killed by SIGKILL", "victim v: killed by SIGKILL"),
        ("victim 'v2' fails", "victim v: victim 'v2' fails"),
        ("victim 'v-2' fails", "victim v: victim 'v-2' fails"),
        ("", "victim v: "),
    ],
)
def test_words_that_begin_with_their_subject_stay_and_others_are_put_behind_it(words, line):
    assert about("victim v", words) == line


@pytest.mark.parametrize("reason", ["victim 'v' fails", "killed by SIGKILL"])
def test_a_victim_that_fails_is_named_once_where_it_ends_and_in_the_reason_of_its_trials(reason):
    victim, trial = Job("victim-v", "victim v", "m:f"), Job("t", "dfme", "m:f", needs=("victim-v",))
    schedule = Schedule([victim, trial])
    failed = Outcome("failed", reason=reason)
    assert schedule.next() is victim
    schedule.end(victim, failed)
    for line in (str(ended_line(victim, failed)), schedule.outcomes["t"].reason):
        assert line.replace("'", "").count("victim v") == 1
        assert line.endswith(reason)
    assert str(ended_line(trial, schedule.outcomes["t"])).startswith("failed  dfme: victim ")
