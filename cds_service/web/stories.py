"""The demo patients that come with the service: synthetic charts, each with the date to evaluate it at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from cds_service.http.wire import AS_OF_EXTENSION


@cache
def stories() -> Mapping[str, Path]:
    """The demo patients' folders by name: packaged ones, or those of the checkout this runs from."""
    packaged = Path(str(files("cds_service.web"))) / "demo_patients"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "test_fixtures" / "patients"
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/request.json"))}


def about(folder: Path) -> str:
    """The first line of what is told about a demo patient."""
    readme = folder / "README.md"
    return readme.read_text("utf-8").splitlines()[0] if readme.is_file() else ""


@cache
def listed() -> tuple[Mapping[str, Any], ...]:
    """Every demo patient for a list to choose from."""
    return tuple(
        {"name": name, "title": name.replace("-", " "), "about": about(folder), "as_of": _as_of(folder)}
        for name, folder in stories().items()
    )


def _as_of(folder: Path) -> str:
    request = json.loads((folder / "request.json").read_text("utf-8"))
    return str(request["extension"][AS_OF_EXTENSION])
