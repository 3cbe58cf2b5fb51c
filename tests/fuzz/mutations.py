"""Small changes of a JSON value that keep most of its shape, so that what is odd gets deep into the readers.

Numbers and nestings that Python's json cannot write (1e400, five thousand brackets) stand in the value as marked texts
and become themselves in `dump`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from random import Random
from typing import Any

from msgspec.structs import fields

from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.systems import NELM_ASSESSMENT, NELM_RECOMMENDATION, UCUM
from fhir_mappings.terminology import load_terminology
from fhir_mappings.wire import Resource

ELEMENTS = tuple(field.name for field in fields(Resource) if field.name not in ("resourceType", "entry"))
NUMBERS = (
    "1e400", "-1e400", "1e-400", "1E999999999", "1e18", "-0", "0", "-1", "0.0", "-0.0", "1e5", "2.50", "1e-7",
    "9007199254740993", "18446744073709551616", "-9223372036854775809", "9" * 400, "0." + "3" * 60, "100", "15.1",
)  # fmt: skip
STRINGS = (
    "", " ", "\x00", "\t\n", "\u202e", "\u2028", "\ud800", "\ufeff", "é\u0301", "x" * 3000, "<script>alert(1)</script>",
    "[a](javascript:b) *c* `d` |e|", "\u200d", "null", "true", "1", "< 5", "2-5 %", "10%", "+", "confirmed", "final",
    "Patient/p1", "#x", "urn:uuid:1", "https://ehr.example.org/fhir/Patient/p1", "Bundle", "OperationOutcome",
    "entered-in-error", "refuted", "provisional", "preliminary", "completed", "active", "resolved", "inactive", "next",
)  # fmt: skip
DATES = (
    "2026-02-20", "2026-03-02", "2026-03", "2026", "2025-11-01", "2024-02-29", "1900-01-01", "0001-01-01", "0000-01-01",
    "9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2026-02-30", "2026-13-01", "2026-3-2",
    "2026-03-02T23:59:60Z", "2026-03-02T12:00", "2026-03-01T08:00:00.123456789+01:00", "2026-03-02T24:00:00Z", "x",
    "２０２６-03-01", "2026-03-02T12:00:00+99:99", "2027-01-01",
)  # fmt: skip
UNITS = ("%", "cm", "mm", "ug/L", "nmol/L", "mg/dL", "umol/L", "1", "{ratio}", "[in_i]", "10*3", "m", "k", "")
KINDS = ("Condition", "Observation", "ImagingStudy", "Procedure", "DiagnosticReport", "MedicationRequest",
         "MedicationStatement", "MedicationAdministration", "QuestionnaireResponse", "Bundle", "Patient")  # fmt: skip
CONCEPTS = frozenset({
    "code", "valueCodeableConcept", "bodySite", "modality", "procedureCode", "conclusionCode", "category", "reasonCode",
    "medicationCodeableConcept", "outcome", "interpretation", "dataAbsentReason", "verificationStatus",
    "clinicalStatus",
})  # fmt: skip
_MARKED = re.compile(rb'"@(number:(?P<number>[-+.0-9eE]+)|nest:(?P<depth>\d+)(?P<what>[abc]))@"')
_NESTS = {b"a": (b"[", b"]"), b"b": (b'{"a":', b"}"), b"c": (b'{"resourceType":"Bundle","entry":[{"resource":', b"}]}")}
_WHOSE_AND_HOW_SURE = ("subject", "patient", "clinicalStatus", "verificationStatus")
Place = tuple[Any, Any]


def load(data: bytes) -> Any:
    """The JSON value of the bytes, numbers as they were written.

    Raises ValueError or RecursionError if there is none.
    """
    return json.loads(data, parse_float=_number, parse_int=_number)


def _number(text: str) -> Any:
    plain = len(text) < 16 and math.isfinite(float(text))
    return json.loads(text) if plain and json.dumps(json.loads(text)) == text else f"@number:{text}@"


def dump(value: Any) -> bytes:
    """The value as bytes, with marked numbers and nestings as themselves."""
    return _MARKED.sub(_unmarked, json.dumps(value, separators=(",", ":")).encode())


def _unmarked(match: re.Match[bytes]) -> bytes:
    if match["number"]:
        return match["number"]
    opening, closing = _NESTS[match["what"]]
    return opening * int(match["depth"]) + b"1" + closing * int(match["depth"])


@cache
def codes() -> tuple[tuple[str, str], ...]:
    """Every code that means something to us."""
    ours = [(NELM_ASSESSMENT, code.value) for code in AssessmentCode] * 8  # else the few of ours drown among thousands
    known = load_terminology()
    return (*ours, *known.by_code, *known.sites, *known.regions, (NELM_RECOMMENDATION, "T-OCT"))


def places(value: Any) -> Iterator[Place]:
    """Every container in a JSON value with each of its keys."""
    waiting = [value] if isinstance(value, dict | list) else []
    while waiting:
        container = waiting.pop()
        keys = container.keys() if isinstance(container, dict) else range(len(container))
        for key in keys:
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


def mutate(value: Any, chosen: Random, times: int | None = None) -> Any:
    """Change a JSON object or array in place, a few times; the choices come from `chosen` alone."""
    for _ in range(times or chosen.choice((1, 1, 1, 2, 3, 6))):
        found = list(places(value))
        if not found:
            return anything(chosen)
        container, key = _aimed(found, chosen)
        chosen.choice(_CHANGES)(container, key, found, chosen)
    return value


def _aimed(found: list[Place], chosen: Random) -> Place:
    """A place: half of the time near a code, a date or a value, where a change is felt."""
    return max((chosen.choice(found) for _ in range(chosen.choice((1, 4)))), key=lambda place: _felt(place[1]))


def _felt(key: Any) -> bool:
    return isinstance(key, str) and (key in CONCEPTS or key.startswith(("value", "status")) or "ate" in key)


def anything(chosen: Random) -> Any:
    """An odd value of any type."""
    made: tuple[Callable[[], Any], ...] = (
        lambda: chosen.choice((None, True, False, [], {}, [None], {"": None}, [[]])),
        lambda: f"@number:{chosen.choice(NUMBERS)}@",
        lambda: chosen.choice(STRINGS),
        lambda: chosen.choice(DATES),
        lambda: concept(chosen),
        lambda: quantity(chosen),
        lambda: f"@nest:{chosen.choice((3, 90, 600, 5000))}{chosen.choice('abc')}@",
    )
    return chosen.choice(made)()


def concept(chosen: Random) -> dict[str, Any]:
    """A CodeableConcept with one or two of the codes that mean something to us."""
    picked = [chosen.choice(codes()) for _ in range(chosen.choice((1, 1, 2)))]
    return {"coding": [{"system": system, "code": code} for system, code in picked]}


def quantity(chosen: Random) -> dict[str, Any]:
    """A Quantity, plausible or not."""
    number = chosen.choice(NUMBERS) if chosen.random() < 0.4 else str(chosen.choice((1, 2, 3.5, 4.1, 7, 15, 20, 80)))
    unit = chosen.choice(UNITS)
    found: dict[str, Any] = {"value": f"@number:{number}@", "unit": unit, "system": UCUM, "code": unit}
    return found | ({"comparator": chosen.choice(("<", ">", "<=", ">=", "ad", "~"))} if chosen.random() < 0.3 else {})


def resource(chosen: Random, like: dict[str, Any]) -> dict[str, Any]:
    """Another resource of the same patient, with a code and a value or a date that mean something to us."""
    made: dict[str, Any] = {n: _copied(like[n]) for n in _WHOSE_AND_HOW_SURE if n in like}
    made |= {"resourceType": chosen.choice(KINDS[:9]), "id": f"new-{chosen.randrange(99)}", "code": concept(chosen)}
    made["status"] = chosen.choice(("final", "final", "completed", "available", "active", "preliminary"))
    for name in ("effectiveDateTime", "recordedDate", "performedDateTime", "started", "authoredOn"):
        made[name] = chosen.choice(DATES[:5])
    values: dict[str, Callable[[], Any]] = {
        "valueQuantity": lambda: quantity(chosen),
        "valueCodeableConcept": lambda: concept(chosen),
        "valueString": lambda: chosen.choice(STRINGS),
        "valueBoolean": lambda: chosen.choice((True, False)),
        "valueInteger": lambda: chosen.choice((0, 1, 3, 9)),
    }
    element = chosen.choice(tuple(values))
    made[element] = values[element]()
    return made


def _replace(container: Any, key: Any, _: list[Place], chosen: Random) -> None:
    container[key] = anything(chosen)


def _drop(container: Any, key: Any, _: list[Place], __: Random) -> None:
    del container[key]


def _swap_type(container: Any, key: Any, _: list[Place], chosen: Random) -> None:
    value = container[key]
    inner = (
        next(iter(value.values() if isinstance(value, dict) else value), None) if isinstance(value, dict | list) else 1
    )
    container[key] = chosen.choice(
        ([value], {"value": value}, {"coding": [value]}, str(value)[:50], inner, [value] * 2)
    )


def _move(container: Any, key: Any, found: list[Place], chosen: Random) -> None:
    other, place = chosen.choice(found)
    container[key] = _copied(other[place])


def _repeat(container: Any, key: Any, _: list[Place], chosen: Random) -> None:
    copied = _copied(container[key])
    if isinstance(container, list):
        container.insert(chosen.randrange(len(container) + 1), copied)
    else:
        container[chosen.choice(ELEMENTS)] = copied


def _add_element(container: Any, key: Any, _: list[Place], chosen: Random) -> None:
    target = container if isinstance(container, dict) else container[key]
    if isinstance(target, dict):
        target[chosen.choice(ELEMENTS)] = anything(chosen)


def _recode(_: Any, __: Any, found: list[Place], chosen: Random) -> None:
    coded = [(c, k) for c, k in found if isinstance(k, str) and k in CONCEPTS and isinstance(c[k], dict | list)]
    if coded:
        container, key = chosen.choice(coded)
        container[key] = [concept(chosen)] if isinstance(container[key], list) else concept(chosen)


def _redate(_: Any, __: Any, found: list[Place], chosen: Random) -> None:
    dated = [(c, k) for c, k in found if isinstance(c[k], str) and re.match(r"[0-9]{4}(-|$)", c[k])]
    if dated:
        container, key = chosen.choice(dated)
        container[key] = chosen.choice(DATES)


def _revalue(_: Any, __: Any, found: list[Place], chosen: Random) -> None:
    valued = [(c, k) for c, k in found if isinstance(k, str) and k.startswith("value") and isinstance(c, dict)]
    if valued:
        container, key = chosen.choice(valued)
        container[key] = quantity(chosen) if key == "valueQuantity" else anything(chosen)


def _add_resource(_: Any, __: Any, found: list[Place], chosen: Random) -> None:
    entries = [c[k] for c, k in found if k == "entry" and isinstance(c[k], list)]
    known = [c[k] for c, k in found if k == "resource" and isinstance(c[k], dict)]
    if entries and known:
        chosen.choice(entries).append({"resource": resource(chosen, chosen.choice(known))})


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value))


_CHANGES: tuple[Callable[[Any, Any, list[Place], Random], None], ...] = (
    _replace, _replace, _drop, _drop, _swap_type, _move, _repeat, _add_element, _recode, _recode, _redate, _revalue,
    _add_resource, _add_resource,
)  # fmt: skip
