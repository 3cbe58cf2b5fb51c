"""The shipped code lists are valid FHIR, do not contradict each other, and answer as `inputs.md` says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.codesystem import CodeSystem
from fhir.resources.R4B.conceptmap import ConceptMap
from fhir.resources.R4B.valueset import ValueSet

import fhir_mappings
from fhir_mappings.systems import (
    ATC,
    CPT,
    DICOM,
    HCPCS,
    ICD_10,
    ICD_10_CM,
    ICD_10_PCS,
    ICD_O_3,
    LOINC,
    NCI_THESAURUS,
    NELM_ASSESSMENT,
    NELM_RECOMMENDATION,
    RXNORM,
    SNOMED_CT,
    UCUM,
    canonical_system,
)
from fhir_mappings.terminology import Concept, Terminology, load_terminology

ROOT = Path(fhir_mappings.__file__).parent
VALUE_SETS = sorted((ROOT / "value_sets").glob("*.json"))
CONCEPT_MAPS = sorted((ROOT / "concept_maps").glob("*.json"))
CODE_SYSTEMS = sorted((ROOT / "code_systems").glob("*.json"))
BASE = "https://nelm-cds.github.io/fhir"

# Which systems may stand in a file, by the second part of its name: a site deletes a file to drop a licence.
SYSTEMS_OF_GROUP = {
    "": {ICD_10_CM, ICD_10_PCS, LOINC, RXNORM, HCPCS, DICOM, NCI_THESAURUS},
    "snomed": {SNOMED_CT},
    "icd-o-3": {ICD_O_3},
    "icd-10": {ICD_10},
    "atc": {ATC},
}
# A word that the licence note of a system cannot do without.
LICENCE_WORD = {
    ICD_10_CM: "National Center for Health Statistics",
    ICD_10_PCS: "Centers for Medicare",
    HCPCS: "Centers for Medicare",
    LOINC: "https://loinc.org/license",
    RXNORM: "National Library of Medicine",
    DICOM: "NEMA",
    NCI_THESAURUS: "National Cancer Institute",
    SNOMED_CT: "affiliate licence",
    ICD_O_3: "World Health Organization",
    ICD_10: "World Health Organization",
    ATC: "WHO Collaborating Centre",
}


def name(path: Path) -> str:
    return path.stem.partition(".")[0]


def group(path: Path) -> str:
    return path.stem.partition(".")[2]


def read(path: Path) -> dict[str, Any]:
    resource: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return resource


def codes(path: Path) -> Iterator[tuple[str, str]]:
    """The codes that a value set or concept map recognises."""
    resource = read(path)
    for include in resource.get("compose", {}).get("include", ()):
        yield from ((include["system"], entry["code"]) for entry in include["concept"])
    for part in resource.get("group", ()):
        yield from ((part["source"], element["code"]) for element in part["element"])


def codes_of(concept: Concept) -> set[tuple[str, str]]:
    return {code for path in VALUE_SETS if name(path) == concept for code in codes(path)}


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return load_terminology()


class TestTheResources:
    @pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
    def test_a_value_set_is_valid_fhir(self, path: Path) -> None:
        ValueSet.model_validate_json(path.read_bytes())

    @pytest.mark.parametrize("path", CONCEPT_MAPS, ids=lambda path: path.stem)
    def test_a_concept_map_is_valid_fhir(self, path: Path) -> None:
        ConceptMap.model_validate_json(path.read_bytes())

    @pytest.mark.parametrize("path", CODE_SYSTEMS, ids=lambda path: path.stem)
    def test_a_code_system_is_valid_fhir_and_counts_its_codes(self, path: Path) -> None:
        system = CodeSystem.model_validate_json(path.read_bytes())
        concepts = system.concept or []
        own = [entry.code for entry in concepts]
        assert len(own) == len(set(own)) == system.count
        assert system.content == "complete"
        assert system.caseSensitive
        assert all(entry.display and entry.definition for entry in concepts)

    @pytest.mark.parametrize("path", [*VALUE_SETS, *CONCEPT_MAPS, *CODE_SYSTEMS], ids=lambda path: path.stem)
    def test_the_file_name_the_id_and_the_url_agree(self, path: Path) -> None:
        resource = read(path)
        assert resource["id"] == path.stem.replace(".", "-", 1)
        assert resource["url"] == f"{BASE}/{resource['resourceType']}/{resource['id']}"

    def test_no_two_resources_share_a_url_or_a_name(self) -> None:
        resources = [read(path) for path in (*VALUE_SETS, *CONCEPT_MAPS, *CODE_SYSTEMS)]
        for element in ("url", "name"):
            values = [(resource["resourceType"], resource[element]) for resource in resources]
            assert len(values) == len(set(values)), element

    @pytest.mark.parametrize("path", [*VALUE_SETS, *CONCEPT_MAPS], ids=lambda path: path.stem)
    def test_a_file_holds_only_systems_of_its_licence_group_and_names_their_licence(self, path: Path) -> None:
        systems = {system for system, _ in codes(path)}
        assert systems
        assert systems <= SYSTEMS_OF_GROUP[group(path)]
        assert all(LICENCE_WORD[system] in read(path)["copyright"] for system in systems)

    @pytest.mark.parametrize("path", [*VALUE_SETS, *CONCEPT_MAPS], ids=lambda path: path.stem)
    def test_no_code_stands_twice_in_a_file_and_every_file_says_where_it_comes_from(self, path: Path) -> None:
        listed = list(codes(path))
        assert len(listed) == len(set(listed))
        assert "Source: " in read(path)["description"]

    @pytest.mark.parametrize("path", CONCEPT_MAPS, ids=lambda path: path.stem)
    def test_a_map_leads_to_codes_that_our_code_systems_define(self, path: Path) -> None:
        for part in read(path)["group"]:
            ours = read(ROOT / "code_systems" / f"{part['target'].rpartition('/')[2]}.json")
            known = {entry["code"]: entry["display"] for entry in ours["concept"]}
            assert part["target"] == ours["url"]
            for element in part["element"]:
                (target,) = element["target"]  # one meaning a code; the reader takes no second
                assert known[target["code"]] == target["display"]

    @pytest.mark.parametrize("path", [*VALUE_SETS, *CONCEPT_MAPS], ids=lambda path: path.stem)
    def test_a_file_is_written_as_it_is_formatted(self, path: Path) -> None:
        assert path.read_text(encoding="utf-8") == json.dumps(read(path), indent=2, ensure_ascii=False) + "\n"


class TestTheConcepts:
    @pytest.mark.parametrize("concept", Concept)
    def test_every_concept_has_a_file(self, concept: Concept) -> None:
        assert codes_of(concept)

    @pytest.mark.parametrize("path", VALUE_SETS, ids=lambda path: path.stem)
    def test_every_file_is_of_a_concept(self, path: Path) -> None:
        assert name(path) in set(Concept)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.MERKEL_CELL),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.NEUROENDOCRINE_NOT_ENOUGH_ALONE),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.NEUROENDOCRINE_HISTORY),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.PRIMARY_LIVER_NEUROENDOCRINE),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.PRIMARY_LIVER_CANCER),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.SMALL_CELL_CARCINOMA),
            (Concept.NEUROENDOCRINE_NEOPLASM, Concept.MALIGNANT_NEOPLASM),
            (Concept.LIVER_METASTASIS, Concept.EXTRAHEPATIC_METASTASIS),
            (Concept.LIVER_METASTASIS, Concept.METASTASIS_SITE_UNSTATED),
            (Concept.LIVER_METASTASIS, Concept.PRIMARY_LIVER_CANCER),
            (Concept.LIVER_METASTASIS, Concept.MALIGNANT_NEOPLASM),
            (Concept.EXTRAHEPATIC_METASTASIS, Concept.METASTASIS_SITE_UNSTATED),
            (Concept.EXTRAHEPATIC_METASTASIS, Concept.LYMPH_NODE_METASTASIS),
            (Concept.EXTRAHEPATIC_METASTASIS, Concept.DISTANT_LYMPH_NODE_METASTASIS),
            (Concept.POORLY_DIFFERENTIATED, Concept.WELL_DIFFERENTIATED),
            (Concept.KI_67_PERCENT, Concept.KI_67_NOT_PERCENT),
            (Concept.PLATELET_SEROTONIN, Concept.SEROTONIN_OTHER_SPECIMEN),
            (Concept.HEPATIC_ARTERY_EMBOLISATION, Concept.RADIOEMBOLISATION),
            (Concept.HEPATIC_ARTERY_EMBOLISATION, Concept.PORTAL_VEIN_EMBOLISATION),
            (Concept.HEPATIC_ARTERY_EMBOLISATION, Concept.EMBOLISATION_SITE_UNSTATED),
            (Concept.CT_LIVER_OR_ABDOMEN, Concept.LIVER_THERAPY_GUIDANCE),
            (Concept.MR_LIVER_OR_ABDOMEN, Concept.LIVER_THERAPY_GUIDANCE),
            (Concept.CT_LIVER_OR_ABDOMEN, Concept.MR_LIVER_OR_ABDOMEN),
            (Concept.CARCINOID_SYNDROME, Concept.CARCINOID_SYMPTOM),
            (Concept.OTHER_FUNCTIONING_SYNDROME, Concept.FUNCTIONING_SYNDROME_HINT),
        ],
    )
    def test_no_code_means_two_things_that_exclude_each_other(self, one: Concept, other: Concept) -> None:
        assert not codes_of(one) & codes_of(other)

    def test_a_neuroendocrine_liver_metastasis_is_both_of_its_halves(self) -> None:
        both = codes_of(Concept.NEUROENDOCRINE_LIVER_METASTASIS)
        assert both <= codes_of(Concept.NEUROENDOCRINE_NEOPLASM) & codes_of(Concept.LIVER_METASTASIS)


def luhn_holds(number: str) -> bool:
    """LOINC's mod 10 check digit (the last digit)."""
    total = 0
    for place, digit in enumerate(reversed([int(character) for character in number])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


_DIHEDRAL = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_PERMUTATION = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def verhoeff_holds(number: str) -> bool:
    """SNOMED CT's check digit (the last digit), computed in the dihedral group of order ten."""
    check = 0
    for place, character in enumerate(reversed(number)):
        check = int(_DIHEDRAL[check][int(_PERMUTATION[place % 8][int(character)])])
    return check == 0


class TestCheckDigits:
    @pytest.mark.parametrize(("number", "holds"), [("21889-1", True), ("21889-2", False), ("28189-1", False)])
    def test_the_loinc_check_finds_typing_errors(self, number: str, holds: bool) -> None:
        assert luhn_holds(number.replace("-", "")) is holds

    @pytest.mark.parametrize(("number", "holds"), [("94381002", True), ("94381003", False), ("94318002", False)])
    def test_the_snomed_check_finds_typing_errors(self, number: str, holds: bool) -> None:
        assert verhoeff_holds(number) is holds

    @pytest.mark.parametrize("path", [*VALUE_SETS, *CONCEPT_MAPS], ids=lambda path: path.stem)
    def test_every_loinc_and_snomed_code_carries_the_right_digit(self, path: Path) -> None:
        for system, code in codes(path):
            if system == LOINC:
                assert luhn_holds(code.replace("-", "")), code
            if system == SNOMED_CT:
                assert verhoeff_holds(code), code


C = Concept


class TestConcepts:
    @pytest.mark.parametrize(
        ("system", "code", "expected", "why"),
        [
            (
                ICD_10_CM,
                "C7B.02",
                {C.NEUROENDOCRINE_NEOPLASM, C.LIVER_METASTASIS, C.NEUROENDOCRINE_LIVER_METASTASIS},
                "tumour and place in one code",
            ),
            (
                ICD_10_CM,
                "C7B.8",
                {C.NEUROENDOCRINE_NEOPLASM, C.METASTASIS_SITE_UNSTATED},
                "neither liver nor elsewhere until a body site says so",
            ),
            (
                ICD_10_CM,
                "C7B.01",
                {C.NEUROENDOCRINE_NEOPLASM, C.DISTANT_LYMPH_NODE_METASTASIS},
                "distant by its own name, unlike C77",
            ),
            (ICD_10_CM, "C7B.1", {C.MERKEL_CELL}, "Merkel stands among the C7B codes"),
            (ICD_10_CM, "C4A.9", {C.MERKEL_CELL}, "charts carry the billable code, not the header"),
            (
                ICD_10_CM,
                "C7A.1",
                {C.NEUROENDOCRINE_NEOPLASM, C.POORLY_DIFFERENTIATED},
                "the grade is in the name",
            ),
            (ICD_10_CM, "C7A.012", {C.NEUROENDOCRINE_NEOPLASM}, "C7A.0x says nothing about differentiation"),
            (ICD_10_CM, "C25.4", {C.NEUROENDOCRINE_NEOPLASM}, "islet cells, outside the C7A block"),
            (ICD_10, "C25.4", set[Concept](), "a WHO code alone never proves NET"),
            (ICD_10_CM, "C78.7", {C.LIVER_METASTASIS}, "liver, of any tumour"),
            (ICD_10, "C78.7", {C.LIVER_METASTASIS}, "the WHO code has the same meaning"),
            (ICD_10_CM, "C78.00", {C.EXTRAHEPATIC_METASTASIS}, "the lung"),
            (ICD_10_CM, "C79.9", {C.METASTASIS_SITE_UNSTATED}, "unspecified site, not extrahepatic"),
            (ICD_10_CM, "C78", {C.METASTASIS_SITE_UNSTATED}, "the header includes the liver"),
            (ICD_10_CM, "C77.2", {C.LYMPH_NODE_METASTASIS}, "regional or distant depends on the primary"),
            (ICD_10_CM, "D3A.012", {C.NEUROENDOCRINE_NOT_ENOUGH_ALONE}, "benign by code"),
            (ICD_10_CM, "Z85.060", {C.NEUROENDOCRINE_HISTORY}, "history does not count as NET"),
            (ICD_10_CM, "C80.1", {C.UNKNOWN_PRIMARY}, "the American code"),
            (ICD_10, "C80.9", {C.UNKNOWN_PRIMARY}, "the WHO's"),
            (ICD_10, "C80.1", set[Concept](), "the WHO has no such code"),
            (
                ICD_10_CM,
                "E34.01",
                {C.CARCINOID_SYNDROME, C.CARCINOID_HEART_DISEASE},
                "the heart implies the syndrome",
            ),
            (ICD_10_CM, "E34.0", {C.CARCINOID_SYNDROME}, "older data, before the split"),
            (ICD_10_CM, "R23.2", {C.CARCINOID_SYMPTOM}, "flushing alone is a hint"),
            (ICD_10_CM, "E16.4", {C.FUNCTIONING_SYNDROME_HINT}, "gastrin without a tumour code"),
            (ICD_10_CM, "K76.82", {C.HEPATIC_FAILURE}, "hepatic encephalopathy"),
            (ICD_10_CM, "K76.6", set[Concept](), "portal hypertension is not failure"),
            (SNOMED_CT, "94381002", {C.LIVER_METASTASIS}, "liver, of any tumour"),
            (
                SNOMED_CT,
                "285613005",
                {C.LIVER_METASTASIS, C.LIVER_METASTASIS_UNKNOWN_PRIMARY},
                "with raised CgA it asks for pathology",
            ),
            (
                SNOMED_CT,
                "705176003",
                {C.NEUROENDOCRINE_NEOPLASM, C.METASTASIS_SITE_UNSTATED},
                "liver only with a body site",
            ),
            (
                SNOMED_CT,
                "135091000119106",
                {C.NEUROENDOCRINE_NEOPLASM, C.EXTRAHEPATIC_METASTASIS},
                "peritoneum, and neuroendocrine",
            ),
            (
                SNOMED_CT,
                "713189001",
                {C.NEUROENDOCRINE_NEOPLASM, C.OTHER_FUNCTIONING_SYNDROME},
                "insulinoma: octreotide can harm",
            ),
            (
                SNOMED_CT,
                "716652006",
                {C.PRIMARY_LIVER_NEUROENDOCRINE, C.MALIGNANT_NEOPLASM},
                "started in the liver: not ours",
            ),
            (SNOMED_CT, "22228003", set[Concept](), "uncertain malignant potential"),
            (SNOMED_CT, "74364000", {C.SMALL_CELL_CARCINOMA}, "usually of the lung"),
            (SNOMED_CT, "55937004", {C.NEUROENDOCRINE_NEOPLASM}, "older NEC code: the paper's own class too"),
            (
                SNOMED_CT,
                "1286767006",
                {C.NEUROENDOCRINE_NEOPLASM, C.POORLY_DIFFERENTIATED},
                "current NEC code: poorly differentiated",
            ),
            (ICD_O_3, "8246/3", {C.NEUROENDOCRINE_NEOPLASM}, "NEC without a grade"),
            (ICD_O_3, "8247/3", {C.MERKEL_CELL}, "one digit from NEC"),
            (
                ICD_O_3,
                "8154/3",
                {C.NEUROENDOCRINE_NOT_ENOUGH_ALONE},
                "mixed, between two functioning tumours",
            ),
            (
                ICD_O_3,
                "8153/3",
                {C.NEUROENDOCRINE_NEOPLASM, C.OTHER_FUNCTIONING_SYNDROME},
                "gastrinoma",
            ),
            (ICD_O_3, "8241/3", {C.NEUROENDOCRINE_NEOPLASM}, "serotonin is not an *other* hormone"),
            (ICD_O_3, "C22.0", {C.LIVER_BODY_SITE}, "topography: any tumour of the liver"),
            (ICD_10_CM, "C22.0", {C.PRIMARY_LIVER_CANCER}, "the same characters in another system"),
            (LOINC, "42671-8", {C.PLATELET_SEROTONIN}, "the verified platelet code"),
            (LOINC, "2939-7", {C.SEROTONIN_OTHER_SPECIMEN}, "whole blood is no substitute"),
            (LOINC, "1693-1", set[Concept](), "5-HIAA in serum or plasma is not the fallback"),
            (LOINC, "33055-5", {C.KI_67_NOT_PERCENT}, "presence, not percentage"),
            (LOINC, "53047-7", set[Concept](), "chromogranin A in other fluids"),
            (
                LOINC,
                "30611-8",
                {C.CT_LIVER_OR_ABDOMEN, C.IMAGING_WITHOUT_CONTRAST},
                "done, but without contrast",
            ),
            (LOINC, "44101-4", {C.LIVER_THERAPY_GUIDANCE}, "guidance never counts as imaging"),
            (
                LOINC,
                "88935-2",
                {C.LIVER_THERAPY_GUIDANCE, C.HEPATIC_ARTERY_EMBOLISATION},
                "guidance shows that the therapy took place",
            ),
            (
                LOINC,
                "88939-4",
                {C.LIVER_THERAPY_GUIDANCE, C.RADIOEMBOLISATION},
                "never read as embolisation",
            ),
            (LOINC, "39828-9", {C.SOMATOSTATIN_RECEPTOR_IMAGING}, "octreotide scan"),
            (LOINC, "81555-5", set[Concept](), "FDG-PET is another tracer"),
            (
                SNOMED_CT,
                "723069003",
                {C.LIVER_RESECTION, C.PORTAL_VEIN_EMBOLISATION},
                "ALPPS ties the portal vein",
            ),
            (SNOMED_CT, "16736007", {C.EMBOLISATION_SITE_UNSTATED}, "any vessel"),
            (ICD_10_PCS, "0f503z3", {C.LIVER_ABLATION}, "LITT, in lower case"),
            (RXNORM, "1999335", {C.RADIONUCLIDE_SOMATOSTATIN_ANALOGUE}, "with its radionuclide"),
            (RXNORM, "1797118", set[Concept](), "dotatate alone is a diagnostic kit too"),
            (SNOMED_CT, "1263784000", set[Concept](), "PSMA ligand"),
            (SNOMED_CT, "764678003", set[Concept](), "microspheres"),
            (ATC, "V10XA02", {C.MIBG_THERAPY}, "therapeutic"),
            (ATC, "V09IX02", set[Concept](), "the diagnostic tracer"),
            (RXNORM, "40790", {C.PROTON_PUMP_INHIBITOR}, "pantoprazole"),
            (ATC, "A02BC01", {C.PROTON_PUMP_INHIBITOR}, "omeprazole"),
            (ATC, "A02BA02", set[Concept](), "ranitidine is of another class"),
            (RXNORM, "321988", {C.SEROTONIN_REUPTAKE_INHIBITOR}, "escitalopram"),
            (ATC, "N06AX21", {C.SEROTONIN_REUPTAKE_INHIBITOR}, "duloxetine"),
            (ATC, "N06AX11", set[Concept](), "mirtazapine inhibits no reuptake"),
            (DICOM, "PT", {C.PET_MODALITY}, "our word is pet, DICOM's is PT"),
            (CPT, "47380", set[Concept](), "CPT is recognised and has no list"),
            (None, "C7B.02", set[Concept](), "a code without a system means nothing"),
            (ICD_10_CM, None, set[Concept](), "a system without a code means nothing"),
            (SNOMED_CT, "C7B.02", set[Concept](), "the right code in the wrong system"),
        ],
    )
    def test_a_code_means(
        self, terminology: Terminology, system: str | None, code: str | None, expected: set[Concept], why: str
    ) -> None:
        assert terminology.concepts(system, code) == expected, why

    @pytest.mark.parametrize(
        ("system", "code"),
        [
            (ICD_10_CM, "c7b02"),
            (ICD_10_CM, "C7B02"),
            (ICD_10_CM, " c7b.02 "),
            ("urn:oid:2.16.840.1.113883.6.90", "C7B.02"),
            ("https://hl7.org/fhir/sid/icd-10-cm/", "c7b02"),
        ],
    )
    def test_the_spelling_of_an_icd_code_does_not_matter(
        self, terminology: Terminology, system: str, code: str
    ) -> None:
        assert Concept.NEUROENDOCRINE_LIVER_METASTASIS in terminology.concepts(system, code)

    def test_a_three_character_icd_code_gets_no_dot(self, terminology: Terminology) -> None:
        assert terminology.concepts(ICD_10_CM, "i81") == {Concept.PORTAL_VEIN_THROMBOSIS}
        assert terminology.concepts(ICD_10_CM, "C7A.") == {Concept.NEUROENDOCRINE_NEOPLASM}

    def test_the_case_of_other_codes_matters(self, terminology: Terminology) -> None:
        assert terminology.concepts(DICOM, "ct") == set()


class TestPrimarySite:
    @pytest.mark.parametrize(
        ("system", "code", "expected", "why"),
        [
            (ICD_10_CM, "C7A.012", "ileum", "the plain case"),
            (ICD_10_CM, "c7a012", "ileum", "without dot, in lower case"),
            (ICD_10_CM, "C7A.021", "cecum", "counts as midgut (P), which is not decided here"),
            (ICD_10_CM, "C7A.019", "small_intestine", "the part is not stated"),
            (ICD_10_CM, "C7A.090", "lung", "bronchus and lung are one code"),
            (ICD_10_CM, "C7A.096", "hindgut", "only the region is named"),
            (ICD_10_CM, "C25.4", "pancreas", "islet cells"),
            (ICD_10_CM, "C7A.029", None, "colon without its part is never hindgut"),
            (ICD_10_CM, "C7A.02", None, "appendix to rectum in one header"),
            (ICD_10_CM, "C7A.098", None, "other sites"),
            (ICD_10_CM, "C7B.02", None, "a metastasis names no primary"),
            (ICD_10_CM, "Z85.060", None, "history codes do not count as NET"),
            (ICD_10_CM, "D3A.012", None, "benign codes do not count as NET"),
            (SNOMED_CT, "733351008", "ampulla", "a site of its own"),
            (SNOMED_CT, "733163007", "anal_canal", "hindgut"),
            (SNOMED_CT, "721698005", None, "colon without its part"),
            (SNOMED_CT, "726654006", None, "colon without its part"),
            (SNOMED_CT, "34516001", "ileum", "body site"),
            (SNOMED_CT, "10200004", None, "the liver is where it went"),
            (SNOMED_CT, "404810003", None, "serotonin names no organ"),
            (ICD_O_3, "C18.1", "appendix", "topography"),
            (ICD_O_3, "C80.9", None, "unknown primary"),
            (ICD_10, "C20", "rectum", "a category without decimals"),
            (None, "C7A.012", None, "a code without a system means nothing"),
        ],
    )
    def test_a_code_names_an_organ_or_none(
        self, terminology: Terminology, system: str | None, code: str, expected: str | None, why: str
    ) -> None:
        assert terminology.primary_site(system, code) == expected, why

    def test_every_diagnosis_in_icd_10_cm_that_names_an_organ_is_a_neuroendocrine_one(self) -> None:
        mapped = set(codes(ROOT / "concept_maps" / "primary-site.json"))
        assert mapped <= codes_of(Concept.NEUROENDOCRINE_NEOPLASM)


class TestLymphNodeRegion:
    @pytest.mark.parametrize(
        ("system", "code", "expected", "why"),
        [
            (ICD_10_CM, "C77.0", "head_neck", ""),
            (ICD_10_CM, "C77.1", "intrathoracic", "regional for lung and thymus"),
            (ICD_10_CM, "C77.2", "intra_abdominal", "regional for gut and pancreas"),
            (ICD_10_CM, "C77.3", "axilla", ""),
            (ICD_10_CM, "C77.4", "inguinal", ""),
            (ICD_10_CM, "C77.5", "pelvic", "regional for the rectum"),
            (ICD_10, "C77.5", "pelvic", "the WHO code has the same meaning"),
            (SNOMED_CT, "94410007", "intra_abdominal", "mesentery"),
            (SNOMED_CT, "94519005", "intra_abdominal", "retroperitoneum"),
            (SNOMED_CT, "94351005", "intrathoracic", ""),
            (ICD_10_CM, "C77.8", None, "several regions: regional or distant is unknown"),
            (ICD_10_CM, "C77.9", None, "no region named"),
            (ICD_10_CM, "C77", None, "no region named"),
            (SNOMED_CT, "94392001", None, "no region named"),
            (ICD_10_CM, "C7B.01", None, "distant, region not named"),
        ],
    )
    def test_a_code_names_one_region_or_none(
        self, terminology: Terminology, system: str, code: str, expected: str | None, why: str
    ) -> None:
        assert terminology.lymph_node_region(system, code) == expected, why

    def test_only_lymph_node_metastases_have_a_region(self) -> None:
        mapped = {code for path in CONCEPT_MAPS if name(path) == "lymph-node-region" for code in codes(path)}
        assert mapped <= codes_of(Concept.LYMPH_NODE_METASTASIS)


OTHER_MALIGNANCY = [
    (ICD_10_CM, "C00.0", True, "first of the range"),
    (ICD_10_CM, "C18.9", True, "colon cancer"),
    (ICD_10_CM, "C50911", True, "without the dot"),
    (ICD_10_CM, "c61", True, "a category in lower case"),
    (ICD_10_CM, "C75.9", True, "last of the first range"),
    (ICD_10_CM, "C76.2", False, "ill-defined site"),
    (ICD_10_CM, "C77.2", False, "a metastasis is not another tumour by itself"),
    (ICD_10_CM, "C78.7", False, "liver metastasis"),
    (ICD_10_CM, "C79.51", False, "bone metastasis"),
    (ICD_10_CM, "C80.0", False, "says only that the primary is unknown (P)"),
    (ICD_10_CM, "C80.1", False, "says only that the primary is unknown (P)"),
    (ICD_10_CM, "C80.2", True, "of a transplanted organ"),
    (ICD_10_CM, "C81.90", True, "lymphoma"),
    (ICD_10_CM, "C96.9", True, "last of the second range"),
    (ICD_10_CM, "C4A.9", False, "Merkel"),
    (ICD_10_CM, "C4A", False, "Merkel"),
    (ICD_10_CM, "C43.9", True, "melanoma, next to Merkel"),
    (ICD_10_CM, "C7A.098", False, "our tumour"),
    (ICD_10_CM, "C7A.999", False, "a C7A code of a later edition"),
    (ICD_10_CM, "C7B.8", False, "our tumour"),
    (ICD_10_CM, "C25.4", False, "endocrine pancreas"),
    (ICD_10_CM, "C25.9", True, "pancreas"),
    (ICD_10_CM, "C22.0", True, "started in the liver"),
    (ICD_10_CM, "D05.1", False, "in situ"),
    (ICD_10_CM, "Z85.3", False, "history"),
    (ICD_10_CM, "C", False, "not a code"),
    (ICD_10_CM, "C500XX", True, "the category is what counts"),
    (ICD_10, "C25.4", False, "the WHO's islet cells are at least no other tumour"),
    (ICD_10, "C80.0", False, "says only that the primary is unknown (P)"),
    (ICD_10, "C80.9", False, "says only that the primary is unknown (P)"),
    (ICD_10, "C97", True, "several primaries; the WHO only"),
    ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "C18.7", True, "the German edition is read as the WHO's"),
    (SNOMED_CT, "109841003", True, "liver cell carcinoma"),
    (SNOMED_CT, "363346000", True, "cancer that nobody calls neuroendocrine"),
    (SNOMED_CT, "716652006", True, "primary in the liver"),
    (SNOMED_CT, "445238008", False, "our tumour"),
    (SNOMED_CT, "94381002", False, "liver metastasis"),
    (ICD_O_3, "C18.9", False, "a topography is no malignancy"),
    (LOINC, "C18.9", False, "the right code in the wrong system"),
    (None, "C18.9", False, "a code without a system means nothing"),
    (ICD_10_CM, None, False, "a system without a code means nothing"),
]


