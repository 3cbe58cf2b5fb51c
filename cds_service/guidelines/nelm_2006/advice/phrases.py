"""Facts in a clinician's words: the chart data that a card rests on, each with its date, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cds_service.guidelines.nelm_2006.intake.course import HINT
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.advice import Block
from cds_service.reasoning.markdown import inert
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown

WHY = {
    WhyUnknown.NOT_RECORDED: "not recorded",
    WhyUnknown.NOT_RETRIEVED: "could not be read",
    WhyUnknown.TOO_OLD: "too old",
    WhyUnknown.FUTURE_DATE: "dated in the future",
    WhyUnknown.DATE_UNKNOWN: "without a date",
    WhyUnknown.UNIT: "unit not understood",
    WhyUnknown.VALUE: "value not understood",
    WhyUnknown.TOO_VAGUE: "too vague",
    WhyUnknown.DATA_ABSENT: "recorded as not available",
    WhyUnknown.MALFORMED: "record not readable",
    WhyUnknown.CONFLICTING: "conflicting records",
    WhyUnknown.UNCONFIRMED: "not confirmed",
    WhyUnknown.PRELIMINARY: "preliminary only",
    WhyUnknown.HISTORY: "recorded as inactive or as history",
    WhyUnknown.INDETERMINATE: "indeterminate",
    WhyUnknown.RESULT_MISSING: "done, result not recorded",
    WhyUnknown.REGION: "region not stated",
    WhyUnknown.PROTOCOL: "not the examination that is needed",
    WhyUnknown.DEGREE: "degree not stated",
    WhyUnknown.SITE: "site not specific enough",
    WhyUnknown.REGIONAL_OR_DISTANT: "regional or distant nodes?",
    WhyUnknown.WHICH_PRIMARY: "not clear, which primary?",
    WhyUnknown.EARLY_AFTER_TREATMENT: "measured too soon after treatment",
    WhyUnknown.NOT_GRADED: "recorded, but not graded",
}

NAMES = {
    "age_years": "age",
    "nelm_confirmed": "histology",
    "primary_site": "primary",
    "cga": "chromogranin A",
    "platelet_serotonin": "platelet serotonin",
    "liver_imaging": "CT or MRI",
    "srs": "receptor scan",
    "ki67_percent": "Ki-67",
    "differentiation": "differentiation",
    "extrahepatic_disease": "disease beyond the liver",
    "lesion_count": "number of lesions",
    "largest_lesion_cm": "largest lesion",
    "small_multiple_mets": "small metastases",
    "radical_resection_possible": "radical resection possible",
    "remnant_adequate": "enough liver left",
    "lobar_predominance": "main mass in one lobe",
    "est_cytoreduction_pct": "expected cytoreduction",
    "portal_vein": "portal vein",
    "hepatic_failure": "hepatic failure",
    "biliary_anastomosis": "biliary anastomosis",
    "carcinoid_syndrome": "carcinoid syndrome",
    "symptoms_controlled": "symptoms controlled",
    "carcinoid_crisis_now": "carcinoid crisis",
    "hepatomegaly": "enlarged liver",
    "mibg_avid": "MIBG uptake",
    "failed_therapies": "treatments that no longer help",
    "other_therapies_exhausted": "other treatments exhausted",
    "context": "course",
    "response": "response to embolisation",
    "other_syndrome": "other hormone syndrome",
    "carcinoid_heart_disease": "carcinoid heart disease",
    "liver_transplant": "liver transplantation",
}

_IMAGING = {"helical_ct": "CT", "mri": "MRI"}
UNITS = {"ki67_percent": "%", "largest_lesion_cm": "cm", "est_cytoreduction_pct": "%", "age_years": "years"}


# A yes or a no in a clinician's words; never a green tick for what is not known.
_YES_NO = {
    "nelm_confirmed": ("histology neuroendocrine", "histology not neuroendocrine"),
    "extrahepatic_disease": ("disease beyond the liver", "no disease beyond the liver"),
    "small_multiple_mets": ("small metastases besides", "no small metastases besides"),
    "radical_resection_possible": ("radical resection possible", "radical resection not possible"),
    "remnant_adequate": ("enough liver left", "too little liver left"),
    "lobar_predominance": ("main mass in one lobe", "main mass not in one lobe"),
    "hepatic_failure": ("hepatic failure", "no hepatic failure"),
    "biliary_anastomosis": ("biliary anastomosis", "no biliary anastomosis"),
    "carcinoid_syndrome": ("carcinoid syndrome", "no carcinoid syndrome"),
    "symptoms_controlled": ("symptoms controlled", "symptoms not controlled"),
    "hepatomegaly": ("liver enlarged", "liver not enlarged"),
    "mibg_avid": ("MIBG uptake", "no MIBG uptake"),
}


def value(name: str, fact: Known[Any]) -> str:
    """A known value as words: `Ki-67 3 %`, `CT`, `receptor scan positive`, `no hepatic failure`."""
    known = fact.value
    if isinstance(known, bool):
        yes, no = _YES_NO.get(name, (NAMES[name], f"no {NAMES[name]}"))
        return yes if known else no
    if isinstance(known, Interval):
        return _number(name, known)
    words = inert(str(known).replace("_", " "))
    match name:
        case "liver_imaging":
            return _IMAGING.get(known, words)
        case "differentiation":
            return f"{words} differentiated" if known == "well" else "poorly differentiated"
    return f"{NAMES[name]} {words}"


def _number(name: str, number: Interval) -> str:
    match name:
        case "lesion_count":
            return f"{number.text()} lesion{'' if number.text() == '1' else 's'}"
        case "largest_lesion_cm":
            return f"largest {number.text()} cm"
    return f"{NAMES[name]} {number.text()} {UNITS.get(name, '')}".rstrip()


_NOTED = frozenset({"extrahepatic_disease", "carcinoid_syndrome"})


def data_line(facts: Callable[[str], Fact[Any]], names: Iterable[str]) -> str:
    """The chart data a card rests on, known facts only, by the day they are from, latest first."""
    by_day: dict[str, list[str]] = {}
    for name in names:
        fact = facts(name)
        if isinstance(fact, Known):
            note = _note(fact, 40) if name in _NOTED else ""
            by_day.setdefault(_day(fact), []).append(f"{value(name, fact)}{note}")
    groups = [f"{day or 'undated'}: {', '.join(items)}" for day, items in sorted(by_day.items(), reverse=True)]
    return f"**Chart data.** {'; '.join(groups)}." if groups else ""


# How long what is remarked on an examination may be: in full, and where there is little room.
_DATED = {"liver_imaging": (90, 12), "srs": (90, 0), "ki67_percent": (90, 16)}


def dates_line(facts: Callable[[str], Fact[Any]], *, noted: bool = True, brief: bool = False) -> str:
    """CT or MRI, scan and Ki-67 with their dates, and what is remarked on them: age, specimen, other results (M3)."""
    items = []
    for name, longest in _DATED.items():
        fact = facts(name)
        if isinstance(fact, Known):
            note = _note(fact, longest[brief]) if noted else ""
            items.append(f"{value(name, fact)} {_day(fact) or 'undated'}{note}")
    return f"**Based on:** {', '.join(items)}." if items else ""


def _note(fact: Known[Any], longest: int) -> str:
    return f" ({inert(fact.note, longest)})" if fact.note and longest else ""


# What silence is read as "no" for, in the words of that sentence.
_SILENT = {
    "small_multiple_mets": "small metastases",
    "est_cytoreduction_pct": "expected cytoreduction",
    "failed_therapies": "treatments that no longer help",
    "context": "earlier liver treatment",
    "other_syndrome": "other hormone syndrome",
    "carcinoid_heart_disease": "carcinoid heart disease",
    "liver_transplant": "liver transplantation",
}


def read_as_no(needs: Needs, names: Iterable[str]) -> list[Block]:
    """Each silence that was read as no, and whether it was looked for (M3)."""
    not_recorded: list[str] = []
    not_readable: list[str] = []
    for name in names:
        fact = needs.fact(name)
        if isinstance(fact, Unknown):
            (not_readable if fact.why is WhyUnknown.NOT_RETRIEVED else not_recorded).append(_SILENT[name])
        elif not fact.sources and fact.value in (frozenset(), "initial"):
            not_recorded.append(_SILENT[name])
    if not not_recorded or not not_readable:
        silent, why = (not_recorded, "recorded") if not_recorded else (not_readable, "readable")
        return [Block(f"Not {why}, read as no: {', '.join(silent)}.", movable=True)] if silent else []
    full = f"Not recorded, read as no: {', '.join(not_recorded)}. Not readable, read as no: {', '.join(not_readable)}."
    brief = f"Not known, read as no: {', '.join((*not_recorded, *not_readable))}."
    return [Block(full, brief=brief, movable=True)]


def listed(names: Sequence[str], room: int) -> str:
    """As many of the names as there is room for, the first in any case, and how many more there are."""
    for shown in range(len(names), 1, -1):
        more = len(names) - shown
        text = f"{', '.join(names[:shown])}{f' and {more} more' if more else ''}"
        if len(text) <= room:
            return text
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def missing(facts: Callable[[str], Fact[Any]], names: Iterable[str]) -> str:
    """Why each of these inputs does not answer, where there is more to say than that it is not recorded."""
    items = []
    for name in names:
        fact = facts(name)
        if isinstance(fact, Known) and isinstance(fact.value, Interval):
            # A number that is asked for all the same is one that does not tell on which side of a limit it lies.
            day = _day(fact)
            items.append(f"{value(name, fact)}{f' ({day})' if day else ''}, too vague to decide")
        if isinstance(fact, Unknown) and (fact.why is not WhyUnknown.NOT_RECORDED or HINT in (fact.note or "")):
            day = _day(fact)
            note = f", {inert(fact.note, 70)}" if fact.note else ""
            items.append(f"{NAMES[name]} {WHY[fact.why]}{f' ({day})' if day else ''}{note}")
    return "; ".join(items)


def _day(fact: Fact[Any]) -> str:
    days = sorted({source.date for source in fact.sources if source.date})
    return days[-1] if days else ""
