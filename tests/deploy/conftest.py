"""What the tests of deploy/ share: its folder, its files read, and the programs that check them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def deploy() -> Path:
    """The folder of all that is deployed."""
    return ROOT / "deploy"


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """The path of a program; skipped where neither our environment nor the system has it (a failure under CI=true)."""

    def find(name: str, package: str) -> str:
        found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed: {package}")
        return found

    return find