class TestOtherMalignancy:
    @pytest.mark.parametrize(("system", "code", "expected", "why"), OTHER_MALIGNANCY)
    def test_the_boundaries(
        self, terminology: Terminology, system: str | None, code: str | None, expected: bool, why: str
    ) -> None:
        assert terminology.is_other_malignancy(system, code) is expected, why

    def test_no_code_of_our_tumour_is_another_malignancy(self, terminology: Terminology) -> None:
        ours = codes_of(Concept.NEUROENDOCRINE_NEOPLASM)
        assert not [code for code in ours if terminology.is_other_malignancy(*code)]

    @pytest.mark.parametrize(
        ("system", "code", "expected", "why"),
        [row for row in OTHER_MALIGNANCY if row[0] in (ICD_10, ICD_10_CM)],
    )
    def test_the_icd_ranges_do_not_need_the_value_sets(
        self, system: str, code: str | None, expected: bool, why: str
    ) -> None:
        bare = Terminology(by_code={}, sites={}, regions={}, loaded=())
        assert bare.is_other_malignancy(system, code) is expected, why


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (SNOMED_CT, SNOMED_CT),
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED_CT),
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.90", ICD_10_CM),
        ("urn:oid:2.16.840.1.113883.6.3", ICD_10),
        ("urn:oid:2.16.840.1.113883.6.4", ICD_10_PCS),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.6.12", CPT),
        ("urn:oid:2.16.840.1.113883.6.8", UCUM),
        ("urn:oid:2.16.840.1.113883.6.73", ATC),
        ("urn:oid:2.16.840.1.113883.6.285", HCPCS),
        ("urn:oid:2.16.840.1.113883.6.43.1", ICD_O_3),
        ("urn:oid:1.2.840.10008.2.16.4", DICOM),
        ("https://loinc.org", LOINC),
        ("http://loinc.org/", LOINC),
        ("https://loinc.org/", LOINC),
        ("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", HCPCS),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", ICD_10),
        ("http://fhir.de/CodeSystem/dimdi/icd-10-gm", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-gm", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-nl", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-us", ICD_10_CM),
        (f"{NELM_ASSESSMENT}/", NELM_ASSESSMENT),
        (NELM_RECOMMENDATION.replace("https", "http"), NELM_RECOMMENDATION),
        ("urn:oid:2.16.840.1.113883.6.9", "urn:oid:2.16.840.1.113883.6.9"),  # a prefix of two others
        ("http://loinc.org/sct", "http://loinc.org/sct"),
        ("urn:oid:1.2.36.1", "urn:oid:1.2.36.1"),  # a site's own system comes back as it is
        ("", ""),
        (None, ""),
    ],
)
def test_a_system_under_any_of_its_names_is_one_system(uri: str | None, expected: str) -> None:
    assert canonical_system(uri) == expected


