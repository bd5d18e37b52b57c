"""What an error says, in one line."""

from __future__ import annotations

import pytest

from mebench.api.errors import reason

SCRIPT = """The following operation failed in the TorchScript interpreter.
Traceback of TorchScript, serialized code (most recent call last):
  File "code/__torch__.py", line 9, in forward
    x = torch.view(x, [1, 784])
        ~~~~~~~~~~ <--- HERE
Traceback of TorchScript, original code (most recent call last):
RuntimeError: frames say this too
/tmp/one.py(7): forward
RuntimeError: shape '[1, 784]' is invalid
for input of size 1568
"""


class UnwritableError(Exception):
    """Cannot be written."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one"), "one"),
        (ValueError("one\n\n\ttwo"), "one two"),
        (ValueError(), "ValueError"),
        (UnwritableError(), "UnwritableError"),
        (RuntimeError(SCRIPT), "shape '[1, 784]' is invalid for input of size 1568"),
        (RuntimeError("The following operation failed in the TorchScript interpreter."), None),
        (RuntimeError("no\nException raised from check at x.cpp:1 (most recent call first):\nframe #0: y"), "no"),
        (
            RuntimeError("Could not run 'aten::x' with arguments from the 'CUDA' backend. This could be"),
            "Could not run 'aten::x' with arguments from the 'CUDA' backend",
        ),
        (ValueError("x" * 900), "x" * 500),
    ],
)
def test_the_reason_of_an_error_is_one_line(error, said):
    assert reason(error) == (str(error) if said is None else said)
