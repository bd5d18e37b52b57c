"""What a trial would cost at a service's prices: money for queries, explanations and computing time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PriceSheet:
    """Prices in one currency, as a benchmark file's ``prices`` gives them.

    Attributes:
        currency: any word; money is never converted.
        per_1000_queries: by name of the channel, whatever its parameters.
        per_1000_explanations: added to the price of their queries.
        per_gpu_hour, per_cpu_hour: of the attacker's own computer, for the whole time of a trial.
    """

    currency: str = "USD"
    per_1000_queries: Mapping[str, float] = field(default_factory=dict)
    per_1000_explanations: float = 0.0
    per_gpu_hour: float = 0.0
    per_cpu_hour: float = 0.0

    def cost(self, channel: str, queries: int, explanations: int, seconds: float | None, device: str) -> float | None:
        """Return the price of a trial; None if its channel has no price, or its time has one and is not known.

        Args:
            channel: its name, without parameters.
            queries, explanations: as the ledger counts them.
            seconds: that the trial took.
            device: ``cpu``, or the name of a GPU.
        """
        price = self.per_1000_queries.get(channel)
        per_hour = self.per_cpu_hour if device == "cpu" else self.per_gpu_hour
        if price is None or (per_hour and seconds is None):
            return None
        asked = (queries * price + explanations * self.per_1000_explanations) / 1000
        return asked + per_hour * (seconds or 0.0) / 3600
