"""What the image networks ask of an input spec."""

from __future__ import annotations

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError


def image_shape(spec: InputSpec, network: str) -> tuple[int, int, int]:
    """Return channels, height and width of an image spec.

    Raises:
        ConfigurationError: the spec is not one of images.
    """
    if len(spec.shape) != 3:
        raise ConfigurationError(
            f"network {network!r} takes images (channels, height, width), not inputs of shape {spec.shape}"
        )
    channels, height, width = spec.shape
    return channels, height, width
