"""One struct reads the shapes that an element has in several types and versions of FHIR."""

from __future__ import annotations

import pytest

from fhir_mappings.decoding import decode
from fhir_mappings.wire import CodeableConcept, Coded, Coding, Resource
from tests.support.charts import Json, answer, searchset


def decoded(value: Json) -> Resource:
    (entry,) = answer(searchset([value])).entries
    assert entry.resource is not None
    return entry.resource


@pytest.mark.parametrize(
    ("element", "why"),
    [
        ({"coding": [{"system": "s", "code": "c"}]}, "a CodeableConcept"),
        ({"system": "s", "code": "c"}, "a Coding, as R4 writes ImagingStudy.modality"),
        ({"concept": {"coding": [{"system": "s", "code": "c"}]}}, "a CodeableReference, as R5 writes it"),
    ],
)
def test_a_code_is_found_in_each_of_its_shapes(element: Json, why: str) -> None:
    modality = decoded({"resourceType": "ImagingStudy", "modality": [element]}).modalities()
    assert modality
    assert [(c.system, c.code) for c in modality[0].codings()] == [("s", "c")], why


def test_codings_and_names_have_one_order() -> None:
    itself, listed, inner = (Coding("urn:x", code, f"{code}-name") for code in "abc")
    every = Coded(
        coding=[listed], text="text", system=itself.system, code=itself.code, display=itself.display,
        concept=CodeableConcept([inner], "concept"),
    )  # fmt: skip
    assert every.codings() == [itself, listed, inner]
    assert every.names() == ["text", "concept", "a-name", "b-name", "c-name", "a", "b", "c"]
    assert Coded(coding=[Coding(None, "", "")], text="").names() == []


@pytest.mark.parametrize(
    ("coded", "label", "why"),
    [
        (Coded(text="Ki-67", coding=[Coding(display="other")]), "Ki-67", "the text is what the site calls it"),
        (Coded(coding=[Coding(code="1"), Coding(code="2", display="second")]), "second", "else the first display"),
        (Coded(coding=[Coding(code="1")]), None, "a code is no name"),
        (Coded(), None, "nothing at all"),
    ],
)
def test_a_code_has_a_name_for_a_reader(coded: Coded, label: str | None, why: str) -> None:
    assert coded.label() == label, why


@pytest.mark.parametrize(
    ("body_site", "count", "why"),
    [({"text": "liver"}, 1, "one"), ([{"text": "liver"}, {"text": "lung"}], 2, "several"), (None, 0, "none")],
)
def test_body_sites_are_a_list_whatever_the_type_says(body_site: object, count: int, why: str) -> None:
    assert len(decoded({"resourceType": "Condition", "bodySite": body_site}).body_sites()) == count, why


def test_a_resource_is_named_by_type_and_id() -> None:
    assert decoded({"resourceType": "Condition", "id": "7"}).reference == "Condition/7"
    assert decoded({"resourceType": "Condition"}).reference == "Condition/without-id"
    resource, _ = decode(b"{}")
    assert resource is not None
    assert resource.reference == "resource/without-id"
