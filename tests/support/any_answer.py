"""Any answer the service can give: any patient, from any records, with anything at all beside the needs.

Text from a chart is as long and as hostile as it gets; it holds none of the words that the cards themselves must avoid.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from cds_service.decide import patient_line
from cds_service.guidelines.nelm_2006.intake.medicines import Caution, Found, InProgress, Medicines
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.policy import DEFAULT, OPTIONS, SitePolicy
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown
from fhir_mappings.not_understood import NotUnderstood
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Direction, Result, Trend, WhyNot
from fhir_mappings.wire import Name, Resource
from tests.support.answers import ALL_READ, Answer, Beside, answer_to
from tests.support.any_patient import charts
from tests.support.facts import needs

HOSTILE = (
    None,
    "93 days old",
    "hint only: Hypoglycaemia, unspecified",
    "highest of 3 results",
    "<b>& *x* [y](z) " * 4,
    "x" * 90,
    "&" * 60,
    "| a | b |\n|---|---|\n# one\n- two\n> three ``` ",
    "Ünïcödé \u202e reversed \u2028 line " * 3,
)
KEYS = (
    "observations", "imaging", "procedures", "medicationRequests", "medicationStatements", "diagnosticReports",
    "questionnaireResponses",
)  # fmt: skip
FOUND_BESIDE = ("urinary 5-HIAA", "serotonin in another specimen than platelets", "Ki-67 without a percentage")
MUCH_GIVEN = Medicines(
    in_progress=(
        InProgress("T-MIBG", "131I-MIBG", "2025-11-20", "MedicationAdministration", Source("X/1", "2026-01-20")),
        InProgress("T-OCT", "lanreotide", "2025-03-01", "MedicationStatement", Source("X/2", "2026-01-15")),
        InProgress("T-PRRT", "177Lu or 90Y analogue", "2025-11-20", "Procedure", Source("X/3", "2026-01-20")),
    ),
    cautions=(
        Caution("F-CGA", "<b>& *x* [y](z) " * 4, Source("X/4", "2026-02-10")),
        Caution("F-SEROT", "x" * 90, Source("X/5")),
    ),
    read=True,
)
MUCH_UNCLEAR = Medicines(
    found=tuple(
        Found(code, f"{drug} ({why})", Source("X/1", "2026-02-20"))
        for code, drug in (
            ("T-OCT", "octreotide"),
            ("T-OCT", "lanreotide"),
            ("T-MIBG", "131I-MIBG"),
            ("T-PRRT", "177Lu or 90Y analogue"),
            ("T-IFN", "interferon alfa"),
        )
        for why in ("by name only", "given, day too vague", "purpose unknown")
    ),
    cautions=MUCH_GIVEN.cautions[:1],
    read=True,
)
TAKEN = (ALL_READ, ALL_READ, Medicines(), MUCH_GIVEN, MUCH_UNCLEAR, Medicines(MUCH_GIVEN.in_progress[1:2], read=True))
POLICIES = (
    DEFAULT,
    DEFAULT,
    SitePolicy(transplant_age_limit=Decimal(60)),
    SitePolicy(
        transplant_age_limit=Decimal(65), imaging_counts_days=Decimal(90), symptoms_count_days=Decimal(60),
    ),
    SitePolicy(switched_off=("T-OCT", "T-EMBO", "T-ABLATE")), SitePolicy(switched_off=tuple(sorted(OPTIONS))),
)  # fmt: skip
_RESULTS = tuple(
    Result(f"{value} <b>*nmol*/L " * 3, "25587-7", "nmol/L", None, None, value > 4, Source("Observation/1", day))
    for value, day in ((10, "2026-01-10"), (4, "2025-06-02"))
)
COURSES = (
    *(Trend(Concept.CHROMOGRANIN_A, _RESULTS, direction, other=_RESULTS[1]) for direction in Direction),
    *(Trend(Concept.PLATELET_SEROTONIN, _RESULTS, Direction.NOT_COMPARABLE, why, _RESULTS[1]) for why in WhyNot),
    Trend(Concept.CHROMOGRANIN_A, _RESULTS[:1], Direction.NOT_COMPARABLE, WhyNot.ONE_RESULT),
)
REASONS_UNKNOWN = tuple(why for why in WhyUnknown if why is not WhyUnknown.NOT_RETRIEVED)


def besides() -> st.SearchStrategy[Beside]:
    """What may stand in a chart beside the needs."""
    name = st.sampled_from(("Ada Example", "<i>&</i>" * 40, "W" * 300, ""))
    labels = st.lists(st.sampled_from([text for text in HOSTILE if text]), max_size=3)
    found = st.lists(st.sampled_from(FOUND_BESIDE), max_size=3, unique=True)
    return st.builds(
        Beside,
        histology_from_codes=st.booleans(),
        other_malignancies=labels.map(tuple),
        beside=found.map(lambda names: tuple((n, Source("Observation/1", "2026-01-05")) for n in names)),
        set_aside=st.sampled_from(
            ("", "2 records of another patient, 1 record with a modifier that is not understood")
        ),
        unread_keys=st.lists(st.sampled_from(KEYS), max_size=7, unique=True).map(tuple),
        patient_line=name.map(_line),
        medicines=st.sampled_from(TAKEN),
        not_understood=labels.map(
            lambda names: tuple(NotUnderstood(n, Source("Observation/1", "2026-01-05")) for n in names)
        ),
        new_edition_since=st.sampled_from((None, "2026-02-20")),
        earlier_crisis=st.sampled_from((None, "2024-05-17", "an unknown date")),
        trends=st.lists(st.sampled_from(COURSES), max_size=2).map(tuple),
    )


def _line(name: str) -> str:
    named = [Name(text=name)] if name else None
    return patient_line(Resource(resourceType="Patient", id="p" * 64, birthDate="1967-03-02", name=named))


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Any answer; the same chart gives the same one."""
    read = replace(needs(draw(charts())), policy=draw(st.sampled_from(POLICIES)))
    return answer_to(_from_records(read, draw(st.integers(0, 2**16))), draw(besides()))


def _from_records(read: Needs, seed: int) -> Needs:
    """The same needs with dates and remarks, and unknown for any reason there is."""
    chosen = random.Random(seed)  # noqa: S311 - one draw for sixty small choices keeps the examples cheap
    changed: dict[str, Any] = {name: _recorded(fact, chosen) for name, fact in read.facts()}
    return replace(read, **changed)


def _recorded(fact: Fact[Any], chosen: random.Random) -> Fact[Any]:
    day = (date(2026, 1, 1) + timedelta(days=chosen.randrange(90))).isoformat()
    sources = chosen.choice(((), (Source("Observation/1"),), (Source("Observation/1", day),)))
    note = chosen.choice(HOSTILE)
    if isinstance(fact, Unknown):
        why = fact.why if fact.why is WhyUnknown.NOT_RETRIEVED else chosen.choice(REASONS_UNKNOWN)
        return Unknown(why, sources, note)
    return Known(fact.value, sources, note)
