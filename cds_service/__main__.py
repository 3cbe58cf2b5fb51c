"""The command `nelm-cds`; the one place that reads the environment."""

from __future__ import annotations

import os

from cds_service.cli import app


def main() -> None:
    """Run the command with the process's environment."""
    app(obj=os.environ, prog_name="nelm-cds")  # noqa: TID251 - the one reader of the environment


if __name__ == "__main__":
    main()
