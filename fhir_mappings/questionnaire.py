"""Assessments recorded as answers to the project's own Questionnaire (`questionnaires/nelm-assessment.json`).

FHIR: https://hl7.org/fhir/R4/questionnaireresponse.html
Each answer becomes the Observation it amounts to, so that one reader serves both carriers. Items are decoded one by
one: what is odd about one of them costs no other.
# not read: item.text, item.definition (the linkId names the question); author, source (they change no answer).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.systems import NELM_ASSESSMENT
from fhir_mappings.wire import NOTHING, UNREADABLE, Coded, Coding, Quantity, Resource

CANONICAL: Final = "https://nelm-cds.github.io/fhir/Questionnaire/nelm-assessment"
COUNTED: Final = frozenset({"completed", "amended"})


class Reply(Struct, frozen=True):
    """One answer: which question it is to, and the Observation it amounts to, or what makes it unreadable.

    `link_id` is None where not even the question could be read.
    """

    link_id: str | None
    observation: Resource
    fault: str | None = None


def is_ours(response: Resource) -> bool:
    """True if a QuestionnaireResponse answers the project's Questionnaire, whatever its version."""
    return (response.questionnaire or "").partition("|")[0] == CANONICAL


def replies(response: Resource) -> list[Reply]:
    """Every answer in a response, from groups and items within answers too; an item without an answer gives none."""
    return list(_replies(response, response.item, understood=True, depth=0))


def answered(response: Resource) -> Coded | None:
    """The questions that a response to our Questionnaire answers, as codes of our assessments."""
    if not is_ours(response):
        return None
    links = dict.fromkeys(reply.link_id for reply in replies(response) if reply.link_id is not None)
    return Coded(coding=[Coding(NELM_ASSESSMENT, link) for link in links]) if links else None


class _Item(Struct, frozen=True):
    linkId: Any = None
    answer: Raw = NOTHING
    item: Raw = NOTHING
    modifierExtension: Raw = NOTHING


class _Answer(Struct, frozen=True):
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueQuantity: Quantity | None = None
    valueCoding: Coding | None = None
    valueString: str | None = None
    item: Raw = NOTHING
    modifierExtension: Raw = NOTHING


_PIECES = msgspec.json.Decoder(list[Raw])
_ITEM = msgspec.json.Decoder(_Item)
_ANSWER = msgspec.json.Decoder(_Answer)
_NAMES = msgspec.json.Decoder(dict[str, Raw])
_DEEPEST = 20


def _replies(response: Resource, raw: Raw, *, understood: bool, depth: int) -> Iterator[Reply]:
    if _is_nothing(raw):
        return
    pieces = _pieces(raw)
    if pieces is None or depth > _DEEPEST:
        yield Reply(None, _observation(response, None, _Answer()), "item")
        return
    for piece in pieces:
        try:
            item = _ITEM.decode(piece)
        except UNREADABLE:
            yield Reply(None, _observation(response, None, _Answer()), "item")
            continue
        yield from _of_item(response, item, understood=understood and _is_nothing(item.modifierExtension), depth=depth)


def _of_item(response: Resource, item: _Item, *, understood: bool, depth: int) -> Iterator[Reply]:
    link = item.linkId if isinstance(item.linkId, str) else None
    if link is None:
        yield Reply(None, _observation(response, None, _Answer()), "item.linkId")
    elif not _is_nothing(item.answer):
        answers = _pieces(item.answer)
        if answers is None:
            yield Reply(link, _observation(response, link, _Answer()), "item.answer")
        for raw in answers or ():
            yield _reply(response, link, raw, understood=understood)
            yield from _replies(response, _items_within(raw), understood=understood, depth=depth + 1)
    yield from _replies(response, item.item, understood=understood, depth=depth + 1)


def _reply(response: Resource, link: str, raw: Raw, *, understood: bool) -> Reply:
    try:
        answer = _ANSWER.decode(raw)
        values = [name for name in _NAMES.decode(raw) if name.startswith("value")]
    except UNREADABLE:
        return Reply(link, _observation(response, link, _Answer()), "item.answer")
    observation = _observation(response, link, answer)
    if not understood or not _is_nothing(answer.modifierExtension):
        return Reply(link, observation, "item.modifierExtension")
    # A type of value that we do not decode would else hide beside one that we do.
    return Reply(link, observation, "item.answer.value" if len(values) > 1 else None)


def _observation(response: Resource, link: str | None, answer: _Answer) -> Resource:
    coding = answer.valueCoding
    return Resource(
        resourceType="Observation",
        id=response.id,
        status="final",
        code=Coded(coding=[Coding(NELM_ASSESSMENT, link)]),
        effectiveDateTime=response.authored,
        valueBoolean=answer.valueBoolean,
        valueInteger=answer.valueInteger,
        valueQuantity=answer.valueQuantity,
        valueCodeableConcept=Coded(coding=[coding]) if coding is not None else None,
        valueString=answer.valueString,
    )


def _items_within(raw: Raw) -> Raw:
    try:
        return _ITEM.decode(raw).item
    except UNREADABLE:
        return NOTHING  # said by the answer itself, which cannot be read either


def _pieces(raw: Raw) -> list[Raw] | None:
    try:
        return _PIECES.decode(raw)
    except UNREADABLE:
        return None


def _is_nothing(raw: Raw) -> bool:
    return bytes(raw) in (b"", b"null", b"[]")
