"""Random black and white images as queries. This module is imported whenever names are listed: it imports no torch."""

from mebench import AttackEntry, Parameter, hookimpl


@hookimpl
def mebench_attacks():
    return [
        AttackEntry(
            name="corner-noise",
            summary="Random black and white images: the corners of the input range.",
            target="corner_noise.attack:build",
            parameters=(
                Parameter("batch_size", "int", 64, "Queries per batch.", minimum=1),
                Parameter("learning_rate", "float", 0.01, "Of the clone's SGD.", minimum=0),
                Parameter("white", "float", 0.5, "Share of white pixels.", minimum=0, maximum=1, in_variant="changed"),
            ),
            needs=frozenset({"label"}),
            paper="none: an example",
        )
    ]
