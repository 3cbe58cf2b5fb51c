"""What a card never prints (protocol 4.4, X1-X14), each rule as a question: which texts break it?

The charts of the tests hold none of these words themselves, so what is found is ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.answers import Answer

_SYMPTOM_FIGURES = re.compile(r"19\.3|symptom response|64-90|more than 70 %|relief in 95|control 80 %", re.IGNORECASE)
_DOSE = re.compile(r"\d\s?(mg|µg|μg|ug|mcg|micrograms?|milligrams?|m[lL]/h|IU|MBq|GBq)\b")
_NUMBERED = re.compile(r"^\s*\d+[.)] ", re.MULTILINE)
_GRADE = re.compile(r"(low|high)[ -]grade(?! by the paper's 2000 classes)", re.IGNORECASE)
_ADEQUATE = re.compile(r"(?<!\*)adequate|adequate(?!\* for relief, no safety limit)")


def _words(*words: str) -> Callable[[Answer], list[str]]:
    pattern = re.compile("|".join(words), re.IGNORECASE)
    return lambda answer: pattern.findall(answer.text)


def _promises(answer: Answer) -> list[str]:
    crisis = answer.decision.state == "emergency"
    prevents = [] if crisis else re.findall(r"\bprevents?\b", answer.text)
    return re.findall("life expectancy", answer.text) + prevents


def _treatment_of_choice(answer: Answer) -> list[str]:
    cards = [card for card in answer.cards if "treatment of choice" in card.text]
    return [card.summary for card in cards if 'cure "frequently impossible"' not in card.detail.lower()]


def _symptom_figures(answer: Answer) -> list[str]:
    recorded = answer.reading.needs.carcinoid_syndrome
    symptoms = getattr(recorded, "value", None) is True
    return [] if symptoms else _SYMPTOM_FIGURES.findall(answer.text)


def _confirmed(answer: Answer) -> list[str]:
    return re.findall(r"(?<!not )\bconfirmed\b", answer.text)


NEVER: dict[str, Callable[[Answer], list[str]]] = {
    "X1 life expectancy, prevents": _promises,
    "X2 treatment of choice without its limit": _treatment_of_choice,
    "X3 symptom figures without symptoms": _symptom_figures,
    "X4 a bare grade": lambda answer: _GRADE.findall(answer.text),
    "X4 benign": _words("benign"),
    "X5 confirmed": _confirmed,
    "X6 no contraindication, no crisis": _words("no contraindication", r"\bno (carcinoid )?crisis"),
    "X7 failed": _words(r"\bfail(ed|ure of|s)\b"),
    "X8 superseded sensitivities": _words(r"\b4[23] %"),
    "X9 numbered options": lambda answer: _NUMBERED.findall(answer.text),
    "X10 guideline recommends": _words("recommends", "recommended", "guideline"),
    "X11 adequate as a limit": lambda answer: _ADEQUATE.findall(answer.text),
    "X12 doses": lambda answer: _DOSE.findall(answer.text),
    "X13 ticks": _words("[✓✔✅☑🟢]"),
    "X14 all clear": _words("all.clear"),
}
