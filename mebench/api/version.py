"""The version of mebench, and of its contract with plugins; who is turned away by it. Imports no torch."""

from __future__ import annotations

from typing import Any

from mebench.api.errors import PluginError

VERSION = "0.1.0"
"""Of mebench itself, as in ``pyproject.toml``."""

API_VERSION = (1, 8)
"""Major and minor version of `mebench.api`, the hooks and the entries.

A new minor version adds; a plugin built for an older one goes on working. A new major version takes away or changes.
"""


def check_api_version(declared: Any) -> None:
    """Refuse a plugin that this mebench cannot serve.

    Args:
        declared: what the plugin's ``mebench_api_version()`` returned: ``(major, minor)``.

    Raises:
        PluginError: another major version, a newer minor version, or not a version at all.
    """
    if not (isinstance(declared, (tuple, list)) and len(declared) == 2 and all(type(n) is int for n in declared)):
        raise PluginError(f"mebench_api_version() returned {declared!r:.60}: it must return two numbers, e.g. (1, 0)")
    major, minor = declared
    if major == API_VERSION[0] and minor <= API_VERSION[1]:
        return
    ours = "{}.{}".format(*API_VERSION)
    remedy = "update mebench" if (major, minor) > API_VERSION else "update the plugin, or ask its author to port it"
    raise PluginError(f"is built for version {major}.{minor} of mebench.api, this mebench has {ours}: {remedy}")
