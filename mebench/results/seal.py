"""The seal of a finished trial: its result says what its curve is, and has a digest of all that it says.

A seal tells damage: a file that was cut, lost, mixed up with another trial's or changed by hand. It is no signature,
and tells no fraud: who changes a result can seal it again. It is made of contents and not of their layout, so that
other line ends or another indentation break nothing, and equal results have equal seals. What it is made of stays the
same in all formats of ``result.json``. Results of before there were seals have none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from mebench.api.files import json_bytes

SEAL = "seal"
CURVE = "curve"
"""Keys of ``result.json``: the digest, and ``digest`` and ``evaluations`` of ``curve.jsonl``."""
_BEFORE, _AFTER = f'\n "{SEAL}": "'.encode(), b'",'
"""How a seal stands in a file that was written by `mebench.api.files.write_json`: other keys come before and after."""


def sealed(result: Mapping[str, Any], curve: bytes) -> dict[str, Any]:
    """Add to a result what its curve is, and the seal.

    Args:
        result: JSON values.
        curve: the content of ``curve.jsonl``; empty if there is none.
    """
    whole = {**result, CURVE: {"digest": _digest_of(curve), "evaluations": len(curve.splitlines())}}
    return {**whole, SEAL: _digest(json_bytes(whole))}


def is_untouched(content: bytes, curve: bytes, identity: str) -> bool:
    """Whether files are byte for byte as the trial of that id has written them; quicker than to read them.

    Args:
        content: of ``result.json``.
        curve: of ``curve.jsonl``.
        identity: of the trial.
    """
    head, before, rest = content.partition(_BEFORE)
    seal, after, tail = rest.partition(_AFTER)
    return (
        bool(before and after)
        and _digest(head + tail).encode() == seal
        and f'\n "{CURVE}": {{\n  "digest": "{_digest_of(curve)}",\n'.encode() in head
        and f'\n "id": "{identity}",'.encode() in head
    )


def broken_seal(result: Mapping[str, Any]) -> str:
    """Say that the content of ``result.json`` is not as it was when the trial ended; empty if it is, or has no seal."""
    if SEAL not in result:
        return ""
    if _digest(json_bytes({key: value for key, value in result.items() if key != SEAL})) != result[SEAL]:
        return "result.json was changed after the trial had ended: its seal is broken"
    return ""


def broken_curve(result: Mapping[str, Any], curve: bytes) -> str:
    """Say how the content of ``curve.jsonl`` is not as it was when the trial ended.

    Empty if it is, or if the content of ``result.json``, whose own seal is not broken, has none.
    """
    if SEAL not in result:
        return ""
    stated, evaluations = result[CURVE], len(curve.splitlines())
    if evaluations != stated["evaluations"]:
        return f"curve.jsonl holds {evaluations} evaluations, the trial has made {stated['evaluations']}"
    if _digest_of(curve) != stated["digest"]:
        return "curve.jsonl was changed after the trial had ended: its seal is broken"
    return ""


def _digest_of(curve: bytes) -> str:
    """The digest of the lines of a curve, however they end."""
    return _digest(b"\n".join(curve.splitlines()))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
