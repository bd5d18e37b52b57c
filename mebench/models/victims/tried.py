"""What victims did when they were tried, kept beside trained victims, so that each is tried once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import torch

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.files import read_json, write_json
from mebench.api.spec import VictimSpec, content_digest
from mebench.models.victims.behaviour import Behaviour
from mebench.models.victims.cache import victims_dir

_log = logging.getLogger(__name__)
_FOLDER = ".tried"


@dataclass(frozen=True)
class Tried:
    """What was measured of a victim.

    Attributes:
        accuracy: on all test inputs, in [0, 1].
        behaviour: on some of them.
    """

    accuracy: float
    behaviour: Behaviour


def tried_once(spec: VictimSpec, weights_hash: str, data_hash: str, code: str, measure: Callable[[], Tried]) -> Tried:
    """What was measured of a victim before, or is now.

    Args:
        spec: of the victim; its name and the places of its files do not count.
        weights_hash: of its tensors or its file.
        data_hash: of its test data.
        code: digest of the code that makes it; where there is none, it is measured at every call.
        measure: tries it.
    """
    if not code:
        return measure()
    what = replace(spec, name="", data=spec.data.without("root"), weights=None, torchscript=None)
    told = {"spec": what, "weights": weights_hash, "data": data_hash, "code": code, "torch": torch.__version__}
    path = victims_dir() / _FOLDER / f"{content_digest(told)}.json"
    try:
        known = read_json(path)
        return Tried(float(known["accuracy"]), Behaviour(**known["behaviour"]))
    except (ResultsError, KeyError, TypeError, ValueError):
        pass
    found = measure()
    try:
        write_json(path, asdict(found))
    except UnwritableError as error:
        _log.warning("what was found out about a victim could not be cached: %s", error)
    return found
