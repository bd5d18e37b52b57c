"""Text that is cut to a length."""

from __future__ import annotations

import pytest

from mebench.api.shortened import shortened


@pytest.mark.parametrize("length", [0, 1, 10])
def test_a_text_that_fits_stays_as_it_is(length: int) -> None:
    assert shortened("x" * length, 10) == "x" * length


@pytest.mark.parametrize("most", [10, 11])
def test_a_longer_one_keeps_beginning_and_end_and_says_how_much_is_left_out(most: int) -> None:
    text = "".join(str(number % 10) for number in range(1010))
    assert shortened(text, most) == f"01234 [... 1,000 characters left out ...] {text[-5:]}"
