"""Numbers that plugins return."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from mebench.api.plain_numbers import is_measurable, plain_number


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (True, True),
        (0.5, 0.5),
    ],
)
def test_one_number_of_numpys_is_a_number(given, number):
    assert plain_number(given) == number
    assert isinstance(plain_number(given), type(number))


@pytest.mark.parametrize("given", ["0.5", None, np.array([0.5]), torch.tensor(0.5), Fraction(1, 2)])
def test_all_else_stays_what_it_is_and_cannot_be_measured(given):
    assert plain_number(given) is given
    assert not is_measurable(given)


@pytest.mark.parametrize("given", [float("nan"), float("inf"), -1e308, 10**400])
def test_numbers_that_cannot_be_squared_are_not_measurable(given):
    assert not is_measurable(given)
    assert is_measurable(1e100)
