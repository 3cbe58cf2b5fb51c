"""Every setting of the service, in one home: NELM_CDS_* variables of a mapping that is passed in.

A bad value, or a combination that is not safe, stops the start and names every problem at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cds_service.errors import ConfigurationError
from cds_service.fhir_base import BadBaseError, FhirBase
from cds_service.guidelines.nelm_2006.policy import DEFAULT, PolicyError, SitePolicy
from fhir_mappings.dates import parse_date
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodes, LocalCodesError, read_local_codes
from fhir_mappings.terminology import load_terminology

PREFIX = "NELM_CDS_"

# Names that other versions know. Ignoring one of the first kind would leave the service open.
_REFUSED = {
    "CLIENTS": "this version cannot authenticate callers yet",
}
_SECONDS = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3})?")
_MEGABYTES = re.compile(r"[0-9]{1,4}")
_WITHOUT_EFFECT = frozenset({"PUBLIC_URL", "DATABASE_URL", "PATIENT_HASH_KEY"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked.

    environment: `development` or `production`. cors_origins: origins that may call from a browser, `*` for any.
    as_of: fixed date (development only). missing_data: `status` (412) or `card`. max_body_bytes: largest request body
    that is read. policy: what the site sets differently from our defaults. local_codes: the codes of its own.
    fhir_servers: the FHIR bases that may be read from, within fhir_budget_seconds for a call and fhir_request_seconds
    for a request.
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
    ignored: tuple[str, ...] = ()

    @property
    def production(self) -> bool:
        """Whether this is a production service, where nothing of a test may be switched on."""
        return self.environment == "production"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings; raises ConfigurationError naming every problem."""
        given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        problems = [f"{PREFIX}{name}: {why}" for name, why in _REFUSED.items() if name in given]
        known = {"ENVIRONMENT", "CORS_ORIGINS", "AS_OF", "MISSING_DATA", "MAX_BODY_MB", "SITE_POLICY", "LOCAL_CODES"}
        known |= {"FHIR_SERVERS", "FHIR_BUDGET_SECONDS", "FHIR_REQUEST_SECONDS"}
        unknown = sorted(set(given) - known - _WITHOUT_EFFECT - set(_REFUSED))
        problems += [f"{PREFIX}{name}: no setting of this name" for name in unknown]
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
            max_body_bytes=_megabytes(given, problems) * 1024 * 1024,
            policy=_policy(given, problems),
            local_codes=_local_codes(given, problems),
            fhir_servers=_fhir_servers(given, environment, problems),
            fhir_budget_seconds=budget,
            # A budget that is set shorter than our default for a request shortens that too.
            fhir_request_seconds=_seconds(given, "FHIR_REQUEST_SECONDS", min(2.5, budget), problems),
            ignored=tuple(f"{PREFIX}{name}" for name in sorted(_WITHOUT_EFFECT & set(given))),
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


def _megabytes(given: Mapping[str, str], problems: list[str]) -> int:
    text = given.get("MAX_BODY_MB", "32")
    if not _MEGABYTES.fullmatch(text) or not 1 <= int(text) <= 1024:
        problems.append(f"{PREFIX}MAX_BODY_MB: must be a whole number from 1 to 1024")
        return 32
    return int(text)


def _seconds(given: Mapping[str, str], name: str, default: float, problems: list[str]) -> float:
    text = given.get(name, str(default))
    if not _SECONDS.fullmatch(text) or not 0.1 <= float(text) <= 60:
        problems.append(f"{PREFIX}{name}: must be a number of seconds from 0.1 to 60")
        return default
    return float(text)


def _fhir_servers(given: Mapping[str, str], environment: str, problems: list[str]) -> tuple[str, ...]:
    bases: list[str] = []
    texts = [text.strip() for text in given.get("FHIR_SERVERS", "").split(",")]
    for number, text in enumerate(filter(None, texts), start=1):
        try:
            base = FhirBase.parse(text)
        except BadBaseError as error:
            # By its place in the list: what is wrong with it may be a password.
            problems.append(f"{PREFIX}FHIR_SERVERS: address {number} {error}")
            continue
        if environment == "production" and base.scheme != "https":
            problems.append(f"{PREFIX}FHIR_SERVERS: address {number} must be https in production")
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


def _not_fit_for_production(given: Mapping[str, str]) -> list[str]:
    problems = [f"{PREFIX}AS_OF: refused in production"] if "AS_OF" in given else []
    # Said although this version refuses production anyway: who prepares one sees at once all that it will need.
    problems += [
        f"{PREFIX}{name}: required in production"
        for name in ("PUBLIC_URL", "CLIENTS", "DATABASE_URL", "PATIENT_HASH_KEY")
        if name not in given
    ]
    problems.append(f"{PREFIX}ENVIRONMENT=production: refused, because this version cannot authenticate callers yet")
    return problems
