"""`nelm-cds check`: what is configured and what is wrong, plain, and without a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import app
from fhir_mappings.terminology import load_terminology

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "local-codes.json"


def check(**settings: str) -> Result:
    return CliRunner().invoke(app, ["check"], obj={f"NELM_CDS_{name}": value for name, value in settings.items()})


def flat(result: Result) -> str:
    """The report on one line: where it breaks a line is not what a case is about."""
    return " ".join(result.stdout.split())


def test_without_settings_all_is_well() -> None:
    result = check()
    assert result.exit_code == 0
    assert result.stdout.endswith("What is wrong\n-------------\n  nothing\n")
    assert "NELM_CDS_MISSING_DATA status (default)" in flat(result)
    assert "NELM_CDS_LOCAL_CODES not set" in flat(result)


def test_every_setting_is_listed() -> None:
    source = (ROOT / "cds_service" / "settings.py").read_text("utf-8")
    names = set(re.findall(r'"([A-Z][A-Z_]{3,})"', source)) - {"NELM_CDS_"}
    names = {name for name in names if "no setting of this name" not in check(**{name: ""}).stdout}
    assert len(names) > 10
    assert all(f"NELM_CDS_{name} " in check().stdout for name in names)


def test_a_setting_is_shown_as_it_is_in_force() -> None:
    result = check(MAX_BODY_MB="2", AS_OF="2026-03-02")
    assert "NELM_CDS_MAX_BODY_MB 2 NELM_CDS" in flat(result)
    assert "NELM_CDS_AS_OF 2026-03-02" in flat(result)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("PATIENT_HASH_KEY", "s3cret", "set"),
        ("DATABASE_URL", "postgresql+psycopg://nelm:s3cret@db/nelm", "postgresql+psycopg://nelm:***@db/nelm"),
        ("DATABASE_URL", "postgresql://nelm:a@s3cret/x@db/nelm", "postgresql://nelm:***@db/nelm"),
        ("DATABASE_URL", "postgresql://db/n?user=a&password=s3cret&x=1", "postgresql://db/n?user=a&password=***&x=1"),
        ("DATABASE_URL", "sqlite:///var/nelm.db", "sqlite:///var/nelm.db"),
        ("PUBLIC_URL", "https://a:s3cret@cds.example.org", "https://a:***@cds.example.org"),
        ("PATIENT_HASH_KY", "s3cret", "no setting of this name"),
    ],
)
def test_a_secret_is_never_shown(name: str, value: str, shown: str) -> None:
    result = check(**{name: value})
    assert "s3cret" not in result.output
    assert shown in flat(result)


def test_every_problem_is_named_and_ends_with_2() -> None:
    result = check(AS_OF="x", MAX_BODY_MB="x", LOCAL_CODES="nowhere.json")
    assert result.exit_code == 2
    wrong = flat(result).partition("What is wrong")[2]
    assert all(f"NELM_CDS_{name}: " in wrong for name in ("AS_OF", "MAX_BODY_MB", "LOCAL_CODES"))
    assert "Traceback" not in result.output


def test_every_value_set_is_listed_with_its_size_and_licence() -> None:
    result = check()
    for entry in load_terminology().value_sets():
        row = re.search(rf"^ +{entry.count}  \[(\d+)\] +{re.escape(entry.title)}$", result.stdout, re.MULTILINE)
        assert row is not None, entry.title
        assert f"[{row[1]}] {entry.licence}" in flat(result)


def test_local_codes_are_listed_with_what_is_ignored_and_why() -> None:
    result = check(LOCAL_CODES=str(EXAMPLE))
    lab = "https://hospital.example.org/fhir/CodeSystem/laboratory"
    assert result.exit_code == 0
    assert f"{lab}|5HT-PLT Serotonin in platelets is http://loinc.org|42671-8 (platelet-serotonin)" in flat(result)
    assert f"ignored: {lab}|5HT: 'wider' is not equivalent" in flat(result)
    assert "Local codes ----------- none" in flat(check())


def test_what_the_site_sets_differently_is_listed(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("transplant_age_limit = 60\n", "utf-8")
    assert "transplant_age_limit = 60" in flat(check(SITE_POLICY=str(policy)))


def test_it_is_plain_text_of_80_columns() -> None:
    long = "https://" + "a" * 120 + ".example.org"
    for result in (check(LOCAL_CODES=str(EXAMPLE), PUBLIC_URL=long), check(LOCAL_CODES="x" * 200)):
        assert max(map(len, result.stdout.splitlines())) <= 80
        assert "\x1b" not in result.stdout
