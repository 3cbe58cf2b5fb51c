"""A site's own codes: what a ConceptMap adds to our value sets, what it cannot, and why a bad one stops the start."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import ConfigurationError
from cds_service.http.answer import answer_call
from cds_service.http.discovery import discovery, queries
from cds_service.settings import Settings
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodesError, read_local_codes, with_local_codes
from fhir_mappings.systems import LOINC, SNOMED_CT
from fhir_mappings.terminology import Concept, load_terminology
from tests.support.charts import NELM, PATIENT, Json, observation, searchset

LAB = "https://lab.example.org/codes"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "local-codes.json"


def element(code: str | None, target: str | None, equivalence: str = "equivalent", **more: Any) -> Json:
    found: Json = {"code": code} if code else {}
    found["target"] = [({"code": target} if target else {}) | {"equivalence": equivalence} | more]
    return found


def concept_map(*elements: Json, source: str | None = LAB, target: str | None = LOINC, **more: Any) -> str:
    ends = {name: system for name, system in (("source", source), ("target", target)) if system is not None}
    group = ends | {"element": list(elements)}
    return json.dumps({"resourceType": "ConceptMap", "status": "active", "group": [group]} | more, indent=1)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(LocalCodesError) as stopped:
        read_local_codes(text, load_terminology())
    return stopped.value.problems


class TestWhatACodeComesToMean:
    def test_it_means_what_its_public_code_means(self) -> None:
        text = concept_map(element("S1", "42671-8"), element("S2", "9811-1", "equal"))
        ours = load_terminology()
        extended = with_local_codes(ours, read_local_codes(text, ours))
        assert extended.concepts(LAB, "S1") == {Concept.PLATELET_SEROTONIN}
        assert extended.concepts(LAB, "S2") == {Concept.CHROMOGRANIN_A}
        assert extended.concepts(LAB, "S3") == extended.concepts("https://other.example.org", "S1") == frozenset()
        assert extended.concepts(LOINC, "42671-8") == {Concept.PLATELET_SEROTONIN}
        assert ours.concepts(LAB, "S1") == frozenset(), "our own value sets are left as they are"

    def test_a_blank_beside_the_system_makes_it_no_other(self) -> None:
        ours = load_terminology()
        extended = with_local_codes(
            ours, read_local_codes(concept_map(element("S1", "42671-8"), source=f"{LAB} "), ours)
        )
        for system in (LAB, f"{LAB} "):
            assert extended.concepts(system, "S1") == {Concept.PLATELET_SEROTONIN}
        assert "is a public code system" in problems(concept_map(element("S1", "42671-8"), source=f"{LOINC} "))[0]

    def test_places_are_taken_too(self) -> None:
        ileum, ours = "34402009", load_terminology()
        site = next(code for system, code in ours.sites if system == SNOMED_CT)
        node = next(code for system, code in ours.regions if system == SNOMED_CT)
        text = concept_map(element("A", site), element("B", node), target=SNOMED_CT)
        extended = with_local_codes(ours, read_local_codes(text, ours))
        assert extended.primary_site(LAB, "A") == ours.sites[SNOMED_CT, site]
        assert extended.lymph_node_region(LAB, "B") == ours.regions[SNOMED_CT, node]
        assert extended.primary_site(LAB, ileum) is None

    def test_the_shape_of_r5_is_read_as_well(self) -> None:
        r5: list[Json] = [
            {"code": "S1", "target": [{"code": "42671-8", "relationship": "equivalent"}]},
            {"code": "S2", "target": [{"code": "42671-8", "relationship": "source-is-broader-than-target"}]},
            {"code": "S3", "noMap": True},
        ]
        local = read_local_codes(concept_map(*r5, source=f"{LAB}|2026"), load_terminology())
        assert [(m.system, m.code) for m in local.mapped] == [(LAB, "S1")]
        assert [i.code for i in local.ignored] == ["S2", "S3"]

    @pytest.mark.parametrize(
        "equivalence",
        ["relatedto", "wider", "subsumes", "narrower", "specializes", "inexact", "unmatched", "disjoint", "Equal"],
    )
    def test_only_an_equivalent_code_is_taken(self, equivalence: str) -> None:
        local = read_local_codes(concept_map(element("S1", "42671-8", equivalence)), load_terminology())
        assert local.mapped == ()
        (ignored,) = local.ignored
        assert (ignored.system, ignored.code) == (LAB, "S1")
        assert equivalence in ignored.why

    @pytest.mark.parametrize(
        ("group", "why"),
        [
            ({"element": [{"code": "S1"}]}, "has no target"),
            ({"element": [element(None, "42671-8")]}, "names no single code"),
            ({"element": [element("S1", "42671-8", dependsOn=[{"property": "x", "value": "y"}])]}, "depends on"),
            ({"element": [{"code": "S1"}], "unmapped": {"mode": "provided"}}, "guess"),
        ],
    )
    def test_what_is_not_taken_is_listed_with_its_reason(self, group: Json, why: str) -> None:
        text = concept_map(group=[{"source": LAB, "target": LOINC} | group])
        local = read_local_codes(text, load_terminology())
        assert local.mapped == ()
        assert any(why in ignored.why for ignored in local.ignored)

    def test_a_code_that_stands_twice_for_the_same_is_one(self) -> None:
        text = concept_map(element("S1", "42671-8"), element("S1", "2941-3"))
        assert len(read_local_codes(text, load_terminology()).mapped) == 1


class TestABadFileIsRefused:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "line 1, column 1: "),
            ('{"resourceType":\n "ConceptMap",\n}', "line 3, column 1: "),
            ('{"resourceType": NaN}', "NaN is not JSON"),
            ("[" * 100_000, "nested too deeply"),
            (f'{{"resourceType": "ConceptMap", "group": {"[" * 800}{"]" * 800}}}', "nested too deeply"),
            ("[]", "must be a FHIR ConceptMap"),
            ('{"resourceType": "Bundle"}', "must be a FHIR ConceptMap"),
            (concept_map(status="retired"), "this ConceptMap is retired"),
            (concept_map(status=None), "status: "),
            (concept_map(modifierExtension=[{"url": "x"}]), "modifierExtension: "),
            (concept_map(group=5), "group: "),
            (concept_map(group=[5]), "group.0"),
            (concept_map({"code": "S1", "target": [{"code": "42671-8"}]}), "line 10: group.0.element.0.target.0"),
            (concept_map(element("S1", "42671-8"), source=None), "names no code system"),
            (concept_map(element("S1", "42671-8"), source=" "), "group.source"),
            (concept_map(element("2160-0", "42671-8"), source=LOINC), "http://loinc.org is a public code system"),
            (concept_map(element("1", "42671-8"), source="urn:oid:2.16.840.1.113883.6.1"), "is a public code system"),
            (concept_map(element("S1", "1-1")), "line 10: S1: the target http://loinc.org|1-1 is in none of our"),
            (concept_map(element("S1", "42671-8"), target=None), "the target (no system)|42671-8 is in none"),
            (concept_map(element("S1", None)), "the target http://loinc.org|(no code) is in none"),
            (concept_map(element("S1", "42671-8"), element("S1", "9811-1")), "stands for 42671-8 and for 9811-1"),
        ],
    )  # fmt: skip
    def test_with_its_reason(self, text: str, said: str) -> None:
        found = problems(text)
        assert any(said in problem for problem in found), found

    def test_every_problem_is_named_at_once_with_its_line(self) -> None:
        text = concept_map(element("S1", "1-1"), element("S2", "42671-8"), element("S3", "2-2"))
        lines = text.splitlines()
        assert [problem.partition(": ")[0] for problem in problems(text)] == [
            f"line {1 + next(n for n, line in enumerate(lines) if code in line)}" for code in ('"S1"', '"S3"')
        ]

    def test_thousands_of_problems_are_not_all_printed(self) -> None:
        assert len(problems(concept_map(*(element(f"S{n}", "1-1") for n in range(100))))) == 20

    def test_it_stops_the_start_and_names_setting_file_and_reason(self, tmp_path: Path) -> None:
        file = tmp_path / "codes.json"
        for content, said in ((b"{", "line 1, column 2: "), (b"\xff", "cannot be read (UnicodeDecodeError)")):
            file.write_bytes(content)
            with pytest.raises(ConfigurationError) as stopped:
                Settings.from_environ({"NELM_CDS_LOCAL_CODES": str(file)})
            (problem,) = stopped.value.problems
            assert problem.startswith(f"NELM_CDS_LOCAL_CODES: {file}: {said}")
        with pytest.raises(ConfigurationError, match="FileNotFoundError"):
            Settings.from_environ({"NELM_CDS_LOCAL_CODES": str(tmp_path / "nowhere.json")})


class TestTheServiceReadsThem:
    def settings(self) -> Settings:
        return Settings.from_environ({"NELM_CDS_LOCAL_CODES": str(EXAMPLE), "NELM_CDS_AS_OF": "2026-03-02"})

    def decision(self, settings: Settings) -> Json:
        platelets = {
            "coding": [{"system": "https://hospital.example.org/fhir/CodeSystem/laboratory", "code": "5HT-PLT"}]
        }
        result = observation("loinc:1-1", "5 nmol", id="s") | {"code": platelets}
        prefetch = {
            "patient": PATIENT,
            "conditions": searchset([NELM]),
            "observations": searchset([result]),
        }
        request = {
            "hook": "patient-view", "hookInstance": "1", "prefetch": prefetch,
            "context": {"userId": "Practitioner/1", "patientId": "p1"},
        }  # fmt: skip
        body = answer_call(json.dumps(request).encode(), settings, datetime(2026, 3, 2, tzinfo=UTC))
        decision: Json = body["extension"]["io.github.nelm-cds.decision"]
        return decision

    def test_the_example_of_the_documentation_is_one(self) -> None:
        local = self.settings().local_codes
        assert [m.code for m in local.mapped] == ["5HT-PLT", "CGA"]
        assert [i.code for i in local.ignored] == ["5HT"]

    def test_a_result_under_a_local_code_answers_its_step(self) -> None:
        with_codes = self.decision(self.settings())["inputs"]["platelet_serotonin"]
        assert (with_codes["value"], with_codes["sources"][0]["reference"]) == ("measured", "Observation/s")
        without = self.decision(Settings(as_of=self.settings().as_of))["inputs"]["platelet_serotonin"]
        assert "value" not in without

    def test_the_service_asks_for_them(self) -> None:
        """An Observation that is not asked for would never be seen."""
        local = self.settings().local_codes
        template = discovery(local)["services"][0]["prefetch"]["observations"]
        assert ",https://hospital.example.org/fhir/CodeSystem/laboratory|5HT-PLT," in template
        assert "|5HT," not in template
        assert "5HT-PLT" in queries("p1", local)["observations"]
        assert "5HT-PLT" not in discovery()["services"][0]["prefetch"]["observations"]

    def test_a_code_with_the_search_s_own_signs_asks_for_nothing_else(self) -> None:
        text = concept_map(element("A,B|C&_count=1 {{context.userId}}", "42671-8"))
        local = read_local_codes(text, load_terminology())
        template = discovery(local)["services"][0]["prefetch"]["observations"]
        assert f",{LAB}|A%5C%2CB%5C%7CC%26_count%3D1%20%7B%7Bcontext.userId%7D%7D&_count=200" in template

    def test_only_measured_codes_are_asked_for_as_observations(self) -> None:
        text = concept_map(element("LIVER", "10200004"), target=SNOMED_CT)
        local = read_local_codes(text, load_terminology())
        assert len(local.mapped) == 1
        assert discovery(local)["services"][0]["prefetch"] == discovery()["services"][0]["prefetch"]

    def test_without_a_file_nothing_is_added(self) -> None:
        assert Settings.from_environ({}).local_codes is NO_LOCAL_CODES
        assert with_local_codes(load_terminology(), NO_LOCAL_CODES) == load_terminology()
