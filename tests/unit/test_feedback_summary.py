"""`nelm-cds feedback summary`, `migrate` and what `check` and `serve` say of the store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import app
from cds_service.cli import feedback as command
from cds_service.cli.migrate import prepare
from cds_service.settings import Settings
from cds_service.store import Feedback, Reason, Shown, Store
from cds_service.store.migrate import upgrade
from cds_service.store.state import SchemaState
from tests.support.shown import AT, SAID, accepted, overridden, shown

NOWHERE = "postgresql+psycopg://nelm:s3cret@127.0.0.1:1/nelm"  # nobody listens there
LONGEST = "T-ABLATE:extrahepatic_asymptomatic"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "store.db"


def nelm_cds(*arguments: str, store: Path | str) -> Result:
    url = f"sqlite:///{store}" if isinstance(store, Path) else store
    return CliRunner().invoke(app, list(arguments), obj={"NELM_CDS_DATABASE_URL": url})


def keep(file: Path, answers: list[Shown], *said: Feedback) -> None:
    upgrade(f"sqlite:///{file}")

    async def work() -> None:
        async with Store(f"sqlite:///{file}", lambda: AT) as store:
            for answer in answers:
                store.shown(answer)
            await store.feedback("ehr", said, AT)

    asyncio.run(work())


def newer(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


class TestSummary:
    def test_as_a_table(self, file: Path) -> None:
        one, two, three = shown("W-CGA", "W-SRS"), shown("W-CGA"), shown("W-CGA")
        keep(file, [one, two, three], overridden(one, reason=SAID, commented=True), accepted(two))
        result = nelm_cds("feedback", "summary", store=file)
        rows = [line.split() for line in result.stdout.splitlines()]
        assert result.exit_code == 0
        assert ["W-CGA", "3", "1", "1", "1", "1"] in rows
        assert ["W-SRS", "1", "0", "1", "0", "1"] in rows
        assert result.stdout.startswith("Shown: 3 cards in 3 answers, 2026-05-04 to 2026-05-04\n")
        assert "not on record" not in result.output

    def test_a_table_shows_every_code_and_reason_whole_at_80_columns(self, file: Path) -> None:
        answer = shown(LONGEST)
        keep(file, [answer], overridden(answer, reason=SAID))
        told = nelm_cds("feedback", "summary", store=file).stdout
        joined = "".join(told.split())
        assert max(map(len, told.splitlines())) <= 80
        assert joined.count(LONGEST) == 2
        assert "team-decided)" in joined
        assert "…" not in told

    def test_as_comma_separated_values(self, file: Path) -> None:
        one, two = shown("W-CGA"), shown("W-CGA")
        hostile = Reason("=cmd", '1","x\n', "=HYPERLINK()")
        keep(file, [one, two], overridden(one, reason=hostile), overridden(two), overridden(shown("W-CGA")))
        result = nelm_cds("feedback", "summary", "--csv", store=file)
        header, row = csv.reader(io.StringIO(result.stdout))
        assert header == ["code", "shown", "accepted", "overridden", "without_feedback", "commented", "reasons"]
        assert row[:6] == ["W-CGA", "2", "0", "2", "0", "0"]
        assert sorted(row[6].split("; ")) == ['1 x =HYPERLINK() (=cmd|1","x )', "1 x no reason"]
        assert "not on record here: 1." in result.stderr

    def test_as_json(self, file: Path) -> None:
        answer = shown("W-CGA")
        keep(file, [answer], overridden(answer, reason=SAID), overridden(shown("W-CGA")))
        told = json.loads(nelm_cds("feedback", "summary", "--json", store=file).stdout)
        assert (told["answers"], told["cards"], told["unknown_cards"]) == (1, 1, 1)
        assert told["first_shown"] == told["last_shown"] == "2026-05-04T09:30:00+00:00"
        assert told["recommendations"] == [
            {
                "code": "W-CGA", "shown": 1, "accepted": 0, "overridden": 1, "without_feedback": 0, "commented": 0,
                "reasons": {f"{SAID.display} ({SAID.system}|{SAID.code})": 1},
            }
        ]  # fmt: skip

    def test_a_reason_without_its_display_is_the_same_reason(self, file: Path) -> None:
        answers = [shown("W-CGA") for _ in range(4)]
        bare = Reason(SAID.system, SAID.code, None)
        said = [
            overridden(answers[0], reason=bare),
            overridden(answers[1], reason=SAID),
            overridden(answers[2], reason=Reason("other", SAID.code, None)),
            overridden(answers[3], reason=Reason("other", None, "in words alone")),
        ]
        keep(file, answers, *said)
        (row,) = json.loads(nelm_cds("feedback", "summary", "--json", store=file).stdout)["recommendations"]
        named = f"{SAID.display} ({SAID.system}|{SAID.code})"
        assert row["reasons"] == {named: 2, f"other|{SAID.code}": 1, "in words alone": 1}

    def test_feedback_that_came_before_its_card_is_recorded_counts(self, file: Path) -> None:
        answer = shown("W-CGA")
        keep(file, [], accepted(answer))
        assert json.loads(nelm_cds("feedback", "summary", "--json", store=file).stdout)["unknown_cards"] == 1
        keep(file, [answer])
        told = json.loads(nelm_cds("feedback", "summary", "--json", store=file).stdout)
        assert (told["unknown_cards"], told["recommendations"][0]["accepted"]) == (0, 1)

    def test_since_a_day(self, file: Path) -> None:
        keep(file, [shown("W-CGA"), shown("W-CGA", at=AT + timedelta(days=2))])
        for since, cards in (("2026-05-04", 2), ("2026-05-05", 1), ("2026-06", 0)):
            result = nelm_cds("feedback", "summary", "--json", "--since", since, store=file)
            assert json.loads(result.stdout)["cards"] == cards

    def test_nothing_shown_yet(self, file: Path) -> None:
        upgrade(f"sqlite:///{file}")
        result = nelm_cds("feedback", "summary", store=file)
        assert (result.exit_code, result.stdout) == (0, "No card with a recommendation was recorded yet.\n")

    def test_characters_that_command_a_terminal_are_not_printed(self, file: Path) -> None:
        answer = shown("W-CGA")
        keep(file, [answer], overridden(answer, reason=Reason("s", "\x1b[2Jcode", "\u202eright to left")))
        for form in ([], ["--csv"]):
            told = nelm_cds("feedback", "summary", *form, store=file).stdout
            assert "[2Jcode" in told
            assert not {"\x1b", "\u202e"} & set(told)

    @pytest.mark.parametrize("options", [("--csv", "--json"), ("--since", "yesterday"), ("--since", "")], ids=" ".join)
    def test_wrong_use_ends_with_2(self, file: Path, options: tuple[str, ...]) -> None:
        assert nelm_cds("feedback", "summary", *options, store=file).exit_code == 2

    def test_without_a_store_it_says_so_and_makes_none(self, file: Path) -> None:
        result = nelm_cds("feedback", "summary", "--json", store=file)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "there is no store at NELM_CDS_DATABASE_URL yet: `nelm-cds migrate` makes it" in result.stderr
        assert not file.parent.exists()

    def test_a_store_of_a_newer_version_is_not_read(self, file: Path) -> None:
        newer(file)
        result = nelm_cds("feedback", "summary", store=file)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "is of a newer version" in result.stderr

    def test_a_database_that_does_not_answer(self) -> None:
        result = nelm_cds("feedback", "summary", store=NOWHERE)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "does not answer, or refuses" in result.stderr
        assert "s3cret" not in result.output

    def test_a_database_that_goes_away_in_between(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between the question for its schema and the one for the summary."""
        file.mkdir(parents=True)
        monkeypatch.setattr(command, "state", lambda url: SchemaState.CURRENT)
        result = nelm_cds("feedback", "summary", store=file)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "does not answer, or refuses" in result.stderr


