"""``python -m mebench``: the same as ``mebench``."""

from __future__ import annotations

import sys

from mebench.cli import main

if __name__ == "__main__":
    sys.exit(main())
