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
from cds_service.guidelines.nelm_2006.policy import DEFAULT, PolicyError, SitePolicy
from fhir_mappings.dates import parse_date

PREFIX = "NELM_CDS_"

# Names that other versions know. Ignoring one of the first kind would leave the service open, or a site's codes unread.
_REFUSED = {
    "CLIENTS": "this version cannot authenticate callers yet",
    "LOCAL_CODES": "this version does not read local codes yet",
}
_MEGABYTES = re.compile(r"[0-9]{1,4}")
_WITHOUT_EFFECT = frozenset({"PUBLIC_URL", "FHIR_SERVERS", "DATABASE_URL", "PATIENT_HASH_KEY"})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked.

    environment: `development` or `production`. cors_origins: origins that may call from a browser, `*` for any.
    as_of: fixed date (development only). missing_data: `status` (412) or `card`. max_body_bytes: largest request body
    that is read. policy: what the site sets differently from our defaults.
    """

    environment: str = "development"
    cors_origins: tuple[str, ...] = ("*",)
    as_of: datetime | None = None
    missing_data: str = "status"
    max_body_bytes: int = 32 * 1024 * 1024
    policy: SitePolicy = DEFAULT
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
        known = {"ENVIRONMENT", "CORS_ORIGINS", "AS_OF", "MISSING_DATA", "MAX_BODY_MB", "SITE_POLICY"}
        unknown = sorted(set(given) - known - _WITHOUT_EFFECT - set(_REFUSED))
        problems += [f"{PREFIX}{name}: no setting of this name" for name in unknown]
        environment = _one_of(given, "ENVIRONMENT", ("development", "production"), problems)
        as_of = _as_of(given, problems)
        if environment == "production":
            problems += _not_fit_for_production(given)
        settings = cls(
            environment=environment,
            cors_origins=_origins(given, environment),
            as_of=as_of,
            missing_data=_one_of(given, "MISSING_DATA", ("status", "card"), problems),
            max_body_bytes=_megabytes(given, problems) * 1024 * 1024,
            policy=_policy(given, problems),
            ignored=tuple(f"{PREFIX}{name}" for name in sorted(_WITHOUT_EFFECT & set(given))),
        )
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


def _policy(given: Mapping[str, str], problems: list[str]) -> SitePolicy:
    if "SITE_POLICY" not in given:
        return DEFAULT
    file = Path(given["SITE_POLICY"])
    try:
        return SitePolicy.from_toml(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{PREFIX}SITE_POLICY: {file}: cannot be read ({type(error).__name__})")
    except PolicyError as error:
        problems += [f"{PREFIX}SITE_POLICY: {file}: {problem}" for problem in error.problems]
    return DEFAULT


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
