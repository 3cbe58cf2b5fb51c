"""The command `nelm-cds`; the one place that reads the environment."""

from __future__ import annotations

import os
import sys

from cds_service.cli import app


def main() -> None:
    """Run the command with the process's environment."""
    try:
        app(obj=os.environ, prog_name="nelm-cds")  # noqa: TID251 - the one reader of the environment
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell takes for Ctrl-C; there is nothing to explain


if __name__ == "__main__":
    main()