class TestLoading:
    def test_it_happens_once(self) -> None:
        assert load_terminology() is load_terminology()

    def test_it_reports_what_it_loaded(self, terminology: Terminology) -> None:
        sets = terminology.value_sets()
        assert [entry.url for entry in sets] == [read(path)["url"] for path in VALUE_SETS]
        assert [entry.count for entry in sets] == [len(list(codes(path))) for path in VALUE_SETS]
        assert all(entry.title and entry.licence for entry in sets)

    def test_every_listed_code_is_found_under_its_concept(self, terminology: Terminology) -> None:
        for path in VALUE_SETS:
            for system, code in codes(path):
                assert Concept(name(path)) in terminology.concepts(system, code)


class TestOurOwnCodes:
    def test_the_recommendations_are_those_of_the_protocol(self) -> None:
        own = {entry["code"] for entry in read(ROOT / "code_systems" / "nelm-recommendation.json")["concept"]}
        families = {
            "W": "PRIM CGA SEROT SYMPT CT SRS KI67 PATH EXTRA MAP RESECT EMBO MIBG HEPMEG",
            "I": "NOSEROT",
            "T": "RESECT ABLATE ABLATE-EXT ABLATE-PALL DEBULK RADIO-ADJ EMBO EMBO-AGAIN RESECT-POSTEMBO OCT "
            "MIBG PRRT OLT-EVAL IFN",
            "R": "MDT-HG MDT",
            "S": "OCT-PERI OCT-CRISIS DIURESIS OLT-WARN",
            "F": "CGA SEROT",
        }
        assert own == {f"{letter}-{rest}" for letter, all_of in families.items() for rest in all_of.split()}

    def test_the_code_systems_have_the_urls_that_the_readers_compare_with(self) -> None:
        urls = {read(path)["url"] for path in CODE_SYSTEMS}
        assert {NELM_ASSESSMENT, NELM_RECOMMENDATION} <= urls

    def test_the_topics_of_cards_are_alphanumeric(self) -> None:
        # Epic refuses anything else in source.topic.
        topics = [entry["code"] for entry in read(ROOT / "code_systems" / "nelm-card.json")["concept"]]
        assert topics == ["emergency", "workup", "treatment", "refer", "unread"]
        assert all(topic.isalnum() for topic in topics)


@pytest.mark.parametrize(
    ("system", "code", "known", "why"),
    [
        (ICD_10_CM, "C7B.02", True, "a concept"),
        (ICD_O_3, "C34.9", True, "the topography of a primary, and nothing else"),
        (ICD_10_CM, "C50.9", True, "another malignancy, by its category alone"),
        (ICD_10_CM, "E11.9", False, "diabetes"),
        (None, "C7B.02", False, "a code without a system"),
    ],
)
def test_a_code_is_known_if_it_means_anything(system: str | None, code: str, known: bool, why: str) -> None:
    assert load_terminology().knows(system, code) is known, why


def test_a_region_of_lymph_nodes_is_known_where_its_value_set_was_deleted() -> None:
    assert replace(load_terminology(), by_code={}).knows(SNOMED_CT, "94410007")
