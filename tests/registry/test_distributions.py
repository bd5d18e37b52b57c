"""Distributions that are broken, or come twice: they stop nothing, and are named where they may be plugins."""

from __future__ import annotations

from pathlib import Path

import pytest

from mebench.api.errors import PluginError
from mebench.api.notices import notices_to
from mebench.registry.distributions import installed
from mebench.registry.source import Source

METADATA = b"Metadata-Version: 2.1\nName: other-tool\nVersion: 1.0\n"


def distribution(
    root: Path, points: bytes | None, metadata: bytes | None = METADATA, folder: str = "other_tool-1.0.dist-info"
) -> Path:
    place = root / folder
    place.mkdir(parents=True)
    for name, content in (("entry_points.txt", points), ("METADATA", metadata)):
        if content is not None:
            (place / name).write_bytes(content)
    return place


def found(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Source], list[str]]:
    """The plugins of the distributions below a folder, and what was said of them."""
    monkeypatch.setattr("sys.path", [str(root)])
    said: list[str] = []
    with notices_to(said.append):
        return list(installed()), said


@pytest.mark.parametrize("points", [b"[other.plugins]\nbroken\n", b"[other.plugins]\nx = caf\xe9:y\n"])
def test_entry_points_that_cannot_be_read_are_passed_over_and_named_by_their_folder(
    points: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = distribution(tmp_path, points)
    (source,), (line,) = found(tmp_path, monkeypatch)
    assert line.startswith(f"{place / 'entry_points.txt'} cannot be read (")
    assert line.endswith("install the distribution again; it is passed over")
    with pytest.raises(PluginError, match="cannot be read"):
        source.load()


@pytest.mark.parametrize("metadata", [None, b"", METADATA.replace(b"other-tool", b"caf\xe9")])
def test_a_distribution_without_readable_metadata_is_named_by_its_folder(
    metadata: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[mebench]\nstripes = stripes\n", metadata)
    (source,), said = found(tmp_path, monkeypatch)
    assert (source.name, source.distribution, source.module) == ("stripes", "other-tool", "stripes")
    assert not said


def test_of_two_distributions_with_one_name_the_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.0", "2.0"):
        distribution(tmp_path, b"[mebench]\nstripes = stripes\n", folder=f"other_tool-{version}.dist-info")
    assert len(found(tmp_path, monkeypatch)[0]) == 1


def test_other_peoples_entry_points_and_distributions_without_any_are_no_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, b"[console_scripts]\nx = y:z\n")
    distribution(tmp_path, None, folder="nothing-1.0.dist-info")
    distribution(tmp_path, None, None, folder="empty.egg-info")
    assert found(tmp_path, monkeypatch) == ([], [])
