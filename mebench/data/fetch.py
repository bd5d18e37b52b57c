"""Getting a data set: find it, or download it with a checksum."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from mebench.api.errors import DataUnavailableError
from mebench.api.lease import LeasePlace, leased
from mebench.data.downloads import Torchvision
from mebench.data.sources import Found, Layout, download_folder, find, offline, unavailable

_SECONDS_BETWEEN_TRIES = 0.2


def require(layout: Layout, root: str | None = None) -> Found:
    """Find a data set, or download it if it is nowhere and no folder was given.

    Raises:
        DataUnavailableError: it is nowhere, and cannot be downloaded; names every place and what to do.
    """
    found = find(layout, root)
    if found is not None:
        return found
    if root is not None or layout.download is None:
        raise unavailable(layout, root)
    if offline():
        raise unavailable(layout, root, "MEBENCH_OFFLINE forbids the download")
    with one_at_a_time():
        found = find(layout, root)  # another process may have fetched it meanwhile
        if found is None:
            _download(layout)
            found = find(layout, root)
    if found is None:
        raise unavailable(layout, root, "the download left no usable files")
    return found


def read_with_torchvision(layout: Layout, found: Found, **arguments: Any) -> Any:
    """Read found files through ``torchvision.datasets``, whose checksum test stays on.

    Raises:
        DataUnavailableError: the files are not the published ones, or cannot be read.
    """
    assert isinstance(layout.download, Torchvision)
    kind = layout.download.dataset_class()
    try:
        return kind(root=str(found.folder), **arguments)
    except Exception as error:
        raise DataUnavailableError(
            f"data set {layout.name!r}: the files in {found.folder} fail torchvision's check ({error}); "
            "delete them and fetch them again"
        ) from error


def _download(layout: Layout) -> None:
    """Download a data set into the cache."""
    assert layout.download is not None
    try:
        layout.download(download_folder())
    except Exception as error:
        reason = textwrap.shorten(str(error), 160, placeholder=" ...") or type(error).__name__
        raise unavailable(layout, None, f"and the download failed: {reason}") from error


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold a lock over the download folder: two trials must not write the same files.

    Raises:
        DataUnavailableError: the folder cannot be written to.
    """
    folder = download_folder()
    with ExitStack() as held:
        try:
            held.enter_context(leased(LeasePlace(folder), lambda error: time.sleep(_SECONDS_BETWEEN_TRIES)))
        except OSError as error:
            raise DataUnavailableError(
                f"{folder}: cannot be written to ({error.strerror}); set MEBENCH_CACHE to a folder that can"
            ) from None
        yield
