"""A stream on a full disk."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from mebench.api.forgiving import Forgiving

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_text_that_cannot_be_written_is_lost_and_no_error() -> None:
    stream = FULL.open("w", encoding="utf-8", buffering=1)
    forgiving, given_up = Forgiving(stream), []
    assert forgiving.write("a line\n") == 7
    forgiving.flush()
    Forgiving(stream, given_up.append).flush()
    assert given_up == [stream]
    with Path(os.devnull).open("wb") as nowhere:  # for what is buffered
        os.dup2(nowhere.fileno(), stream.fileno())
    stream.close()


def test_what_can_be_written_is_and_a_reader_that_went_away_is_told_of() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    stream = io.StringIO()
    Forgiving(stream).write("text")
    assert stream.getvalue() == Forgiving(stream).getvalue() == "text"
    with pytest.raises(BrokenPipeError):
        Forgiving(Gone()).write("text")
