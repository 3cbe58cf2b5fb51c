"""What `make dist` builds: the same bytes wherever it is built, and all that is needed to install and to run it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from cds_service import __version__

ROOT = Path(__file__).parents[2]
EPOCH = 1_770_000_000  # of no commit: what the test builds is a copy, which has none


@dataclass(frozen=True)
class Release:
    """The files of one build, as bytes by their names."""

    files: dict[str, bytes]

    @property
    def wheel(self) -> str:
        """The name of the wheel."""
        return f"nelm_cds-{__version__}-py3-none-any.whl"

    @property
    def source(self) -> str:
        """The name of the source archive."""
        return f"nelm_cds-{__version__}.tar.gz"


def _build(tree: Path) -> Release:
    """Run `make dist` in a copy of the tree, with the environment that these tests run in."""
    virtual = Path(sys.prefix)
    command = ["make", "-C", str(tree), "dist", f"VENV={virtual}", "-o", "setup", "UNCOMMITTED=1"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")} | {"SOURCE_DATE_EPOCH": str(EPOCH)}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return Release({path.name: path.read_bytes() for path in (tree / "dist").iterdir()})


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release]:
    """Two builds of one tree: in folders of other names, of files with other times and modes."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    first, second = tmp_path_factory.mktemp("first") / "a", tmp_path_factory.mktemp("second") / "b"
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (first / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, first / name)
    shutil.copytree(first, second)
    for path in second.rglob("*"):
        os.utime(path, (0, 1_000_000_000))
        if path.is_file():
            path.chmod(0o600)
    return _build(first), _build(second)


def test_it_is_the_same_bytes_wherever_it_is_built(releases: tuple[Release, Release]) -> None:
    one, other = releases
    assert set(one.files) == {one.wheel, one.source, "SHA256SUMS"}
    assert {name for name in one.files if one.files[name] != other.files[name]} == set()


def test_its_sums_are_those_of_its_files(releases: tuple[Release, Release], tmp_path: Path) -> None:
    for name, content in releases[0].files.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)


def test_the_wheel_holds_what_the_service_runs_on(releases: tuple[Release, Release], tmp_path: Path) -> None:
    (tmp_path / "wheel").write_bytes(releases[0].files[releases[0].wheel])
    with zipfile.ZipFile(tmp_path / "wheel") as archive:
        names = set(archive.namelist())
        metadata = message_from_bytes(archive.read(f"nelm_cds-{__version__}.dist-info/METADATA"))
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert f"nelm_cds-{__version__}.dist-info/licenses/LICENSE" in names
    data = {path.relative_to(ROOT).as_posix() for path in _data_files()}
    assert data
    assert data - names == set()
    assert "cds_service/web/demo_patients/nothing-known-yet/request.json" in names
    assert {name for name in names if name.startswith(("tests/", "cds_service/web/ui/"))} == set()


def test_the_source_archive_holds_what_an_installation_needs(releases: tuple[Release, Release], tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(releases[0].files[releases[0].source])
    with tarfile.open(tmp_path / "source") as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "requirements/runtime.txt", "deploy/settings.example.env", "docs/runbook.md", "SECURITY.md", "CHANGELOG.md",
        "Makefile", "LICENSE", "pyproject.toml", "README.md", ".dockerignore", "deploy/container/Dockerfile",
        "test_fixtures/patients/nothing-known-yet/request.json",
    }  # fmt: skip
    assert needed - names == set()


def test_the_version_has_one_home() -> None:
    """The package's, from where the build reads it."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert re.search(r'^dynamic = \["version"\]$', project, re.MULTILINE)
    assert re.search(r'^path = "cds_service/__init__\.py"$', project, re.MULTILINE)
    assert not re.search(r"^version *=", project, re.MULTILINE)


@pytest.mark.parametrize(
    "page",
    [
        "docs/release.md",
        "docs/runbook/install.md",
        "deploy/compose/example.env",
        "deploy/container/Dockerfile",
        "deploy/kubernetes/base/deployment.yaml",
        "deploy/kubernetes/base/migration.yaml",
        "deploy/kubernetes/production/kustomization.yaml",
    ],
)
def test_what_is_typed_of_the_version_is_this_one(page: str) -> None:
    named = re.findall(
        r"(?:VERSION=|nelm-cds:|--branch v|--sign v|origin v|newTag: |/version: )([0-9]+\.[0-9]+\.[0-9]+)",
        (ROOT / page).read_text("utf-8"),
    )
    assert named
    assert set(named) == {__version__}


def _data_files() -> list[Path]:
    """What the packages read beside their code."""
    folders = [ROOT / "cds_service", ROOT / "fhir_mappings"]
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix in (".toml", ".json", ".html"))
    return [path for path in found if "ui" not in path.parts]
