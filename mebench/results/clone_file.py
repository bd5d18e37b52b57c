"""Whether the clone of a finished trial is the one that was scored: its result says which, its file is read for it.

No number of a table depends on that file. So a clone that is gone or spoilt makes no trial damaged, and what reads
results does not read hundreds of megabytes beside them: those do who are asked to, and who copy it. Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from mebench.api.errors import ResultsError
from mebench.api.files import open_regular, why
from mebench.results.trial_folder import TrialFolder

NAME = "clone.safetensors"
_TYPES = {
    "BOOL": "bool",
    "BF16": "bfloat16",
    "C64": "complex64",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    **{f"F{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"I{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"U{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
"""torch's name of each type of a safetensors file."""
_MOST_HEADER = 100_000_000
_CHUNK = 1 << 20


def clone_problem(folder: TrialFolder) -> str:
    """Say what is wrong with the clone of a finished trial, whose result is sound; empty if nothing is.

    The file is read whole.
    """
    path = folder.path / NAME
    try:
        digest = _digest_of(path)
    except FileNotFoundError:
        return f"{NAME} is missing"
    except OSError as error:
        return f"{NAME} cannot be read ({why(error)})"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return f"{NAME} is cut off or no safetensors file"
    wanted = _wanted(folder)
    if wanted and digest and digest != wanted:
        return f"{NAME} was changed after the trial had ended: its weights are not those of result.json"
    return ""


def _wanted(folder: TrialFolder) -> str:
    """The hash of the weights that were scored; empty where the result does not say it."""
    try:
        clone = folder.result().get("clone")
    except ResultsError:
        return ""
    return str(clone.get("weights_hash") or "") if isinstance(clone, Mapping) else ""


def _digest_of(path: Path) -> str:
    """What `mebench.models.weights.weights_hash` makes of the tensors of a file; empty if a type has no name here.

    Raises:
        OSError: it cannot be read, or is a folder, a pipe or a device.
        ValueError, LookupError, TypeError, AttributeError, RecursionError: it is no whole safetensors file.
    """
    with open_regular(path) as file:
        size = int.from_bytes(file.read(8), "little")
        if size > _MOST_HEADER:
            raise ValueError("no header")
        header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        start = 8 + size
        ends = [start, *(start + one["data_offsets"][1] for one in header.values())]
        if os.fstat(file.fileno()).st_size != max(ends):
            raise ValueError("of another size than its header says")
        digest, known = hashlib.sha256(), True
        for name in sorted(header):
            one = header[name]
            known = known and one["dtype"] in _TYPES
            digest.update(f"{name} torch.{_TYPES.get(one['dtype'])} {tuple(one['shape'])}\n".encode())
            for part in _parts(file, start, one):
                digest.update(part)
    return digest.hexdigest()[:16] if known else ""


def _parts(file: IO[bytes], start: int, tensor: Mapping[str, Any]) -> Iterator[bytes]:
    first, last = tensor["data_offsets"]
    file.seek(start + first)
    for at in range(first, last, _CHUNK):
        yield file.read(min(_CHUNK, last - at))
