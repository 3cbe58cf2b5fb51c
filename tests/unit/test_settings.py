"""Settings from the environment: defaults, bad values, and starts that are refused with every reason at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cds_service.errors import ConfigurationError
from cds_service.settings import Settings


def test_without_any_setting_the_defaults_hold() -> None:
    settings = Settings.from_environ({"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings(
        environment="development",
        cors_origins=("*",),
        as_of=None,
        missing_data="status",
        max_body_bytes=32 * 1024 * 1024,
        database_url="sqlite:///var/nelm-cds.db",
        patient_hash_key=settings.patient_hash_key,
        quieter_days=0,
        ignored=(),
    )
    assert settings.patient_hash_key != Settings.from_environ({}).patient_hash_key


def test_every_setting_is_read() -> None:
    settings = Settings.from_environ({
        "NELM_CDS_ENVIRONMENT": "development",
        "NELM_CDS_CORS_ORIGINS": "https://a.example.org, https://b.example.org,",
        "NELM_CDS_AS_OF": "2026-03-02",
        "NELM_CDS_MISSING_DATA": "card",
        "NELM_CDS_MAX_BODY_MB": "2",
    })  # fmt: skip
    assert settings.cors_origins == ("https://a.example.org", "https://b.example.org")
    assert settings.as_of == datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)
    assert settings.missing_data == "card"
    assert settings.max_body_bytes == 2 * 1024 * 1024
    assert not settings.production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("ENVIRONMENT", ""),
        ("MISSING_DATA", "ignore"),
        ("AS_OF", "yesterday"),
        ("AS_OF", "2026-02-30"),
        ("AS_OF", ""),
        ("MAX_BODY_MB", "0"),
        ("MAX_BODY_MB", "1025"),
        ("MAX_BODY_MB", "-1"),
        ("MAX_BODY_MB", "1.5"),
        ("MAX_BODY_MB", ""),
        ("MAX_BODY_MB", "9" * 5000),
        ("FHIR_SERVERS", "ehr.example.org/fhir"),
        ("FHIR_SERVERS", "https://ok.example.org/fhir,https://user:s3cret@ehr.example.org/fhir"),
        ("FHIR_SERVERS", "https://ehr.example.org/fhir?tenant=1"),
        ("FHIR_BUDGET_SECONDS", "0"),
        ("FHIR_BUDGET_SECONDS", "0.05"),
        ("FHIR_BUDGET_SECONDS", "61"),
        ("FHIR_BUDGET_SECONDS", "nan"),
        ("FHIR_BUDGET_SECONDS", "1e1"),
        ("FHIR_BUDGET_SECONDS", ""),
        ("FHIR_REQUEST_SECONDS", "-1"),
        ("FHIR_REQUEST_SECONDS", "3.5"),
        ("PUBLIC_URL", "cds.hospital.example"),
        ("PUBLIC_URL", "https://user@cds.example.org"),
        ("PUBLIC_URL", "https://cds.hospital.example?x=1"),
        ("QUIETER_DAYS", "366"),
        ("QUIETER_DAYS", "-1"),
        ("OTLP_ENDPOINT", "collector:4318"),
        ("PATIENT_HASH_KEY", ""),
        ("MISING_DATA", "card"),
        ("cors_origins", "*"),
    ],
)
def test_a_bad_value_stops_the_start_and_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as stopped:
        Settings.from_environ({f"NELM_CDS_{name}": value})
    (problem,) = stopped.value.problems
    assert problem.startswith(f"NELM_CDS_{name}: ")
    assert len(value) < 4 or value not in problem


def test_the_fhir_servers_and_their_times_are_read() -> None:
    settings = Settings.from_environ({
        "NELM_CDS_FHIR_SERVERS": "HTTPS://EHR.example.org:443/fhir/, http://127.0.0.1:8104/fhir,",
        "NELM_CDS_FHIR_BUDGET_SECONDS": "1.5",
    })  # fmt: skip
    assert settings.fhir_servers == ("https://ehr.example.org/fhir", "http://127.0.0.1:8104/fhir")
    assert (settings.fhir_budget_seconds, settings.fhir_request_seconds) == (1.5, 1.5)
    assert Settings.from_environ({}).fhir_servers == ()


def test_production_lists_no_server_without_tls() -> None:
    servers = "https://ehr.example.org/fhir,http://ehr.example.org/fhir"
    with pytest.raises(ConfigurationError) as stopped:
        Settings.from_environ({"NELM_CDS_ENVIRONMENT": "production", "NELM_CDS_FHIR_SERVERS": servers})
    assert "NELM_CDS_FHIR_SERVERS: address 2 must be https in production" in stopped.value.problems


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as stopped:
        Settings.from_environ({"NELM_CDS_AS_OF": "x", "NELM_CDS_MAX_BODY_MB": "x", "NELM_CDS_TYPO": "x"})
    assert len(stopped.value.problems) == 3
    assert all(problem in str(stopped.value) for problem in stopped.value.problems)


def test_production_is_refused_with_all_that_is_missing() -> None:
    """An open or half-configured service must not pass for a production one."""
    with pytest.raises(ConfigurationError) as stopped:
        Settings.from_environ({"NELM_CDS_ENVIRONMENT": "production", "NELM_CDS_AS_OF": "2026-03-02"})
    named = {problem.partition(":")[0] for problem in stopped.value.problems}
    missing = {"AS_OF", "PUBLIC_URL", "CLIENTS", "DATABASE_URL", "PATIENT_HASH_KEY"}
    assert named == {f"NELM_CDS_{name}" for name in missing}


def test_a_secret_never_stands_in_a_complaint() -> None:
    with pytest.raises(ConfigurationError) as stopped:
        Settings.from_environ({"NELM_CDS_ENVIRONMENT": "production", "NELM_CDS_PATIENT_HASH_KEY": "s3cret-key"})
    assert "s3cret-key" not in str(stopped.value)


def test_a_file_of_clients_that_cannot_be_read_never_leaves_the_service_open(tmp_path: Path) -> None:
    environ = {"NELM_CDS_CLIENTS": str(tmp_path / "none.toml"), "NELM_CDS_PUBLIC_URL": "https://cds.example.org"}
    with pytest.raises(ConfigurationError, match=r"NELM_CDS_CLIENTS: .*none\.toml: cannot be read"):
        Settings.from_environ(environ)


def test_clients_need_the_address_that_their_tokens_are_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="NELM_CDS_PUBLIC_URL: required with NELM_CDS_CLIENTS"):
        Settings.from_environ({"NELM_CDS_CLIENTS": str(tmp_path / "none.toml")})


def test_secrets_stand_in_no_repr() -> None:
    settings = Settings.from_environ({
        "NELM_CDS_PATIENT_HASH_KEY": "s3cret", "NELM_CDS_DATABASE_URL": "postgresql+psycopg://nelm:s3cret@db/nelm",
    })  # fmt: skip
    assert "s3cret" not in repr(settings)


def test_a_production_service_lets_no_browser_in_by_default() -> None:
    """The default is decided before the start is refused; read from the rule itself."""
    from cds_service.settings import _origins

    assert _origins({}, "production") == ()
    assert _origins({}, "development") == ("*",)
    assert _origins({"CORS_ORIGINS": "https://a.example.org"}, "production") == ("https://a.example.org",)
