"""The command `nelm-cds`; the one place that reads the environment."""

from __future__ import annotations

import gc
import os
import sys

# What importing makes stays: to look for garbage in it takes a tenth of the start.
gc.disable()
from cds_service.cli import app  # noqa: E402 - after the line above

gc.enable()


def main() -> None:
    """Run the command with the process's environment."""
    try:
        app(obj=os.environ, prog_name="nelm-cds")  # noqa: TID251 - the one reader of the environment
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell takes for Ctrl-C; there is nothing to explain


if __name__ == "__main__":
    main()
