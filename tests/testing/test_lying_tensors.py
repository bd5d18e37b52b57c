"""A tensor may be of a class that tells lies about itself; the oracle must not believe it."""

import pytest
import torch
from toys import SPEC, oracle_of, perceptron

from mebench.api.errors import InvalidQueryError
from mebench.oracle.channels.answers import ProbabilityChannel


class Short(torch.Tensor):
    """Fifty rows that say they are none."""

    def __len__(self):
        return 0


def test_a_tensor_that_tells_another_length_gets_no_answer():
    oracle, ledger = oracle_of(perceptron(), ProbabilityChannel(), budget=1)
    with pytest.raises(InvalidQueryError, match="asked a Short; ask with plain tensors"):
        oracle.query(torch.rand(50, *SPEC.shape).as_subclass(Short))
    assert (ledger.spent, ledger.victim_forward) == (0, 0)
