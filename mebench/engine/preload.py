"""Imported once by the fork server, so that every worker starts with torch in memory.

It only imports: a tensor operation here would start threads that a fork does not survive. An import that fails is
left to the worker, which then reports it with its traceback.
"""

from __future__ import annotations

import contextlib

with contextlib.suppress(Exception):
    import torch  # noqa: F401

    import mebench.trial  # noqa: F401
