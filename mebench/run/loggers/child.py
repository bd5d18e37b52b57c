"""The process of one registered logger: it is told the run's life on stdin, and tells its faults on what was stdout.

Messages to it are pickles of mebench's own plain values, one behind the other; answers are lines of JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any, BinaryIO

from mebench.api.errors import MebenchError
from mebench.api.run_events import LoggedRun, RunEnd
from mebench.registry.catalogue import registry
from mebench.registry.entries import LoggerEntry
from mebench.registry.safe_import import what_happened


def main() -> None:
    """Make the logger, and pass on to it what comes, until the run ends or its process is gone."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what a logger prints goes to its log
    messages = sys.stdin.buffer
    name, given, path, run = pickle.load(messages)
    sys.path += [place for place in path if place not in sys.path]
    doing = "its constructor"
    try:
        logger = registry().get(LoggerEntry, name).call(run, given=given)
        doing = "run_started"
        _call(logger, doing, run)
    except BaseException as error:
        _answer(answers, fault=f"{doing} failed: {_said(error)}")
        return
    _answer(answers, ready=True)
    _listen(messages, logger, run, answers)


def _listen(messages: BinaryIO, logger: object, run: LoggedRun, answers: Any) -> None:
    over = False
    while not over:
        try:
            call, arguments = pickle.load(messages)
        except EOFError:
            call, arguments = "run_ended", (run, RunEnd("stopped", reason="the process of the run is gone"))
        over = call == "run_ended"
        try:
            _call(logger, call, *arguments)
        except BaseException as error:
            _answer(answers, fault=f"{call} failed: {_said(error)}")


def _call(logger: object, call: str, *arguments: object) -> None:
    method = getattr(logger, call, None)
    if callable(method):
        method(*arguments)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) if isinstance(error, MebenchError) else what_happened(error)


def _answer(answers: Any, **said: object) -> None:
    answers.write(json.dumps(said) + "\n")
    answers.flush()
