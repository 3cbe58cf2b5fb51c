"""`nelm-cds` with a clock that is wrong by so many seconds: `python -m tests.drills.with_clock 7200 serve --port 8000`.

The service hands its clock on from one place, so that replacing it there, before anything else is imported, is enough.
"""

from __future__ import annotations

import importlib
import sys
from datetime import UTC, datetime, timedelta

from cds_service import clock


def main() -> None:
    """Run the command that follows the seconds."""
    wrong_by = timedelta(seconds=int(sys.argv.pop(1)))
    clock.now = lambda: datetime.now(UTC) + wrong_by
    importlib.import_module("cds_service.__main__").main()


if __name__ == "__main__":
    main()
