"""The defences that change inputs and explanations."""

from __future__ import annotations

from functools import partial

from mebench import DefenceEntry
from mebench_defences.parameters import (
    ClippedMapParameters,
    InputNoiseParameters,
    JpegParameters,
    MapLevelsParameters,
    NoisyMapParameters,
    PooledMapParameters,
)

_input = partial(DefenceEntry, place="input", texts=False)
_map = partial(DefenceEntry, place="explanation", texts=False)

INPUTS = (
    _input(
        "eight-bit",
        "Gives the victim 256 levels a pixel, as every picture file does: forward differences at small steps vanish.",
        "mebench_defences.inputs:EightBit",
    ),
    _input(
        "jpeg",
        "Gives the victim the picture as a JPEG file has it.",
        "mebench_defences.inputs:Jpeg",
        JpegParameters,
    ),
    _input(
        "input-noise",
        "Gives the victim a noisy picture, the same for the same query or drawn anew.",
        "mebench_defences.inputs:InputNoise",
        InputNoiseParameters,
    ),
)
MAPS = (
    _map(
        "map-top-1",
        "Explains only the class that is answered.",
        "mebench_defences.maps:TopOne",
    ),
    _map("map-absolute", "Releases magnitudes without signs.", "mebench_defences.maps:Absolute"),
    _map("map-positive", "Releases what speaks for a class, and 0 elsewhere.", "mebench_defences.maps:Positive"),
    _map(
        "map-channel-maximum",
        "Releases one grey map a class: the largest magnitude of each pixel's channels.",
        "mebench_defences.maps:ChannelMaximum",
    ),
    _map("map-normalised", "Releases maps whose largest magnitude is 1.", "mebench_defences.maps:Normalised"),
    _map(
        "map-eight-bit",
        "Releases a signed byte for each entry of a map.",
        "mebench_defences.maps:EightBitMap",
        MapLevelsParameters,
    ),
    _map(
        "map-clipped",
        "Releases maps without their peaks.",
        "mebench_defences.maps:Clipped",
        ClippedMapParameters,
    ),
    _map("map-pooled", "Releases the means of blocks of pixels.", "mebench_defences.maps:Pooled", PooledMapParameters),
    _map(
        "map-noise",
        "Releases noisy maps, the noise the same for the same query or drawn anew.",
        "mebench_defences.maps:NoisyMap",
        NoisyMapParameters,
    ),
)
