"""Plain facts, without FHIR: a JSON object per case becomes the needs of the protocol, or a complaint.

`null`, or an absent fact, is unknown. The JSON Schema of the format is made from the same declaration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.policy import DEFAULT, SitePolicy
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown

SCHEMA_ID = "https://nelm-cds.github.io/schemas/nelm-2006-facts.json"

# Lower-case organ names; what people write beside the codes of the CodeSystem is read as the same organ.
_SITES = (
    "bronchus", "lung", "thymus", "oesophagus", "stomach", "duodenum", "pancreas", "biliary", "ampulla", "kidney",
    "jejunum", "ileum", "small_intestine", "appendix", "cecum", "ascending_colon", "transverse_colon",
    "descending_colon", "sigmoid", "rectum", "anal_canal", "foregut", "midgut", "hindgut", "ovary", "testis", "other",
)  # fmt: skip
_SITE_SYNONYMS = {
    "esophagus": "oesophagus",
    "caecum": "cecum",
    "small_bowel": "small_intestine",
    "bile_duct": "biliary",
    "gallbladder": "biliary",
    "airways": "bronchus",
    "sigmoid_colon": "sigmoid",
}
_THERAPIES = (
    "T-RESECT", "T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL", "T-DEBULK", "T-RADIO-ADJ", "T-EMBO", "T-EMBO-AGAIN",
    "T-RESECT-POSTEMBO", "T-OCT", "T-MIBG", "T-PRRT", "T-IFN", "T-OLT-EVAL",
)  # fmt: skip


class BadFactError(ValueError):
    """A fact that cannot be read: which field, and what is allowed."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a fact is read, what is allowed in words, and its JSON Schema."""

    read: Callable[[Any], Any]
    allowed: str
    schema: Mapping[str, Any]


def _yes_no() -> _Kind:
    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value

    return _Kind(read, "true, false or null", {"type": ["boolean", "null"]})


def _number(low: str, high: str | None, *, whole: bool = False, above: bool = False) -> _Kind:
    lowest, highest = Decimal(low), Decimal(high) if high is not None else None

    def read(value: Any) -> Interval:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError
        number = Decimal(str(value))
        if not number.is_finite():  # JSON has no NaN, yet Python reads one
            raise ValueError
        too_low = number <= lowest if above else number < lowest
        if too_low or (highest is not None and number > highest):
            raise ValueError
        if whole and number != number.to_integral_value():
            raise ValueError
        return Interval.point(number)

    name = "a whole number" if whole else "a number"
    span = f"{'above' if above else 'from'} {low}" + (
        f" to {high}" if high is not None else f"{'' if above else ' on'}"
    )
    schema: dict[str, Any] = {"type": ["integer" if whole else "number", "null"]}
    schema["exclusiveMinimum" if above else "minimum"] = float(low)
    if high is not None:
        schema["maximum"] = float(high)
    return _Kind(read, f"{name} {span}, or null", schema)


def _word(*words: str, synonyms: Mapping[str, str] | None = None) -> _Kind:
    same = dict(synonyms or {})

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError
        word = same.get(value, value)
        if word not in words:
            raise ValueError
        return word

    return _Kind(read, f"one of {', '.join(words)}, or null", {"enum": [*words, *same, None]})


def _codes(*codes: str) -> _Kind:
    def read(value: Any) -> frozenset[str]:
        if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
            raise TypeError
        if not set(value) <= set(codes):
            raise ValueError
        return frozenset(value)

    schema = {"type": ["array", "null"], "items": {"enum": list(codes)}, "uniqueItems": True}
    return _Kind(read, f"a list of {', '.join(codes)}; or null", schema)


FACTS: Mapping[str, _Kind] = {
    "age_years": _number("0", "130"),
    "nelm_confirmed": _yes_no(),
    "primary_site": _word(*_SITES, synonyms=_SITE_SYNONYMS),
    "cga": _word("elevated", "normal", "measured"),
    "platelet_serotonin": _word("elevated", "normal", "measured"),
    "liver_imaging": _word("helical_ct", "mri"),
    "srs": _word("positive", "negative"),
    "ki67_percent": _number("0", "100"),
    "differentiation": _word("well", "poor"),
    "extrahepatic_disease": _yes_no(),
    "lesion_count": _number("1", None, whole=True),
    "largest_lesion_cm": _number("0", None, above=True),
    "small_multiple_mets": _yes_no(),
    "radical_resection_possible": _yes_no(),
    "remnant_adequate": _yes_no(),
    "lobar_predominance": _yes_no(),
    "est_cytoreduction_pct": _number("0", "100"),
    "portal_vein": _word("patent", "partial_occlusion", "complete_occlusion"),
    "hepatic_failure": _yes_no(),
    "biliary_anastomosis": _yes_no(),
    "carcinoid_syndrome": _yes_no(),
    "symptoms_controlled": _yes_no(),
    "carcinoid_crisis_now": _yes_no(),
    "hepatomegaly": _yes_no(),
    "mibg_avid": _yes_no(),
    "failed_therapies": _codes(*_THERAPIES),
    "other_therapies_exhausted": _yes_no(),
    "context": _word("initial", "recurrence", "post_ablation", "post_embolisation"),
    "response": _word("good", "partial", "none"),
    "other_syndrome": _yes_no(),
    "carcinoid_heart_disease": _yes_no(),
    "liver_transplant": _yes_no(),
}


def read_facts(facts: Mapping[str, Any], policy: SitePolicy = DEFAULT) -> Needs:
    """The needs of one case.

    Raises BadFactError naming the field and what is allowed; the value itself is not repeated.
    """
    unknown = [name for name in facts if name not in FACTS]
    if unknown:
        raise BadFactError(f"{unknown[0]}: no fact of this name; known are {', '.join(FACTS)}")
    read: dict[str, Any] = {name: _fact(name, kind, facts.get(name)) for name, kind in FACTS.items()}
    return Needs(**read, policy=policy)


def _fact(name: str, kind: _Kind, value: Any) -> Fact[Any]:
    if value is None:
        # No therapy recorded as failed means that none failed (A22).
        return Known(frozenset()) if name == "failed_therapies" else Unknown(WhyUnknown.NOT_RECORDED)
    try:
        return Known(kind.read(value))
    except (TypeError, ValueError) as error:
        raise BadFactError(f"{name}: must be {kind.allowed}") from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a case, and of a list of cases."""
    case = {
        "type": "object",
        "required": ["id", "facts"],
        "properties": {
            "id": {"type": "string"},
            "facts": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: dict(kind.schema) for name, kind in FACTS.items()},
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Plain facts for the 2006 Utrecht protocol (nelm-cds assess)",
        "description": "null, or an absent fact, is unknown, never no. Sizes in cm, shares in percent.",
        "oneOf": [{"$ref": "#/$defs/case"}, {"type": "array", "items": {"$ref": "#/$defs/case"}}],
        "$defs": {"case": case},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
