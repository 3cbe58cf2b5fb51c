"""The commands and their options, as README.md and `--help` describe them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from cds_service import __version__
from cds_service.errors import ConfigurationError
from cds_service.settings import Settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="CDS Hooks service for neuroendocrine liver metastases, after the 2006 Utrecht protocol.",
)

feedback = typer.Typer(no_args_is_help=True, help="What became of the cards that were shown.")
app.add_typer(feedback, name="feedback")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"nelm-cds {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the command itself."""


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    record: Annotated[Path | None, typer.Option(help="Write every request into this folder; development only.")] = None,
) -> None:
    """Run the service in the foreground."""
    from cds_service.cli.serve import run

    try:
        sys.exit(run(_settings(context.obj), host, port, record))
    except ConfigurationError as error:
        _refuse(error)


@app.command()
def replay(
    context: typer.Context,
    paths: Annotated[list[Path] | None, typer.Argument(help="Story folders, folders to walk, or JSON files.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    explain: Annotated[bool, typer.Option(help="Every input, and every resource that was not used.")] = False,
    as_of: Annotated[str | None, typer.Option(help="Evaluate at this date instead of the story's own.")] = None,
    url: Annotated[str | None, typer.Option(help="Post to this running service instead of evaluating here.")] = None,
    fhir_server: Annotated[str | None, typer.Option(help="Read patients of this FHIR server instead of files.")] = None,
    patient: Annotated[list[str] | None, typer.Option(help="Id of a patient there; more may follow it.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File that holds the server's bearer token.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="What differs between two services' addresses or settings files."),
    ] = None,
    update_expected: Annotated[
        bool, typer.Option("--update-expected", help="Rewrite the stories' expected.json, telling what differs.")
    ] = False,
) -> None:
    """Evaluate FHIR bundles, hook requests or a FHIR server's patients through the same path as the service."""
    paths, patients = paths or [], patient or []
    if compare is not None:
        _alone("--compare", explain, url, fhir_server, patients, token_file, update_expected)
        _require(paths)
        from cds_service.cli.compare import run as run_compare

        sys.exit(run_compare(compare, paths, as_json=as_json, as_of=_date(as_of)))
    if update_expected:
        _alone("--update-expected", explain, url, fhir_server, patients, token_file, as_json, as_of)
        _require(paths)
        from cds_service.cli.expected import run as run_expected

        sys.exit(run_expected(paths, _settings(context.obj)))
    if fhir_server is not None:
        from cds_service.cli.live import run as run_live

        patients = [*patients, *map(str, paths)]
        if not patients or url is not None:
            raise typer.BadParameter("needs --patient, and no --url", param_hint="--fhir-server")
        settings, date = _settings(context.obj), _date(as_of)
        sys.exit(run_live(fhir_server, patients, token_file, settings, as_json=as_json, explain=explain, as_of=date))
    if patients or token_file is not None:
        raise typer.BadParameter("needs --fhir-server", param_hint="--patient" if patients else "--token-file")
    _require(paths)
    if explain and url is not None:
        raise typer.BadParameter("tells of what is evaluated here; leave --url out", param_hint="--explain")

    from cds_service.cli.replay import run

    sys.exit(run(paths, _settings(context.obj), as_json=as_json, explain=explain, as_of=_date(as_of), url=url))


@app.command()
def assess(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="One case or a list of cases, as JSON.", exists=True, dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="The decisions as one JSON list.")] = False,
) -> None:
    """Decide on plain facts, without FHIR."""
    from cds_service.cli.assess import run

    sys.exit(run(file, _settings(context.obj).policy, as_json=as_json))


@app.command()
def check(context: typer.Context) -> None:
    """Show the settings in force, the value sets, the local codes, and what is wrong."""
    from cds_service.cli.check import run

    sys.exit(run(context.obj))


def _alone(option: str, *others: object) -> None:
    """An option that is a way of its own to replay goes with none of these."""
    if any(others):
        raise typer.BadParameter("goes with no other way to replay", param_hint=option)


@app.command()
def migrate(context: typer.Context) -> None:
    """Bring the store to the schema of this version (PostgreSQL: once per release)."""
    from cds_service.cli.migrate import run

    sys.exit(run(_settings(context.obj)))


@feedback.command()
def summary(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="Count what was shown from this date on.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As comma-separated values.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """How often each recommendation was shown, accepted and overridden, and why."""
    from cds_service.cli.feedback import summary as print_summary
    from fhir_mappings.dates import parse_date

    if as_csv and as_json:
        raise typer.BadParameter("one of --csv and --json", param_hint="--csv")
    date = parse_date(since) if since is not None else None
    if since is not None and date is None:
        raise typer.BadParameter("must be a date such as 2026-03-02", param_hint="--since")
    settings = _settings(context.obj)
    sys.exit(print_summary(settings, since=date.first if date else None, as_csv=as_csv, as_json=as_json))


def _require(paths: list[Path]) -> None:
    if not paths:
        raise typer.BadParameter("needs at least one path", param_hint="PATHS...")
    for path in paths:
        try:
            there = path.exists()
        except OSError as error:
            raise typer.BadParameter(f"Path '{path}' cannot be read.", param_hint="PATHS...") from error
        if not there:
            raise typer.BadParameter(f"Path '{path}' does not exist.", param_hint="PATHS...")


def _date(text: str | None) -> str | None:
    from fhir_mappings.dates import parse_date

    if text is not None and parse_date(text) is None:
        raise typer.BadParameter("must be a date such as 2026-03-02", param_hint="--as-of")
    return text


def _settings(environ: Mapping[str, str]) -> Settings:
    try:
        return Settings.from_environ(environ)
    except ConfigurationError as error:
        _refuse(error)


def _refuse(error: ConfigurationError) -> NoReturn:
    for problem in error.problems:
        typer.echo(f"nelm-cds: {problem}", err=True)
    raise typer.Exit(2) from error
