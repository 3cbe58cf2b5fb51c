"""`nelm-cds check`: the settings in force, the value sets with their licences, the local codes, and what is wrong.

Plain text at 80 columns, for a terminal, a ticket or a mail. A secret is never shown, nor the value of a name that is
no setting: a typing error in the name of a secret would print it.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from cds_service import __version__
from cds_service.cli.migrate import NOT_READY, in_the_way
from cds_service.errors import ConfigurationError
from cds_service.reasoning.markdown import printable
from cds_service.settings import PREFIX, Settings
from cds_service.store.database import is_sqlite, problem_of_url
from cds_service.store.state import SchemaState, state
from fhir_mappings.local_codes import LocalCodes, with_local_codes
from fhir_mappings.terminology import Terminology, load_terminology

_WIDTH = 80
_NAMES = (
    "ENVIRONMENT", "PUBLIC_URL", "CLIENTS", "FHIR_SERVERS", "FHIR_BUDGET_SECONDS", "FHIR_REQUEST_SECONDS",
    "CORS_ORIGINS", "MAX_BODY_MB", "MISSING_DATA", "AS_OF", "DATABASE_URL", "PATIENT_HASH_KEY", "QUIETER_DAYS",
    "OTLP_ENDPOINT", "SMART_CLIENT_ID", "SMART_SCOPE", "SMART_SERVERS", "SITE_POLICY", "LOCAL_CODES",
)  # fmt: skip
_SECRET = frozenset({"PATIENT_HASH_KEY"})
# The password of an address, up to the last @ (an unescaped one may stand in it), and one among the parameters.
_PASSWORDS = (
    re.compile(r"(://[^:@/\s,]*:)[^\s,]*(?=@)"),
    re.compile(r"(?i)([?&][a-z_]*(?:password|pwd|secret)=)[^&\s,]*"),
)


def run(environ: Mapping[str, str]) -> int:
    """Print the report; 0 if the service would start with these settings, 2 if not."""
    try:
        settings: Settings | None = Settings.from_environ(environ)
        problems: tuple[str, ...] = ()
    except ConfigurationError as error:
        settings, problems = None, error.problems
    if settings is not None and settings.database_url is not None:
        found = state(settings.database_url)
        store: str | None = _store(settings.database_url, found)
        problems = tuple(filter(None, (in_the_way(settings.database_url, found),)))
    else:
        store = None
    for line in report(environ, settings, store, problems):
        sys.stdout.write(f"{line}\n")
    return 2 if problems else 0


def report(
    environ: Mapping[str, str], settings: Settings | None, store: str | None, problems: tuple[str, ...]
) -> Iterator[str]:
    """The lines of the report; without settings only what does not depend on them."""
    yield f"nelm-cds {__version__}"
    yield from _heading("Settings")
    yield from _settings(environ, settings)
    if settings is not None:
        yield from _heading("Site policy: what differs from the defaults")
        yield from _listed(map(_departure, settings.policy.departures.items()), "nothing")
    if store is not None:
        yield from _heading("Store")
        yield from _wrapped(store, "  ", "    ")
    terminology = load_terminology()
    yield from _heading("Value sets")
    yield from _value_sets(terminology)
    if settings is not None:
        yield from _heading("Local codes")
        yield from _local_codes(settings.local_codes, terminology)
    yield from _heading("What is wrong")
    yield from _listed(problems, "nothing")


def _departure(item: tuple[str, object]) -> str:
    name, value = item
    return f"{name} = {', '.join(value) if isinstance(value, tuple) else value}"


def _heading(text: str) -> Iterator[str]:
    yield from ("", text, "-" * len(text))


def _listed(texts: Iterable[str], otherwise: str) -> Iterator[str]:
    lines = [line for text in texts for line in _wrapped(text, "  ", "    ")]
    yield from lines or [f"  {otherwise}"]


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    clean = printable(text)
    return textwrap.wrap(clean, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _settings(environ: Mapping[str, str], settings: Settings | None) -> Iterator[str]:
    in_force = _defaults(settings) if settings is not None else {}
    for name in _NAMES:
        value = environ.get(f"{PREFIX}{name}")
        if value is None:
            shown = f"{in_force[name]} (default)" if name in in_force else "not set"
        else:
            shown = "set" if name in _SECRET else _without_secrets(name, value)
            if settings is not None and f"{PREFIX}{name}" in settings.ignored:
                shown += f" (no effect: {PREFIX}CLIENTS names each client's servers)"
        label = f"  {PREFIX}{name}"
        yield from _wrapped(shown, f"{label:32} ", " " * 33)


def _defaults(settings: Settings) -> dict[str, str]:
    """What holds where nothing is set."""
    return {
        "ENVIRONMENT": settings.environment,
        "CORS_ORIGINS": ", ".join(settings.cors_origins) or "none",
        "MAX_BODY_MB": f"{settings.max_body_bytes // 1024 // 1024}",
        "MISSING_DATA": settings.missing_data,
        "FHIR_BUDGET_SECONDS": f"{settings.fhir_budget_seconds}",
        "FHIR_REQUEST_SECONDS": f"{settings.fhir_request_seconds}",
        "AS_OF": "now",
        "DATABASE_URL": settings.database_url or "none",
        "QUIETER_DAYS": f"{settings.quieter_days}",
    }


def _store(url: str, found: SchemaState) -> str:
    """How the store stands; what keeps the service from starting is told again as wrong."""
    if found is SchemaState.CURRENT:
        return "answers, with the schema of this version"
    if in_the_way(url, found) is not None:
        return NOT_READY[found]
    if is_sqlite(url):
        return "made, or brought to the schema of this version, when the service starts"
    return f"{NOT_READY[found]}; the service starts without it"


def _without_secrets(name: str, value: str) -> str:
    """The value without what may be a secret; what cannot be read as an address may be one whole."""
    if name == "DATABASE_URL" and problem_of_url(value) is not None:
        return "set, and wrong"
    if name == "OTLP_ENDPOINT":
        value = value.partition("?")[0]
    for password in _PASSWORDS:
        value = password.sub(r"\1***", value)
    return value


def _value_sets(terminology: Terminology) -> Iterator[str]:
    sets = terminology.value_sets()
    licences = {licence: number for number, licence in enumerate(dict.fromkeys(s.licence for s in sets), start=1)}
    yield f"  {'codes':>5}  {'licence':7}  title"
    for entry in sets:
        yield from _wrapped(entry.title, f"  {entry.count:5}  {f'[{licences[entry.licence]}]':7}  ", " " * 18)
    yield ""
    for licence, number in licences.items():
        yield from _wrapped(licence, f"  [{number}] ", "      ")


def _local_codes(local: LocalCodes, terminology: Terminology) -> Iterator[str]:
    with_local = with_local_codes(terminology, local)
    for mapped in local.mapped:
        display = f" {mapped.display}" if mapped.display else ""
        yield from _wrapped(f"{mapped.system}|{mapped.code}{display}", "  ", "    ")
        concepts = sorted(concept.value for concept in with_local.concepts(mapped.system, mapped.code))
        meaning = f" ({', '.join(concepts)})" if concepts else ""
        yield from _wrapped(f"is {mapped.target_system}|{mapped.target_code}{meaning}", "    ", "      ")
    for ignored in local.ignored:
        yield from _wrapped(f"ignored: {ignored.system}|{ignored.code}: {ignored.why}", "  ", "    ")
    if not local.mapped and not local.ignored:
        yield "  none"
