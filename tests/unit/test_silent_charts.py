"""A chart that gets no card: the account of it says by which rule of scope."""

from __future__ import annotations

import pytest

from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.intake.account import account
from fhir_mappings.select import Chart
from tests.support.charts import NELM, PATIENT, Json, assessed, chart, condition


def silent(found: Chart) -> str | None:
    return account(found, read_chart(found)).silent


SILENT: dict[str, tuple[list[Json], str]] = {
    "neither": ([condition("icd:E11.9")], "no neuroendocrine tumour and no liver metastases recorded"),
    "no liver": ([condition("icd:C7A.012")], "no liver metastases recorded"),
    "another primary": ([condition("icd:C78.7"), condition("icd:C18.7", id="colon")],
                        "liver metastases with another primary"),
    "resolved": ([condition("icd:C7B.02", clinical="resolved")], "liver metastases recorded as resolved"),
    "said so": ([NELM, assessed("nelm-histology", False)], "recorded: the liver metastases are not neuroendocrine"),
}  # fmt: skip


@pytest.mark.parametrize(("resources", "rule"), SILENT.values(), ids=SILENT)
def test_a_silent_chart_says_which_rule_of_scope_made_it_so(resources: list[Json], rule: str) -> None:
    assert (silent(chart(*resources)) or "").startswith(rule)


def test_the_chart_of_a_patient_who_has_died_is_silent() -> None:
    assert silent(chart(NELM, patient={**PATIENT, "deceasedBoolean": True})) == "the patient has died"


def test_a_chart_in_scope_is_not_silent() -> None:
    assert silent(chart(NELM)) is None
