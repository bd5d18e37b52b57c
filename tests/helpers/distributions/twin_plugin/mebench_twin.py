"""Registers an attack under the name of another distribution's."""

from mebench import AttackEntry, hookimpl


@hookimpl
def mebench_attacks():
    return [AttackEntry("corner-noise", "Another attack of the same name.", "mebench_twin:build")]
