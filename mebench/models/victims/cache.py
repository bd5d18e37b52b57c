"""Trained victims on disk, keyed by what they depend on, with their measured accuracy beside the weights.

One folder per victim: ``<name>-<key>/weights.safetensors`` and ``victim.json``. It appears by one rename, so it is
there whole or not at all. Nothing at the top of this module imports torch: `entries` lists victims without it.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import MebenchError, ResultsError
from mebench.api.files import read_json, write_atomically, write_json
from mebench.api.lease import LEASE, HeldError, LeasePlace, leased
from mebench.api.progress import ShouldStop, Stopped, never
from mebench.api.spec import VictimSpec, content_digest
from mebench.api.unfinished import unfinished_folder
from mebench.data.sources import cache_dir

if TYPE_CHECKING:
    from torch import nn

_WEIGHTS, _RECORD = "weights.safetensors", "victim.json"
_SECONDS_BETWEEN_TRIES = 0.1
NOT_IN_KEY = ("name", "data", "weights", "torchscript", "registered")
"""Fields of a victim's spec that `cache_key` leaves out."""


class DamagedEntryError(MebenchError):
    """A cached victim cannot be used: a file is cut off, missing or changed."""


def victims_dir() -> Path:
    """Where trained victims are kept."""
    return cache_dir() / "victims"


def cache_key(spec: VictimSpec, data_hash: str, torch_version: str, code: str = "") -> str:
    """Ten hexadecimal digits of all that a trained victim depends on; its name and the data's folder are not.

    Args:
        spec: the victim.
        data_hash: of the data that it is trained and scored on.
        torch_version: only the major version counts.
        code: digest of the file that a factory is in.
    """
    plain = asdict(spec)
    for key in NOT_IN_KEY:
        del plain[key]
    if plain["outputs"] is None:  # as before there was this field
        del plain["outputs"]
    return content_digest(plain | {"data_hash": data_hash, "torch": torch_version.split(".")[0], "code": code})


def training_file(key: str) -> Path:
    """Where the training of the victim of that key is kept while it goes on; hold ``locked(key)`` around its use."""
    return victims_dir() / f".{key}.training.safetensors"


def find(key: str) -> Path | None:
    """The folder of that key, whatever name the victim had when it was trained."""
    return next(iter(sorted(victims_dir().glob(f"*-{key}"))), None)


def entries() -> list[tuple[Path, dict[str, Any]]]:
    """Folder and record of every cached victim, by name; a damaged one has an empty record."""
    found = []
    for path in sorted(victims_dir().glob("[!.]*")):
        if path.is_dir():
            try:
                found.append((path, read_json(path / _RECORD)))
            except ResultsError:
                found.append((path, {}))
    return found


def load(path: Path, network: nn.Module) -> dict[str, Any]:
    """Load cached weights into ``network`` and return the record.

    Raises:
        DamagedEntryError: a file is missing or cut off, or the weights are not those that were saved.
    """
    from mebench.api.errors import ConfigurationError
    from mebench.models.victims.weight_files import load_weights
    from mebench.models.weights import weights_hash

    try:
        record = read_json(path / _RECORD)
        wanted, accuracy = record["weights_hash"], float(record["accuracy"])
        load_weights(network, path / _WEIGHTS, path.name)
    except KeyError as error:
        raise DamagedEntryError(f"{path / _RECORD}: {error} is missing") from None
    except (ResultsError, ConfigurationError, TypeError, ValueError) as error:
        raise DamagedEntryError(str(error)) from None
    if not 0 <= accuracy <= 1:
        raise DamagedEntryError(f"{path / _RECORD}: an accuracy of {accuracy}")
    if weights_hash(network.state_dict()) != wanted:
        raise DamagedEntryError(f"{path / _WEIGHTS}: not the weights that were saved")
    return record


def save(name: str, key: str, network: nn.Module, record: Mapping[str, Any]) -> Path:
    """Write a trained victim, replacing a damaged one of the same key; hold ``locked(key)`` around it."""
    from safetensors.torch import save as to_bytes

    root = victims_dir()
    with unfinished_folder(root) as partial:
        partial.chmod(0o755)
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in network.state_dict().items()}
        write_atomically(partial / _WEIGHTS, to_bytes(tensors))
        write_json(partial / _RECORD, record)
        if old := find(key):
            shutil.rmtree(old)
        return partial.rename(root / f"{_folder_name(name)}-{key}")


@contextlib.contextmanager
def locked(key: str, should_stop: ShouldStop = never) -> Iterator[None]:
    """Hold one key for this process: two trials that need the same victim train it once.

    Raises:
        Stopped: the user asked to stop while another process held it.
        MebenchError: the cache folder cannot be written to.
    """

    def wait(error: HeldError) -> None:
        if should_stop():
            raise Stopped("stopped while another process was training the victim") from None
        time.sleep(_SECONDS_BETWEEN_TRIES)

    with contextlib.ExitStack() as held:
        try:
            held.enter_context(leased(LeasePlace(victims_dir(), f".{key}{LEASE}"), wait))
        except OSError as error:
            raise MebenchError(
                f"{victims_dir()}: cannot be written to ({error.strerror}); set MEBENCH_CACHE to a folder that can"
            ) from None
        yield


def _folder_name(name: str) -> str:
    """The victim's name with everything that has a meaning in a path taken out."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "victim"
