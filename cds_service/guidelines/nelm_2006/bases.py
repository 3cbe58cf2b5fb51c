"""The basis of every step: from the paper (E), inferred from it (I), or the project's own (P), with rule ids.

The paper's flow chart was not available; the graph is a reconstruction from the text. R..: rules, A..: resolved
ambiguities, C..: currency notes (docs/guidelines/nelm-2006.md, which prints these steps as its table of edges).
"""

from __future__ import annotations

from cds_service.reasoning.graph import Basis, Status

E, I, P = Status.EXPLICIT, Status.INFERRED, Status.PROJECT  # noqa: E741 - the letters of the table

NOT_NEUROENDOCRINE = Basis(P, (), "the title's population", "N0 to out of scope", "not neuroendocrine")
CRISIS = Basis(E, ("R30",), "", "N0 to S-OCT-CRISIS", "crisis")
UNDER_18 = Basis(P, (), "the paper's patients are adults", "N0 under 18 to R-MDT", "age under 18")
MARKERS_ASKED = Basis(E, ("R5", "R7", "R8"), "", "N1 to W-CGA, W-SEROT", "marker missing")
HINDGUT_NO_SEROTONIN = Basis(E, ("R6",), "", "N1 hindgut to chromogranin A only", "hindgut primary")
MARKERS_DO_NOT_BLOCK = Basis(I, ("R8", "R13"), '"useful" against "should"', "N1 does not block", "-")
IMAGING_MISSING = Basis(E, ("R13",), "", "N2 to stop", "hCT/MRI or SRS missing")
MRI_ACCEPTED = Basis(E, ("R13",), "Conclusion and caption, A12", "N2 MRI accepted for CT", "-")
HIGH_GRADE_BEFORE_SCAN = Basis(
    P, (), "A3", "N2 stop with a known high grade to R-MDT-HG", "high grade known, imaging missing"
)
KI67_ASKED = Basis(I, ("R14",), "", "N3 to W-KI67", "Ki-67 missing")
KI67_PROVISIONAL = Basis(I, (), "A15", "N3 provisional, not blocking", "Ki-67 missing")
HIGH_GRADE = Basis(I, ("R1",), "A2", "N4 to R-MDT-HG", "Ki-67 above 15 % or poorly differentiated")
HIGH_GRADE_OCTREOTIDE = Basis(I, ("R11", "R42"), "grade not mentioned", "N4 to T-OCT", "carcinoid syndrome, SRS+")
HIGH_GRADE_NO_TRANSPLANT = Basis(P, (), "A21", "N4 to T-OLT-EVAL:high_grade", "clinician states that all else failed")
EXTRAHEPATIC_NO_RESECTION = Basis(E, ("R15",), "", "N5 present to no resection", "disease beyond the liver")
EXTRAHEPATIC_SYSTEMIC = Basis(
    I, ("R41",), 'the abstract says "extensive"', "N5 present to systemic", "disease beyond the liver"
)
EXTRAHEPATIC_ABLATION = Basis(
    E,
    ("R27",),
    "limits and control inferred, A30",
    "N5 present, symptoms, to T-ABLATE-PALL",
    "within limits, not controlled",
)
EXTRAHEPATIC_EMBOLISATION = Basis(
    I,
    ("R34",),
    "R34 does not exclude it",
    "N5 present, symptoms, to T-EMBO or T-EMBO-AGAIN",
    "one lobe, not controlled",
)
EXTRAHEPATIC_NO_TRANSPLANT = Basis(I, (), "A21", "N5 present to no transplantation", "disease beyond the liver")
RESECTABLE = Basis(
    E,
    ("R15", "R16", "R19"),
    "small multiple metastases and hepatic failure inferred",
    "N6 to T-RESECT",
    "solitary, radical, remnant",
)
BESIDE_RESECTION = Basis(E, ("R18",), "", "N6 to ablation beside it", "resectable")
SEVERAL_LESIONS = Basis(P, ("R16",), "A8", "N6 several lesions: reason `multiple` alone", "several lesions")
ABLATION_TIERS = Basis(
    E,
    ("R21", "R22", "R23"),
    "as tiers inferred, A9",
    "N7 to T-ABLATE, T-ABLATE-EXT",
    "at most 4 cm, at most 7 cm, at most 7 lesions",
)
ABLATION_BEFORE_REST = Basis(E, ("R29", "R34", "R54"), 'R34 says "unresectable"', "N7 before N8 and N9", "ablatable")
ADJUVANT = Basis(E, ("R31", "R32", "R46"), "SRS+ inferred, A20", "N7 to T-RADIO-ADJ", "small multiple metastases")
PARTIAL_RESPONSE_OCTREOTIDE = Basis(E, ("R33",), "", "N7 to T-OCT after partial response", "after ablation")
LOCAL_OCTREOTIDE = Basis(E, ("R11", "R42"), "position inferred, A17", "N7 to T-OCT with the syndrome", "SRS+")
DEBULKING = Basis(I, ("R20", "R24"), "modality open, nothing said below 90 %", "N7 to T-DEBULK", "at least 90 %")
EMBOLISATION = Basis(E, ("R34",), "", "N8 to T-EMBO", "one lobe, unresectable")
EMBOLISATION_NOT_ABLATABLE = Basis(
    I, ("R28", "R37", "R54"), "mortality 5 % against 0.5 %", "N8 only if not ablatable", "-"
)
EMBOLISATION_CONTRAINDICATED = Basis(E, ("R36",), "", "N8 contraindications", "three")
EMBOLISATION_UNKNOWN = Basis(P, ("R36",), "unknown is not no", "N8 unknown to W-EMBO", "a contraindication unknown")
EMBOLISATION_SAFETY = Basis(E, ("R38",), "", "N8 to S-OCT-PERI, S-DIURESIS", "embolisation")
OCTREOTIDE_FIRST_WITHOUT_SYNDROME = Basis(
    I, (), "A19", "N8 T-OCT before T-EMBO without the syndrome", "syndrome absent or unknown"
)
NO_FIRST_EMBOLISATION_AGAIN = Basis(
    P, ("R39",), "context post_embolisation", "N8 no first embolisation after an embolisation", "embolised before"
)
GOOD_RESPONSE_RESECTION = Basis(
    E, ("R40",), "remnant and radicality check inferred", "N8 good response to resection", "selected"
)
ABLATION_BESIDE_POSTEMBO = Basis(I, ("R18",), "A4", "N8 ablation beside that resection", "within limits")
POOR_RESPONSE = Basis(E, ("R39",), "", "N8 poor response to repeat or ablation", "partial or no response")
FOLLOW_ON = Basis(I, ("R39", "R40"), "", "N8 follow-on instead of N6 and N7", "embolised, response known")
SYSTEMIC_ENTRY = Basis(E, ("R41",), "", "N9 entry", "not suitable for local destruction")
OCTREOTIDE_NEEDS_SRS = Basis(E, ("R11",), "", "N9 octreotide needs SRS+", "-")
SYSTEMIC_ORDER = Basis(
    I, ("R41",), 'joined by "or" in the paper: not a ranking', "N9 order octreotide, MIBG, radionuclide", "-"
)
MIBG_NEEDS_UPTAKE = Basis(I, ("R43",), "A20", "N9 MIBG needs uptake", "-")
RADIONUCLIDE_NEEDS_SRS = Basis(I, ("R46",), "R46 describes who was studied", "N9 radionuclide needs SRS+", "-")
INTERFERON_WITHHELD = Basis(I, ("R44",), "R44 is negative but not a ban", "N9 interferon withheld", "-")
OTHER_SYNDROME = Basis(
    P, (), "A24", "N9 other functioning syndrome: no T-OCT, R-MDT", "another hormone syndrome on record"
)
TRANSPLANT_CRITERIA = Basis(E, ("R47", "R49"), "", "N10 criteria", "all")
TRANSPLANT_DEFAULT_NO = Basis(E, ("R48",), "", "N10 default no", "-")
TRANSPLANT_OPTIONS_COMPUTED = Basis(P, (), "A22", "N10 absence of options computed", "-")
TRANSPLANT_OPEN_QUESTIONS = Basis(
    P, (), "A22", "N10 open option questions count as options", "W-MAP, W-RESECT, W-EMBO, W-MIBG"
)
TRANSPLANT_AGE = Basis(P, (), "A21", "N10 age parameter", "55")
TRANSPLANTED = Basis(P, (), "not in the paper", "N10 closed after liver transplantation, R-MDT", "transplanted")
INVASIVE_STEP = Basis(E, ("R30",), "", "N11 to S-OCT-PERI", "any invasive step")
FOLLOW_UP = Basis(E, ("R8", "R55"), "", "N12 to F-CGA, F-SEROT", "after treatment")
REPEAT_ABLATION = Basis(E, ("R56",), "", "N13 repeat ablation", "recurrence")
RESTAGE_FIRST = Basis(I, ("R13",), "R13 applied again", "N13 restage first", "-")
NOTHING_LEFT = Basis(I, ("R52",), "", "N14 to R-MDT", "empty list")
TEAM_BESIDE_OPTIONS = Basis(
    I, (), "A16", "N14 R-MDT beside other options", "octreotide withheld, symptoms not controlled"
)
SWITCHED_OFF = Basis(P, (), "every option that was left is switched off by this site")
ROUND_IN_FULL = Basis(P, ("R13",), "A15", "stop lists a whole round of questions", "-")

# Steps that only lead on.
HISTOLOGY_UNKNOWN = Basis(P, (), "unknown is not no")
IN_SCOPE = Basis(P, (), "the title's population")
LOW_GRADE = Basis(I, ("R1",), "A1")
EXTRAHEPATIC_UNKNOWN = Basis(P, ("R15",), "unknown is not no")
LIVER_ONLY = Basis(E, ("R15",), "no extrahepatic disease")
NOT_RESECTABLE = Basis(E, ("R16", "R17"), "")
END = Basis(P, (), "the walk ends")
GO_ON = Basis(P, (), "read on")
