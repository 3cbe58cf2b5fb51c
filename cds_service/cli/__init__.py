"""The command line: results on standard output, progress and messages on standard error."""

from cds_service.cli.commands import app

__all__ = ["app"]
