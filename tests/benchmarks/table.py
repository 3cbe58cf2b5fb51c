"""The one table: what was measured, what must be reached, and whether it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One line; without a target it only tells."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """Whether the target is met, in words."""
        return {True: "met", False: "NOT MET", None: ""}[self.met]


def show(title: str, lines: Iterable[Line], caption: str) -> None:
    """Print the lines. A target that is missed is told, and fails nothing: the machine may be busy."""
    table = Table(title=title, caption=caption)
    for heading in ("what", "measured", "target", ""):
        table.add_column(heading)
    for line in lines:
        table.add_row(line.what, line.measured, line.target, line.verdict)
    Console(width=150).print(table)
