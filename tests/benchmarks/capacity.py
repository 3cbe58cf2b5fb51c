"""How many cores and how much memory a hospital needs: the measured processor time, and assumptions that stand here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.bodies import LARGE, MEDIUM, SMALL, Scenario

OPENINGS_PER_BED = 40
BUSIEST_HOUR = 0.12  # of a day's openings
SIZES = {SMALL: 0.25, MEDIUM: 0.65, LARGE: 0.10}
IN_SCOPE = 0.002  # of openings; an oncology centre may have ten times as many, at next to no difference
UTILISATION = 0.5  # of a core, so that calls hardly wait for each other


@dataclass(frozen=True)
class Site:
    """Who is served: beds, and how far the busiest second is above the mean of the busiest hour."""

    name: str
    beds: int
    burst: float

    @property
    def per_second(self) -> float:
        """Calls in the busiest second."""
        return self.beds * OPENINGS_PER_BED * BUSIEST_HOUR / 3600 * self.burst


SITES = (
    Site("a hospital of 1,000 beds", 1_000, 5),
    Site("a network of 100 hospitals with 300 beds each", 30_000, 2),
)


def cpu_ms(figures: Mapping[str, Any]) -> float:
    """Processor time of a call, over the assumed mix of charts."""
    throughput = figures["throughput"]
    return sum(
        of_size * of_scope * float(throughput[Scenario(size, in_scope).name]["service"]["cpu_ms"])
        for size, of_size in SIZES.items()
        for in_scope, of_scope in ((True, IN_SCOPE), (False, 1 - IN_SCOPE))
    )


def workers(site: Site, figures: Mapping[str, Any]) -> int:
    """Processes, one a core; two at least, so that one may be replaced while the other serves."""
    return max(2, math.ceil(site.per_second * cpu_ms(figures) / 1e3 / UTILISATION))
