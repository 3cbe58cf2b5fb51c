"""Rewrite every story's expected.json from what the service says; the same as `nelm-cds replay --update-expected`.

`python -m tests.support.update_expected`, then read the difference: it is a change of advice.
"""

from __future__ import annotations

import sys

from cds_service.cli.expected import run, shown
from cds_service.settings import Settings
from tests.support.stories import FOLDER

__all__ = ["shown"]

if __name__ == "__main__":
    sys.exit(run([FOLDER], Settings()))
