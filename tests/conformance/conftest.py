"""The services that the rows are asked of, each started once where it is first needed, and the table of a run.

`--write-conformance` writes docs/conformance.md; every other run of the whole folder fails if that page says anything
else than the run found, or if a row of the checklist has neither a test nor a reason for having none.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.conformance_call import Caller, calling
from tests.support.conformance_ehr import Ehr, Ehrs, ehrs
from tests.support.conformance_issuer import PUBLIC_URL, Issuer, issuing, registered
from tests.support.conformance_server import Server, serving
from tests.support.conformance_table import PAGE, Run, complaints, page_of, read_rows
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
MEBIBYTE = 1024 * 1024
# Bodies up to 32 MiB are read, and held twice while they are put together.
MOST_MEMORY = 400 * MEBIBYTE

_HERE = Path(__file__).parent
_RUN = pytest.StashKey[Run]()
_NOTES = pytest.StashKey[list[str]]()
_WHOLE = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def ehr_servers() -> Iterator[Ehrs]:
    """The FHIR servers of many EHRs, which the service is allowed to read from."""
    with ehrs() as servers:
        yield servers


@pytest.fixture
def ehr(ehr_servers: Ehrs) -> Ehr:
    """One of them, new in every test: it holds the chart of one story and has no faults yet."""
    return ehr_servers.next()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, ehr_servers: Ehrs) -> Iterator[Server]:
    """The service, open to everybody, that may read from the EHRs and logs all it can."""
    settings = {
        "NELM_CDS_FHIR_SERVERS": ",".join(ehr_servers.bases),
        "NELM_CDS_FHIR_BUDGET_SECONDS": "5",
        "NELM_CDS_FHIR_REQUEST_SECONDS": "4",
        "NELM_CDS_MAX_BODY_MB": "2",
    }
    with serving(tmp_path_factory.mktemp("service"), settings, "that_logs_everything") as running:
        yield running


@pytest.fixture(scope="session")
def service(server: Server) -> Iterator[Caller]:
    """A caller of that service."""
    with calling(server) as caller:
        yield caller


@pytest.fixture(scope="session")
def default_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`nelm-cds serve` as it starts without any setting."""
    with serving(tmp_path_factory.mktemp("default")) as running:
        yield running


@pytest.fixture(scope="session")
def default_service(default_server: Server) -> Iterator[Caller]:
    """A caller of that service."""
    with calling(default_server) as caller:
        yield caller


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """The EHR that is registered."""
    with issuing() as running:
        yield running


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, issuer: Issuer, ehr_servers: Ehrs) -> Iterator[Server]:
    """The service for one registered client; it logs all it can."""
    folder = tmp_path_factory.mktemp("guarded")
    clients = folder / "clients.toml"
    clients.write_text(registered(issuer.jku, ehr_servers.bases), "utf-8")
    settings = {"NELM_CDS_CLIENTS": str(clients), "NELM_CDS_PUBLIC_URL": PUBLIC_URL}
    with serving(folder, settings, "that_logs_everything") as running:
        yield running


@pytest.fixture(scope="session")
def signing(guarded: Server) -> Iterator[Caller]:
    """A caller of that service, whose headers the tests make."""
    with calling(guarded) as caller:
        yield caller


@pytest.fixture(scope="session")
def right(default_service: Caller) -> Any:
    """What the good client is told."""
    return without_uuids(default_service.cards(RESECTABLE.body))


@pytest.fixture
def unharmed(default_server: Server, default_service: Caller, right: Any) -> Iterator[None]:
    """After a test: alive, right, no stack trace, and no larger than it may become."""
    yield
    assert default_service.get("/healthz").status_code == 200
    assert without_uuids(default_service.cards(RESECTABLE.body)) == right
    assert "Traceback" not in default_server.log
    assert RESECTABLE.patient_id not in default_server.log
    assert default_server.peak_memory < MOST_MEMORY


@pytest.fixture
def note(request: pytest.FixtureRequest) -> list[str]:
    """What a test measured and does not judge; told at the end of the run."""
    return request.config.stash[_NOTES]


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that writes the page."""
    parser.addoption("--write-conformance", action="store_true", help="write docs/conformance.md from this run")


def pytest_configure(config: pytest.Config) -> None:
    """A table that is still empty."""
    config.stash[_RUN] = Run()
    config.stash[_NOTES] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    """Whether this is a run of all tests of the folder: files left out, or tests chosen by name, make it none."""
    config = session.config
    collected = {item.path.name for item in session.items if item.path.parent == _HERE}
    chosen = config.getoption("keyword") or config.getoption("markexpr") or config.getoption("deselect")
    chosen = chosen or any("::" in argument for argument in config.args) or config.getoption("lf", default=False)
    config.stash[_WHOLE] = not chosen and collected == {path.name for path in _HERE.glob("test_*.py")}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the outcome of a test that proves rows; a fixture that fails is a failure too."""
    report = yield
    if report.when == "call" or report.outcome != "passed":
        for marker in item.iter_markers("row"):
            for row in marker.args:
                test = f"{item.path.stem}::{getattr(item, 'originalname', item.name)}"
                item.config.stash[_RUN].add(row, test, report.outcome)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, or fail the session if it is not what this run found."""
    config = session.config
    if not config.stash.get(_WHOLE, False) or session.shouldstop or session.shouldfail:
        return
    if config.getoption("write_conformance", default=False):
        PAGE.write_text(page_of(read_rows(), config.stash[_RUN]), "utf-8")
    if _complaints(config) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the table lacks, and what was measured on the way."""
    found = _complaints(config)
    if found:
        terminalreporter.section("conformance", red=True)
    for line in found + config.stash[_NOTES]:
        terminalreporter.line(line)


def _complaints(config: pytest.Config) -> list[str]:
    if not config.stash.get(_WHOLE, False):
        return []
    page = PAGE.read_text("utf-8") if PAGE.is_file() else ""
    return list(complaints(read_rows(), config.stash[_RUN], page))
