"""Says what a code means to this product: (system, code) in, concepts out.

The codes live in FHIR resources beside this file: `value_sets/` (one concept and one licence group a file),
`concept_maps/` (organs and lymph node regions) and `code_systems/` (our own codes). A site without a licence
for SNOMED CT, ICD-O-3, ATC or ICD-10 (WHO) deletes those files: it loses their codes and nothing else.

Only system and code are compared, never a display. A code that is not listed means nothing to us, which is not "no".
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from fhir_mappings.systems import DOTTED, ICD_10, ICD_10_CM, normal_key


class Concept(StrEnum):
    """What a code can mean to us; the value is the name of its value set files."""

    # Which tumour, and where it has gone
    NEUROENDOCRINE_NEOPLASM = "neuroendocrine-neoplasm"
    NEUROENDOCRINE_LIVER_METASTASIS = "neuroendocrine-liver-metastasis"  # C7B.02: both facts in one code
    LIVER_METASTASIS = "liver-metastasis"
    LIVER_METASTASIS_UNKNOWN_PRIMARY = "liver-metastasis-unknown-primary"
    UNKNOWN_PRIMARY = "unknown-primary"
    METASTASIS_SITE_UNSTATED = "metastasis-site-unstated"  # the site can come only from bodySite
    EXTRAHEPATIC_METASTASIS = "extrahepatic-metastasis"  # never lymph nodes: those depend on the primary
    DISTANT_LYMPH_NODE_METASTASIS = "distant-lymph-node-metastasis"
    LYMPH_NODE_METASTASIS = "lymph-node-metastasis"
    NEUROENDOCRINE_NOT_ENOUGH_ALONE = "neuroendocrine-not-enough-alone"
    NEUROENDOCRINE_HISTORY = "neuroendocrine-history"
    MERKEL_CELL = "merkel-cell"
    PRIMARY_LIVER_NEUROENDOCRINE = "primary-liver-neuroendocrine"
    SMALL_CELL_CARCINOMA = "small-cell-carcinoma"  # ours only beside a digestive site or a NET code
    PRIMARY_LIVER_CANCER = "primary-liver-cancer"
    MALIGNANT_NEOPLASM = "malignant-neoplasm"  # SNOMED CT only; ICD ranges: `is_other_malignancy`
    POORLY_DIFFERENTIATED = "poorly-differentiated"
    WELL_DIFFERENTIATED = "well-differentiated"

    # What it does to the patient
    CARCINOID_SYNDROME = "carcinoid-syndrome"
    CARCINOID_SYMPTOM = "carcinoid-symptom"  # a hint, never the syndrome
    CARCINOID_CRISIS = "carcinoid-crisis"
    CARCINOID_HEART_DISEASE = "carcinoid-heart-disease"
    OTHER_FUNCTIONING_SYNDROME = "other-functioning-syndrome"
    FUNCTIONING_SYNDROME_HINT = "functioning-syndrome-hint"
    HEPATOMEGALY = "hepatomegaly"
    HEPATIC_FAILURE = "hepatic-failure"
    PORTAL_VEIN_THROMBOSIS = "portal-vein-thrombosis"  # degree not stated

    # Measurements
    CHROMOGRANIN_A = "chromogranin-a"
    PLATELET_SEROTONIN = "platelet-serotonin"
    SEROTONIN_OTHER_SPECIMEN = "serotonin-other-specimen"  # no substitute for the platelet test (R5)
    URINARY_5_HIAA = "urinary-5-hiaa"
    KI_67_PERCENT = "ki-67-percent"
    KI_67_NOT_PERCENT = "ki-67-not-percent"
    TUMOUR_SIZE = "tumour-size"
    TUMOUR_LONGEST_DIAMETER = "tumour-longest-diameter"
    BILIRUBIN_TOTAL = "bilirubin-total"
    INR = "inr"
    ALBUMIN = "albumin"
    DISEASE_STATUS_MCODE = "disease-status-mcode"
    PATHOLOGY_REPORT = "pathology-report"
    MEASURED_BY_PATHOLOGY = "measured-by-pathology"
    HISTOLOGIC_GRADE = "histologic-grade"

    # Imaging
    CT_MODALITY = "ct-modality"
    MR_MODALITY = "mr-modality"
    PET_MODALITY = "pet-modality"
    NM_MODALITY = "nm-modality"
    US_MODALITY = "us-modality"
    CT_LIVER_OR_ABDOMEN = "ct-liver-or-abdomen"
    MR_LIVER_OR_ABDOMEN = "mr-liver-or-abdomen"
    IMAGING_WITHOUT_CONTRAST = "imaging-without-contrast"
    SOMATOSTATIN_RECEPTOR_IMAGING = "somatostatin-receptor-imaging"
    MIBG_IMAGING = "mibg-imaging"
    LIVER_THERAPY_GUIDANCE = "liver-therapy-guidance"  # never diagnostic imaging
    NON_DIAGNOSTIC_IMAGING = "non-diagnostic-imaging"  # a needle's guidance, MRCP
    OTHER_REGION = "other-region"  # an examination that leaves out the liver

    # Places
    LIVER_BODY_SITE = "liver-body-site"
    ABDOMEN_BODY_SITE = "abdomen-body-site"  # of an examination, not of a tumour
    DIGESTIVE_BODY_SITE = "digestive-body-site"
    EXTRAHEPATIC_BODY_SITE = "extrahepatic-body-site"  # of a metastasis

    # Treatments
    LIVER_RESECTION = "liver-resection"
    LIVER_ABLATION = "liver-ablation"
    HEPATIC_ARTERY_EMBOLISATION = "hepatic-artery-embolisation"
    EMBOLISATION_SITE_UNSTATED = "embolisation-site-unstated"
    PORTAL_VEIN_EMBOLISATION = "portal-vein-embolisation"
    RADIOEMBOLISATION = "radioembolisation"
    LIVER_TRANSPLANTATION = "liver-transplantation"
    LIVER_TRANSPLANT_STATUS = "liver-transplant-status"
    BILIARY_ENTERIC_ANASTOMOSIS = "biliary-enteric-anastomosis"
    UNSUCCESSFUL_OUTCOME = "unsuccessful-outcome"
    OCTREOTIDE = "octreotide"
    LANREOTIDE = "lanreotide"
    RADIONUCLIDE_SOMATOSTATIN_ANALOGUE = "radionuclide-somatostatin-analogue"
    MIBG_THERAPY = "mibg-therapy"
    INTERFERON_ALFA = "interferon-alfa"
    PROTON_PUMP_INHIBITOR = "proton-pump-inhibitor"  # raises chromogranin A
    SEROTONIN_REUPTAKE_INHIBITOR = "serotonin-reuptake-inhibitor"  # lowers serotonin in blood; SNRI too


_CATEGORY: Final = re.compile(r"C([0-9]{2})(?:\..+)?")
# They say only that the primary is not known (P). Held here, not read from the value set, because a site
# that deletes the WHO files must not turn an unknown primary into a second cancer.
_PRIMARY_NOT_KNOWN: Final = frozenset(
    {(ICD_10_CM, "C80.0"), (ICD_10_CM, "C80.1"), (ICD_10, "C80.0"), (ICD_10, "C80.9")}
)
_ENDOCRINE_PANCREAS: Final = "C25.4"  # our own tumour in ICD-10-CM; in ICD-10 (WHO) at least never another


@dataclass(frozen=True, slots=True)
class ValueSetInfo:
    """Which value set is loaded, and under which licence its codes stand."""

    url: str
    title: str
    count: int
    licence: str


@dataclass(frozen=True, slots=True)
class Terminology:
    """The loaded code lists. It answers for one code at a time and knows nothing of a Condition's status."""

    by_code: Mapping[tuple[str, str], frozenset[Concept]]
    sites: Mapping[tuple[str, str], str]
    regions: Mapping[tuple[str, str], str]
    loaded: tuple[ValueSetInfo, ...]

    def concepts(self, system: str | None, code: str | None) -> frozenset[Concept]:
        """Everything the code means to us; the empty set if it is not listed."""
        return self.by_code.get(normal_key(system, code), frozenset())

    def primary_site(self, system: str | None, code: str | None) -> str | None:
        """The organ (or embryological region) that the code names as one in which a NET can start.

        That the tumour is neuroendocrine must come from elsewhere: body sites and WHO site codes map too.
        """
        return self.sites.get(normal_key(system, code))

    def lymph_node_region(self, system: str | None, code: str | None) -> str | None:
        """The one region of lymph nodes that the code names; several regions, or none, give `None`."""
        return self.regions.get(normal_key(system, code))

    def is_other_malignancy(self, system: str | None, code: str | None) -> bool:
        """Whether the code names a malignancy that is not the neuroendocrine tumour (docs/scope.md).

        Says nothing about a Condition whose other codings make it neuroendocrine (WHO C17.2 with morphology 8240/3 is
        one tumour): the reader asks that first. Ill-defined and secondary sites (C76-C79) are none by themselves.
        """
        return self._is_other_malignancy(normal_key(system, code))

    def knows(self, system: str | None, code: str | None) -> bool:
        """Whether the code means anything to us: a concept, a primary site, a region, or another malignancy."""
        key = normal_key(system, code)
        listed = key in self.by_code or key in self.sites or key in self.regions
        return listed or self._is_other_malignancy(key)

    def _is_other_malignancy(self, key: tuple[str, str]) -> bool:
        found = self.by_code.get(key, frozenset())
        if Concept.NEUROENDOCRINE_NEOPLASM in found:
            return False
        if key[0] not in DOTTED:
            return Concept.MALIGNANT_NEOPLASM in found
        # The letter categories C4A (Merkel), C7A and C7B are no match, as they should be.
        category = _CATEGORY.fullmatch(key[1])
        if category is None or key in _PRIMARY_NOT_KNOWN or key[1].startswith(_ENDOCRINE_PANCREAS):
            return False
        number = int(category[1])
        return number <= 75 or 80 <= number <= 97

    def value_sets(self) -> tuple[ValueSetInfo, ...]:
        """The value sets that were found, in the order of their file names."""
        return self.loaded