class TestMigrate:
    def test_it_says_from_what_to_what(self, file: Path) -> None:
        assert nelm_cds("migrate", store=file).stdout == "schema from an empty database to 0001\n"
        assert nelm_cds("migrate", store=file).stdout == "schema already at 0001\n"

    def test_a_newer_schema_is_left_alone(self, file: Path) -> None:
        newer(file)
        result = nelm_cds("migrate", store=file)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "of a newer version of nelm-cds; nothing was changed" in result.stderr

    def test_a_database_that_does_not_answer(self) -> None:
        result = nelm_cds("migrate", store=NOWHERE)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "does not answer, or refuses" in result.stderr


class TestReadyToServe:
    def ready(self, url: str) -> str | None:
        return prepare(Settings(database_url=url))

    def test_sqlite_is_made(self, file: Path) -> None:
        assert self.ready(f"sqlite:///{file}") is None
        assert file.exists()

    def test_a_store_of_a_newer_version_stops_the_start(self, file: Path) -> None:
        newer(file)
        assert "of a newer version" in (self.ready(f"sqlite:///{file}") or "")

    def test_a_file_that_cannot_be_made_stops_the_start(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "cannot be made or migrated" in (self.ready(f"sqlite:///{tmp_path / 'file' / 'store.db'}") or "")

    def test_a_server_that_does_not_answer_stops_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.ready(NOWHERE) is None
        assert "serving without it for now" in capsys.readouterr().err

    def test_without_a_store(self) -> None:
        assert prepare(Settings()) is None


class TestCheck:
    def told(self, store: Path | str) -> tuple[int, str, str]:
        """How it ends, what it says of the store, and what is wrong."""
        result = nelm_cds("check", store=store)
        sections = result.stdout.split("\n\n")
        of_store = next(section for section in sections if section.startswith("Store\n"))
        return result.exit_code, " ".join(of_store.split()[2:]), " ".join(sections[-1].split()[4:])

    def test_a_store_in_order(self, file: Path) -> None:
        upgrade(f"sqlite:///{file}")
        assert self.told(file) == (0, "answers, with the schema of this version", "nothing")

    def test_a_file_that_is_still_to_be_made(self, file: Path) -> None:
        assert self.told(file) == (
            0,
            "made, or brought to the schema of this version, when the service starts",
            "nothing",
        )
        assert not file.parent.exists()

    def test_a_store_of_a_newer_version_is_wrong(self, file: Path) -> None:
        newer(file)
        newer_version = "the store at NELM_CDS_DATABASE_URL is of a newer version of nelm-cds"
        assert self.told(file) == (2, newer_version, newer_version)

    def test_a_file_that_is_no_database_is_wrong(self, tmp_path: Path) -> None:
        letter = tmp_path / "letter.txt"
        letter.write_text("no database, " * 100, "utf-8")
        silent = "the database of NELM_CDS_DATABASE_URL does not answer, or refuses"
        assert self.told(letter) == (2, silent, silent)

    def test_a_server_that_does_not_answer_is_told_and_stops_nothing(self) -> None:
        silent = "the database of NELM_CDS_DATABASE_URL does not answer, or refuses; the service starts without it"
        assert self.told(NOWHERE) == (0, silent, "nothing")
