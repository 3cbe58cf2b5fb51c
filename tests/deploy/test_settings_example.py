"""The example of the settings: complete, explained, safe as it stands, and good once a site has filled it in."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from cds_service.cli.compare import read_settings_file
from cds_service.errors import ConfigurationError
from cds_service.settings import _KNOWN, PREFIX, Settings
from tests.support.signing import make_key, public

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "settings.example.env"
LINES = EXAMPLE.read_text("utf-8").splitlines()
SETTING = re.compile(r"(#?)([A-Z][A-Z_]+)=(.*)")
REFUSED_IN_PRODUCTION = f"{PREFIX}AS_OF"


def given(*, uncommented: bool) -> dict[str, str]:
    """The settings of the example, with those that are commented out or without."""
    matches = [match for line in LINES if (match := SETTING.fullmatch(line))]
    return {name: value for mark, name, value in (match.groups() for match in matches) if uncommented or not mark}


def test_it_has_every_setting_once_and_the_document_has_the_same() -> None:
    named = [
        name for line in LINES if (match := SETTING.fullmatch(line)) for name in [match[2]] if name.startswith(PREFIX)
    ]
    table = re.findall(
        r"^\| `(NELM_CDS_\w+)` \|", (ROOT / "docs" / "configuration.md").read_text("utf-8"), re.MULTILINE
    )
    known = sorted(f"{PREFIX}{name}" for name in _KNOWN)
    assert sorted(named) == known
    assert sorted(table) == known


def test_every_setting_is_explained_in_the_line_above_it() -> None:
    unexplained = [
        line for above, line in pairwise(LINES)
        if SETTING.fullmatch(line) and (not above.startswith("# ") or above.startswith("# ---"))
    ]  # fmt: skip
    assert unexplained == []


@pytest.mark.parametrize("name", sorted(given(uncommented=True)))
def test_a_value_means_the_same_to_systemd_compose_and_the_shell_of_nobody(name: str) -> None:
    """They differ in what quotes, dollars, backslashes, hashes and blanks at the ends mean."""
    value = given(uncommented=True)[name]
    assert not set(value) & set("\"'`$#\\")
    assert value == value.strip()


def test_as_it_stands_it_starts_nothing_and_names_what_is_the_sites_to_fill_in() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environ(given(uncommented=False))
    assert {problem.split(":")[0] for problem in refused.value.problems} == {
        f"{PREFIX}CLIENTS",
        f"{PREFIX}PATIENT_HASH_KEY",
    }


def filled_in(folder: Path) -> dict[str, str]:
    """All of it as a site fills it in, the files it names beside each other in a folder."""
    (folder / "ehr.jwks.json").write_text(json.dumps(public(make_key())), "utf-8")
    (folder / "clients.toml").write_text(
        '[[client]]\nname = "ehr"\niss = "https://ehr.example.org"\njwks_file = "ehr.jwks.json"\n', "utf-8"
    )
    (folder / "site-policy.toml").write_text("ablation_limit_cm = 3\n", "utf-8")
    shutil.copy(ROOT / "docs" / "examples" / "local-codes.json", folder)
    settings = {name: value.replace("/etc/nelm-cds", str(folder)) for name, value in given(uncommented=True).items()}
    settings[f"{PREFIX}PATIENT_HASH_KEY"] = "0123456789abcdef" * 4
    return settings


def test_filled_in_it_is_accepted_whole_in_production(tmp_path: Path) -> None:
    settings = filled_in(tmp_path)
    del settings[REFUSED_IN_PRODUCTION]
    read = Settings.from_environ(settings)
    assert read.production
    assert [client.name for client in read.clients] == ["ehr"]
    assert read.policy.ablation_limit_cm == 3
    assert read.public_url == "https://cds.example.org"
    assert read.database_url == "sqlite:////var/lib/nelm-cds/store.db"
    assert read.smart_scope == "launch patient/*.rs"
    assert read.cors_origins == ("https://ehr.example.org",)


def test_what_is_commented_out_is_the_default(tmp_path: Path) -> None:
    """Except for what names a place of the site's, which there is none of by default."""
    told = filled_in(tmp_path)
    plain = {name: told[name] for name in given(uncommented=False)}
    limits = ("MISSING_DATA", "QUIETER_DAYS", "FHIR_BUDGET_SECONDS", "FHIR_REQUEST_SECONDS", "MAX_BODY_MB")
    limited = Settings.from_environ(plain | {f"{PREFIX}{name}": told[f"{PREFIX}{name}"] for name in limits})
    assert limited == Settings.from_environ(plain)


def test_only_what_is_for_development_is_refused_in_production(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environ(filled_in(tmp_path))
    assert refused.value.problems == (f"{REFUSED_IN_PRODUCTION}: refused in production",)


def test_our_own_reader_of_such_files_reads_it() -> None:
    assert set(read_settings_file(EXAMPLE)) == set(given(uncommented=False))