@cache
def load_terminology() -> Terminology:
    """Read the packaged resources once per process; the result is shared."""
    by_code: defaultdict[tuple[str, str], set[Concept]] = defaultdict(set)
    loaded = []
    for stem, resource in _packaged("value_sets"):
        concept = Concept(stem.partition(".")[0])
        keys = [
            (include["system"], entry["code"])
            for include in resource["compose"]["include"]
            for entry in include["concept"]
        ]
        for key in keys:
            by_code[key].add(concept)
        loaded.append(ValueSetInfo(resource["url"], resource["title"], len(keys), resource["copyright"]))
    return Terminology(
        by_code={key: frozenset(concepts) for key, concepts in by_code.items()},
        sites=_mapped("primary-site"),
        regions=_mapped("lymph-node-region"),
        loaded=tuple(loaded),
    )


def _mapped(name: str) -> dict[tuple[str, str], str]:
    return {
        (group["source"], element["code"]): element["target"][0]["code"]
        for stem, resource in _packaged("concept_maps")
        if stem.partition(".")[0] == name
        for group in resource["group"]
        for element in group["element"]
    }


def _packaged(folder: str) -> Iterator[tuple[str, Any]]:
    files = resources.files("fhir_mappings") / folder
    for file in sorted(files.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".json"):
            yield file.name.removesuffix(".json"), json.loads(file.read_text(encoding="utf-8"))
