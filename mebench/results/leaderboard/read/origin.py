"""Where a result comes from, as ``result.json`` tells it."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict

MAX_FACT = 1000


class Origin(BaseModel):
    """The versions, the revision and the machine that a result was measured with.

    Attributes:
        device: what a price depends on.
    """

    model_config = ConfigDict(extra="allow")
    device: str = "cpu"

    def facts(self) -> dict[str, str]:
        """Each fact that there is as one line of text, by its name; the versions by the names of their packages."""
        told: dict[str, Any] = {key: value for key, value in (self.model_extra or {}).items() if value is not None}
        if self.model_fields_set & {"device"}:
            told["device"] = self.device
        versions = told.pop("versions", {})
        told |= versions if isinstance(versions, dict) else {}
        return {str(name): _text(value)[:MAX_FACT] for name, value in told.items()}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else str(value)
