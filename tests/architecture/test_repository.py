"""Promises of the repository itself: pinned requirements, short files, one version, documented settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cds_service import __version__
from cds_service.errors import ConfigurationError
from cds_service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==[^\s;]+( ; .+)? \\")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.mark.parametrize("file", REQUIREMENTS, ids=[file.name for file in REQUIREMENTS])
def test_requirements_name_no_address(file: Path) -> None:
    """Neither an index nor a file: where packages come from is the machine's business."""
    text = file.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert " @ " not in text


@pytest.mark.parametrize("file", REQUIREMENTS, ids=[file.name for file in REQUIREMENTS])
def test_every_requirement_is_pinned_with_hashes(file: Path) -> None:
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    for number, line in enumerate(lines):
        if not line.startswith(" "):
            assert _PINNED.fullmatch(line), line
            assert _HASH.fullmatch(lines[number + 1]), line
        else:
            assert _HASH.fullmatch(line), line


def test_what_the_service_needs_is_pinned_alike_everywhere() -> None:
    runtime, *others = (_pins(ROOT / "requirements" / name) for name in ("runtime.txt", "dev.txt"))
    for other in others:
        assert runtime.items() <= other.items()


@pytest.mark.parametrize("package", ["cds_service", "fhir_mappings"])
def test_no_file_is_longer_than_300_lines(package: str) -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / package).rglob("*.py")}
    assert lengths
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}


def test_the_changelog_names_this_version_first() -> None:
    versions = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert next(version for version in versions if version.lower() != "unreleased") == __version__


def test_every_setting_is_documented() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    documented = "\n".join(page.read_text("utf-8") for page in pages)
    assert [name for name in _settings() if name not in documented] == []


def test_no_setting_is_documented_that_does_not_exist() -> None:
    """Except in the decisions, which may speak of the past and of what was not done."""
    pages = [ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if "decisions" not in page.parts)]
    named = {name for page in pages for name in re.findall(r"NELM_CDS_[A-Z_]+[A-Z]", page.read_text("utf-8"))}
    assert named - _settings() == set()


def test_every_setting_of_the_example_is_a_setting() -> None:
    example = (ROOT / "deploy" / "settings.example.env").read_text("utf-8")
    named = set(re.findall(r"NELM_CDS_[A-Z_]+[A-Z]", example))
    assert named
    assert named - _settings() == set()


def _settings() -> set[str]:
    """Every name that settings.py knows, found by asking it: an unknown one is called no setting."""
    source = (ROOT / "cds_service" / "settings.py").read_text("utf-8")
    return {f"{PREFIX}{name}" for name in re.findall(r'"([A-Z][A-Z_]+)"', source) if _is_known(f"{PREFIX}{name}")}


def _is_known(name: str) -> bool:
    try:
        Settings.from_environ({name: ""})
    except ConfigurationError as error:
        return not any("no setting of this name" in problem for problem in error.problems)
    return True


def _pins(file: Path) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)", file.read_text("utf-8"), re.MULTILINE)
    return dict(found)
