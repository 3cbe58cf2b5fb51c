"""The charts that are measured: a story of the tests filled up with laboratory results, written as servers write them.

Results come in the proportions of a laboratory: of 30 tests in turn the protocol reads three, albumin, bilirubin and
INR. That costs: those are decoded and not passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from tests.support.stories import story

# Test, LOINC, unit, and a low and a high normal value.
_TESTS = (
    ("Sodium", "2951-2", "mmol/L", 136, 145),
    ("Potassium", "2823-3", "mmol/L", 3.5, 5.1),
    ("Chloride", "2075-0", "mmol/L", 98, 107),
    ("Bicarbonate", "1963-8", "mmol/L", 22, 29),
    ("Urea nitrogen", "3094-0", "mg/dL", 7, 20),
    ("Creatinine", "2160-0", "mg/dL", 0.6, 1.2),
    ("Glucose", "2345-7", "mg/dL", 70, 99),
    ("Calcium", "17861-6", "mg/dL", 8.6, 10.3),
    ("Protein", "2885-2", "g/dL", 6.0, 8.3),
    ("Albumin", "1751-7", "g/dL", 3.5, 5.2),
    ("Bilirubin.total", "1975-2", "mg/dL", 0.2, 1.2),
    ("Alkaline phosphatase", "6768-6", "U/L", 44, 147),
    ("Alanine aminotransferase", "1742-6", "U/L", 7, 40),
    ("Aspartate aminotransferase", "1920-8", "U/L", 8, 40),
    ("Gamma glutamyl transferase", "2324-2", "U/L", 8, 61),
    ("Lactate dehydrogenase", "2532-0", "U/L", 140, 280),
    ("C reactive protein", "1988-5", "mg/L", 0, 8),
    ("Leukocytes", "6690-2", "10*3/uL", 4.5, 11.0),
    ("Erythrocytes", "789-8", "10*6/uL", 4.2, 5.9),
    ("Hemoglobin", "718-7", "g/dL", 12.0, 17.5),
    ("Hematocrit", "4544-3", "%", 36, 53),
    ("Mean corpuscular volume", "787-2", "fL", 80, 100),
    ("Platelets", "777-3", "10*3/uL", 150, 400),
    ("Neutrophils", "751-8", "10*3/uL", 1.8, 7.7),
    ("Lymphocytes", "731-0", "10*3/uL", 1.0, 4.8),
    ("INR", "6301-6", "{INR}", 0.9, 1.1),
    ("Cholesterol", "2093-3", "mg/dL", 125, 200),
    ("Triglyceride", "2571-8", "mg/dL", 40, 150),
    ("Thyrotropin", "3016-3", "m[IU]/L", 0.4, 4.5),
    ("Hemoglobin A1c", "4548-4", "%", 4.0, 5.6),
)
_LATEST = datetime(2026, 2, 20, 7, 30, tzinfo=UTC)
_IN_SCOPE, _OUT_OF_SCOPE = "resectable", "out-of-scope-diabetic"
# What decides that the metastasis is to be resected; the rest of that chart makes no difference.
_DECISIVE = frozenset({
    "nelm-histology", "ki67", "sstr-uptake", "extrahepatic-disease", "lesion-count", "largest-lesion-diameter",
    "radical-resection-possible", "remnant-adequate", "carcinoid-syndrome", "ct-report",
})  # fmt: skip


@dataclass(frozen=True)
class Scenario:
    """A chart by its size and by whether the service has something to say about it."""

    resources: int
    in_scope: bool

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.resources:,} resources, {'in' if self.in_scope else 'out of'} scope"

    def body(self) -> bytes:
        """The hook's request as it is posted; made once."""
        return _body(self.resources, self.in_scope)

    def of_another_patient(self, number: int) -> bytes:
        """The same chart under another patient's id and in a call of its own."""
        request = story(_IN_SCOPE if self.in_scope else _OUT_OF_SCOPE).request
        patient, instance = request["context"]["patientId"].encode(), request["hookInstance"].encode()
        other = b"p-%d" % number
        return self.body().replace(patient, other).replace(instance, b"%08d" % number + instance[8:])


SMALL, MEDIUM, LARGE = 10, 500, 5_000
SCENARIOS = tuple(Scenario(resources, in_scope) for resources in (SMALL, MEDIUM, LARGE) for in_scope in (False, True))


@cache
def _body(resources: int, in_scope: bool) -> bytes:
    request = story(_IN_SCOPE if in_scope else _OUT_OF_SCOPE).request
    patient = request["context"]["patientId"]
    for key, value in request["prefetch"].items():
        if value and key != "patient" and (in_scope or key != "conditions"):
            value.pop("total", None)
            value["entry"] = [entry for entry in value.get("entry", ()) if in_scope and _decides(entry, patient)]
    there = 1 + sum(len(v.get("entry", ())) for v in request["prefetch"].values() if v)
    request["prefetch"]["observations"]["entry"] += laboratory_results(patient, resources - there)
    # As software writes JSON, without blanks: they would be work for whoever parses all of it.
    return json.dumps(request, separators=(",", ":")).encode()


def _decides(entry: dict[str, Any], patient: str) -> bool:
    return entry["resource"]["id"].removeprefix(f"{patient.removeprefix('p-')}-") in _DECISIVE


def laboratory_results(patient: str, count: int) -> Iterator[dict[str, Any]]:
    """Entries of a searchset, about 1.4 kB each: panels of 30 results, one panel a week, the latest first."""
    for number in range(count):
        name, loinc, unit, low, high = _TESTS[number % len(_TESTS)]
        share = number * 37 % 100 / 100
        value = round(low + (high - low) * share, 1)
        taken = _LATEST - timedelta(weeks=number // len(_TESTS))
        yield {
            "fullUrl": f"https://ehr.example.org/fhir/Observation/lab-{number:06d}",
            "resource": {
                "resourceType": "Observation",
                "id": f"lab-{number:06d}",
                "meta": {
                    "versionId": "1",
                    "lastUpdated": (taken + timedelta(hours=3)).isoformat(),
                    "profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab"],
                },
                "basedOn": [{"reference": f"ServiceRequest/order-{number // len(_TESTS):05d}"}],
                "status": "final",
                "category": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                "code": "laboratory",
                                "display": "Laboratory",
                            }
                        ],
                        "text": "Laboratory",
                    }
                ],
                "code": {
                    "coding": [
                        {"system": "http://loinc.org", "code": loinc, "display": name},
                        {"system": "https://laboratory.example.org/tests", "code": f"T{loinc}", "display": name},
                    ],
                    "text": name,
                },
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": taken.isoformat(),
                "issued": (taken + timedelta(hours=2)).isoformat(),
                "performer": [{"reference": "Organization/laboratory", "display": "Example Clinical Laboratory"}],
                "valueQuantity": _quantity(value, unit),
                "interpretation": [
                    {
                        "coding": [
                            {
                                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                                "code": "N",
                                "display": "Normal",
                            }
                        ]
                    }
                ],
                "referenceRange": [{"low": _quantity(low, unit), "high": _quantity(high, unit)}],
            },
            "search": {"mode": "match"},
        }


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
