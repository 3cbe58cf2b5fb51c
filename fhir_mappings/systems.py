"""The code systems by their URIs, under the spellings that we know of, and a code in the form of our lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

SNOMED_CT: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10: Final = "http://hl7.org/fhir/sid/icd-10"  # WHO
ICD_10_PCS: Final = "http://www.cms.gov/Medicare/Coding/ICD10"
ICD_O_3: Final = "http://terminology.hl7.org/CodeSystem/icd-o-3"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC: Final = "http://www.whocc.no/atc"
HCPCS: Final = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
UCUM: Final = "http://unitsofmeasure.org"
CPT: Final = "http://www.ama-assn.org/go/cpt"  # recognised only: its licence allows us no list
NCI_THESAURUS: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
NELM_ASSESSMENT: Final = "https://nelm-cds.github.io/fhir/CodeSystem/nelm-assessment"
NELM_RECOMMENDATION: Final = "https://nelm-cds.github.io/fhir/CodeSystem/nelm-recommendation"


_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    SNOMED_CT: ("urn:oid:2.16.840.1.113883.6.96",),
    LOINC: ("urn:oid:2.16.840.1.113883.6.1",),
    # "icd-10-us" is an early name of ICD-10-CM in FHIR material; the US uses no other ICD-10 for diagnoses.
    ICD_10_CM: ("urn:oid:2.16.840.1.113883.6.90", "http://hl7.org/fhir/sid/icd-10-us"),
    # The German and Dutch editions are the WHO's with national detail below the codes we list; neither has
    # the American C7A, C7B and D3A, so reading them as ICD-10-CM could only go wrong.
    ICD_10: (
        "urn:oid:2.16.840.1.113883.6.3",
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "http://fhir.de/CodeSystem/dimdi/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-de",
        "http://hl7.org/fhir/sid/icd-10-nl",
    ),
    ICD_10_PCS: ("urn:oid:2.16.840.1.113883.6.4",),
    ICD_O_3: ("urn:oid:2.16.840.1.113883.6.43.1",),
    RXNORM: ("urn:oid:2.16.840.1.113883.6.88",),
    ATC: ("urn:oid:2.16.840.1.113883.6.73",),
    HCPCS: ("urn:oid:2.16.840.1.113883.6.285",),
    DICOM: ("urn:oid:1.2.840.10008.2.16.4",),
    UCUM: ("urn:oid:2.16.840.1.113883.6.8",),
    CPT: ("urn:oid:2.16.840.1.113883.6.12",),
    NCI_THESAURUS: (),
    NELM_ASSESSMENT: (),
    NELM_RECOMMENDATION: (),
}


def _spellings(uri: str) -> Iterator[str]:
    scheme, separator, rest = uri.partition("://")
    for spelling in (f"http://{rest}", f"https://{rest}") if separator else (scheme,):
        yield from (spelling, f"{spelling}/")


# Written out beforehand, so that a code of a chart costs a look-up and no comparing.
_CANONICAL: Final[Mapping[str, str]] = {
    spelling: canonical
    for canonical, others in _OTHER_NAMES.items()
    for uri in (canonical, *others)
    for spelling in _spellings(uri)
}
PUBLIC_SYSTEMS: Final = frozenset(_CANONICAL)  # under every spelling

DOTTED: Final = frozenset({ICD_10, ICD_10_CM})  # their codes have a dot in print, and often none on the wire
_WRITTEN_VARIOUSLY: Final = DOTTED | {ICD_10_PCS}


def canonical_system(uri: str | None) -> str:
    """The canonical URI of a code system that is known under several; any other as it is, but for blanks around it."""
    uri = (uri or "").strip()
    return _CANONICAL.get(uri, uri)


def normal_key(system: str | None, code: str | None) -> tuple[str, str]:
    """System and code as the lists have them.

    Blanks around either are ignored. FHIR forbids them in a code: the reader of one that is ours finds it malformed.
    """
    # The usual spelling first: this runs for every code of a chart.
    canonical = _CANONICAL.get(system or "") or canonical_system(system)
    code = (code or "").strip()
    return canonical, _normal_code(canonical, code) if canonical in _WRITTEN_VARIOUSLY else code


def _normal_code(system: str, code: str) -> str:
    """ICD codes in their printed form: some senders leave out the dot or write lower case."""
    if system in DOTTED:
        code = code.upper().rstrip(".")
        return f"{code[:3]}.{code[3:]}" if len(code) > 3 and "." not in code else code
    return code.upper()
