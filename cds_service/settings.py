"""Every setting of the service, in one home: NELM_CDS_* variables of a mapping that is passed in.

A bad value, or a combination that is not safe, stops the start and names every problem at once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cds_service.clients import Client, ClientsError, read_clients
from cds_service.errors import ConfigurationError
from cds_service.fhir_base import BadBaseError, FhirBase
from cds_service.guidelines.nelm_2006.policy import DEFAULT, PolicyError, SitePolicy
from cds_service.store import problem_of_url
from fhir_mappings.dates import parse_date
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodes, LocalCodesError, read_local_codes
from fhir_mappings.terminology import load_terminology

PREFIX = "NELM_CDS_"

_KNOWN = frozenset({
    "ENVIRONMENT", "PUBLIC_URL", "CLIENTS", "CORS_ORIGINS", "AS_OF", "MISSING_DATA", "MAX_BODY_MB", "SITE_POLICY",
    "LOCAL_CODES", "FHIR_SERVERS", "FHIR_BUDGET_SECONDS", "FHIR_REQUEST_SECONDS", "DATABASE_URL", "PATIENT_HASH_KEY",
    "QUIETER_DAYS", "OTLP_ENDPOINT", "SMART_CLIENT_ID", "SMART_SCOPE", "SMART_SERVERS",
})  # fmt: skip
_NEEDED_IN_PRODUCTION = ("PUBLIC_URL", "CLIENTS", "DATABASE_URL", "PATIENT_HASH_KEY")
_EMBEDDED_STORE = "sqlite:///var/nelm-cds.db"
_SHORTEST_KEY = 32
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked.

    environment: `development` or `production`. cors_origins: origins that may call from a browser, `*` for any.
    as_of: fixed date (development only). missing_data: `status` (412) or `card`. max_body_bytes: largest request body
    that is read. policy: what the site sets differently from our defaults. local_codes: the codes of its own.
    fhir_servers: the FHIR bases that anybody may name where no client is registered, read within fhir_budget_seconds
    for a call and fhir_request_seconds for a request. clients: who may call, each signing for public_url; none: open.
    database_url: where feedback is kept; None: nowhere. patient_hash_key: makes patients pseudonyms there.
    quieter_days: how long overridden recommendations are shown quieter; 0: never. otlp_endpoint: where traces go.
    smart_client_id: what the SMART app is registered as (None: nowhere), with smart_scope, at the FHIR servers' origins
    and smart_servers.
    """

    environment: str = "development"
    cors_origins: tuple[str, ...] = ("*",)
    as_of: datetime | None = None
    missing_data: str = "status"
    max_body_bytes: int = 32 * 1024 * 1024
    policy: SitePolicy = DEFAULT
    local_codes: LocalCodes = NO_LOCAL_CODES
    fhir_servers: tuple[str, ...] = ()
    fhir_budget_seconds: float = 3.0
    fhir_request_seconds: float = 2.5
    clients: tuple[Client, ...] = ()
    public_url: str = ""
    database_url: str | None = field(default=None, repr=False)
    patient_hash_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    quieter_days: int = 0
    otlp_endpoint: str | None = None
    smart_client_id: str | None = None
    smart_scope: str = ""
    smart_servers: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def production(self) -> bool:
        """Whether this is a production service, where nothing of a test may be switched on."""
        return self.environment == "production"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises ConfigurationError naming every problem."""
        given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        unknown = sorted(set(given) - _KNOWN)
        problems = [f"{PREFIX}{name}: no setting of this name" for name in unknown]
        environment = _one_of(given, "ENVIRONMENT", ("development", "production"), problems)
        as_of = _as_of(given, problems)
        if environment == "production":
            problems += _not_fit_for_production(given)
        budget = _seconds(given, "FHIR_BUDGET_SECONDS", 3.0, problems)
        settings = cls(
            environment=environment,
            cors_origins=_origins(given, environment),
            as_of=as_of,
            missing_data=_one_of(given, "MISSING_DATA", ("status", "card"), problems),
            max_body_bytes=_whole_number(given, "MAX_BODY_MB", 32, 1, 1024, problems) * 1024 * 1024,
            policy=_policy(given, problems),
            local_codes=_local_codes(given, problems),
            fhir_servers=_addresses(given, "FHIR_SERVERS", environment, problems),
            fhir_budget_seconds=budget,
            # A budget that is set shorter than our default for a request shortens that too.
            fhir_request_seconds=_seconds(given, "FHIR_REQUEST_SECONDS", min(2.5, budget), problems),
            clients=_clients(given, environment, problems),
            public_url=_public_url(given, environment, problems),
            database_url=_database_url(given, problems),
            patient_hash_key=_hash_key(given, environment, problems),
            quieter_days=_whole_number(given, "QUIETER_DAYS", 0, 0, 365, problems),
            otlp_endpoint=_otlp_endpoint(given, problems),
            smart_client_id=given.get("SMART_CLIENT_ID") or None,
            smart_scope=given.get("SMART_SCOPE", ""),
            smart_servers=_addresses(given, "SMART_SERVERS", environment, problems),
            ignored=(f"{PREFIX}FHIR_SERVERS",) if {"FHIR_SERVERS", "CLIENTS"} <= set(given) else (),
        )
        if settings.fhir_request_seconds > budget:
            problems.append(f"{PREFIX}FHIR_REQUEST_SECONDS: must not be more than {PREFIX}FHIR_BUDGET_SECONDS")
        if problems:
            raise ConfigurationError(problems)
        return settings


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...], problems: list[str]) -> str:
    value = given.get(name, allowed[0])
    if value not in allowed:
        problems.append(f"{PREFIX}{name}: must be one of {', '.join(allowed)}")
        return allowed[0]
    return value


def _as_of(given: Mapping[str, str], problems: list[str]) -> datetime | None:
    if "AS_OF" not in given:
        return None
    date = parse_date(given["AS_OF"])
    if date is None or not 1900 <= date.first.year <= 2999:
        problems.append(f"{PREFIX}AS_OF: must be a FHIR date such as 2026-03-02")
        return None
    return date.last


def _origins(given: Mapping[str, str], environment: str) -> tuple[str, ...]:
    default = "" if environment == "production" else "*"
    return tuple(origin.strip() for origin in given.get("CORS_ORIGINS", default).split(",") if origin.strip())


def _whole_number(given: Mapping[str, str], name: str, default: int, least: int, most: int, problems: list[str]) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,4}", text) or not least <= int(text) <= most:
        problems.append(f"{PREFIX}{name}: must be a whole number from {least} to {most}")
        return default
    return int(text)


def _seconds(given: Mapping[str, str], name: str, default: float, problems: list[str]) -> float:
    text = given.get(name, str(default))
    if not _SECONDS.fullmatch(text) or not 0.1 <= float(text) <= 60:
        problems.append(f"{PREFIX}{name}: must be a number of seconds from 0.1 to 60")
        return default
    return float(text)


def _addresses(given: Mapping[str, str], name: str, environment: str, problems: list[str]) -> tuple[str, ...]:
    bases: list[str] = []
    texts = [text.strip() for text in given.get(name, "").split(",")]
    for number, text in enumerate(filter(None, texts), start=1):
        try:
            base = FhirBase.parse(text)
        except BadBaseError as error:
            # By its place in the list: what is wrong with it may be a password.
            problems.append(f"{PREFIX}{name}: address {number} {error}")
            continue
        if environment == "production" and base.scheme != "https":
            problems.append(f"{PREFIX}{name}: address {number} must be https in production")
        bases.append(base.url)
    return tuple(bases)


def _policy(given: Mapping[str, str], problems: list[str]) -> SitePolicy:
    if "SITE_POLICY" not in given:
        return DEFAULT
    file = Path(given["SITE_POLICY"])
    try:
        return SitePolicy.from_toml(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{PREFIX}SITE_POLICY: {file}: cannot be read ({type(error).__name__})")
    except PolicyError as error:
        problems += [f"{PREFIX}SITE_POLICY: {file}: {problem}" for problem in error.problems]
    return DEFAULT


def _local_codes(given: Mapping[str, str], problems: list[str]) -> LocalCodes:
    if "LOCAL_CODES" not in given:
        return NO_LOCAL_CODES
    file = Path(given["LOCAL_CODES"])
    try:
        return read_local_codes(file.read_text("utf-8-sig"), load_terminology())
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{PREFIX}LOCAL_CODES: {file}: cannot be read ({type(error).__name__})")
    except LocalCodesError as error:
        problems += [f"{PREFIX}LOCAL_CODES: {file}: {problem}" for problem in error.problems]
    return NO_LOCAL_CODES


def _clients(given: Mapping[str, str], environment: str, problems: list[str]) -> tuple[Client, ...]:
    if "CLIENTS" not in given:
        return ()
    if not given.get("PUBLIC_URL") and environment != "production":
        problems.append(
            f"{PREFIX}PUBLIC_URL: required with {PREFIX}CLIENTS, since tokens name the address they are for"
        )
    file = Path(given["CLIENTS"])
    try:
        return read_clients(file.read_text("utf-8-sig"), file.parent, production=environment == "production")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{PREFIX}CLIENTS: {file}: cannot be read ({type(error).__name__})")
    except ClientsError as error:
        problems += [f"{PREFIX}CLIENTS: {file}: {problem}" for problem in error.problems]
    return ()


def _public_url(given: Mapping[str, str], environment: str, problems: list[str]) -> str:
    text = given.get("PUBLIC_URL", "").rstrip("/")
    if not given.get("PUBLIC_URL"):
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or "@" in parts.netloc:
        problems.append(
            f"{PREFIX}PUBLIC_URL: must be an address such as https://cds.example.org, without user or query"
        )
    elif environment == "production" and parts.scheme != "https":
        problems.append(f"{PREFIX}PUBLIC_URL: must be https in production")
    return text


def _database_url(given: Mapping[str, str], problems: list[str]) -> str:
    url = given.get("DATABASE_URL", _EMBEDDED_STORE)
    if (problem := problem_of_url(url)) is not None:
        problems.append(f"{PREFIX}DATABASE_URL: {problem}")
    return url


def _hash_key(given: Mapping[str, str], environment: str, problems: list[str]) -> bytes:
    if "PATIENT_HASH_KEY" not in given:
        return secrets.token_bytes(_SHORTEST_KEY)  # pseudonyms of one start do not match those of the next
    key = given["PATIENT_HASH_KEY"]
    if not key or (environment == "production" and len(key) < _SHORTEST_KEY):
        problems.append(f"{PREFIX}PATIENT_HASH_KEY: must have at least {_SHORTEST_KEY} characters; use random ones")
    return key.encode("utf-8", "surrogateescape")


def _otlp_endpoint(given: Mapping[str, str], problems: list[str]) -> str | None:
    text = given.get("OTLP_ENDPOINT", "")
    if text and not text.startswith(("http://", "https://")):
        problems.append(f"{PREFIX}OTLP_ENDPOINT: must be an address such as http://127.0.0.1:4318/v1/traces")
    return text or None


def _not_fit_for_production(given: Mapping[str, str]) -> list[str]:
    problems = [f"{PREFIX}AS_OF: refused in production"] if "AS_OF" in given else []
    return problems + [
        f"{PREFIX}{name}: required in production" for name in _NEEDED_IN_PRODUCTION if not given.get(name)
    ]
