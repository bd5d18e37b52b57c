"""Fails when it is imported, as a plugin does whose dependency is missing."""

raise ImportError("libimaginary.so.7: cannot open shared object file\nsecond line")
