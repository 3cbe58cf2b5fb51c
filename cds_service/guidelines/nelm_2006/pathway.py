"""The decision graph of the 2006 Utrecht protocol: nodes, questions in clinical words, edges with their basis.

Figure 2 of the paper was not available; this is a reconstruction from its text. The questions are answered in
`rules`, `local` and `systemic`; what each code means and says is in `recommendations.toml`.
"""

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006 import local, rules, systemic
from cds_service.guidelines.nelm_2006.finding import ask, offer, unknown_among, withhold
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Edge, Finding, Findings, Graph, Kind, Node, Outcome, Stop
from cds_service.reasoning.truth import Truth, is_known

INVASIVE = frozenset({
    "T-RESECT", "T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL", "T-DEBULK", "T-EMBO", "T-EMBO-AGAIN",
    "T-RESECT-POSTEMBO",
})  # fmt: skip
EMBOLISATIONS = frozenset({"T-EMBO", "T-EMBO-AGAIN"})


def scope(needs: Needs, findings: Findings) -> Outcome:
    """N0: an emergency, our patient, somebody else's, or not yet known?"""
    if rules.crisis_now(needs).yes:
        return Outcome("carcinoid crisis", ("carcinoid_crisis_now",), (Finding(Kind.PROTECT, "S-OCT-CRISIS"),))
    asked = ("nelm_confirmed", "age_years")
    match rules.histology_confirmed(needs):
        case Truth.NO:
            return Outcome("not neuroendocrine", ("nelm_confirmed",))
        case Truth.UNKNOWN:
            return Outcome("histology not known", ("nelm_confirmed",), (ask("W-PATH", "nelm_confirmed"),))
        case Truth.YES:
            return Outcome("under 18" if rules.under_18(needs).yes else "confirmed", asked)


def markers(needs: Needs, findings: Findings) -> Outcome:
    """N1: which of primary site, markers and symptoms are not on record? None of them blocks (A13-A15)."""
    wanted = {"W-PRIM": "primary_site", "W-CGA": "cga"}
    found: list[Finding] = []
    if rules.hindgut_primary(needs).yes:
        found.append(Finding(Kind.INFORM, "I-NOSEROT"))
    else:
        wanted["W-SEROT"] = "platelet_serotonin"
    wanted["W-SYMPT"] = "carcinoid_syndrome"
    found += [ask(code, name) for code, name in wanted.items() if is_known(needs.fact(name)).no]
    return Outcome("read", ("primary_site", "cga", "platelet_serotonin", "carcinoid_syndrome"), tuple(found))


def imaging(needs: Needs, findings: Findings) -> Outcome:
    """N2: are CT or MRI and somatostatin receptor imaging there (R13)?"""
    wanted = {"W-CT": "liver_imaging", "W-SRS": "srs"}
    found = tuple(ask(code, name) for code, name in wanted.items() if is_known(needs.fact(name)).no)
    return Outcome("missing" if found else "complete", tuple(wanted.values()), found)


def proliferation(needs: Needs, findings: Findings) -> Outcome:
    """N3: does Ki-67 tell on which side of 15 % the tumour lies (R14, A15)?"""
    if rules.ki67_answers_the_grade(needs).no:
        return Outcome("not known", ("ki67_percent",), (ask("W-KI67", "ki67_percent"),))
    return Outcome("known", ("ki67_percent",))


def grade(needs: Needs, findings: Findings) -> Outcome:
    """N4: is the grade high by the paper's 2000 classes (R1, A1-A3, A29)?"""
    inputs = ("ki67_percent", "differentiation")
    high = rules.high_grade(needs).yes
    if not rules.histology_confirmed(needs).yes:
        return Outcome("histology not known", inputs)
    if rules.under_18(needs).yes:
        code = "R-MDT-HG" if high else "R-MDT"
        return Outcome("under 18", (*inputs, "age_years"), (offer(code, on.UNDER_18),))
    if not high:
        passed = "low" if rules.high_grade(needs).no else "not known"
        return Outcome(passed, inputs)
    refer = (offer("R-MDT-HG", on.HIGH_GRADE), withhold("LOCAL", "high_grade"))
    if not rules.imaging_complete(needs).yes:
        # The referral does not wait for a scan; everything else of this node does (A3, P).
        return Outcome("high, imaging missing", inputs, refer)
    return Outcome("high", inputs, (*refer, *_high_grade_extras(needs)))


def _high_grade_extras(needs: Needs) -> tuple[Finding, ...]:
    found: tuple[Finding, ...] = ()
    if rules.syndrome(needs).yes:
        found += systemic.octreotide(needs, on.HIGH_GRADE_OCTREOTIDE)
    if rules.all_else_failed(needs).yes:
        found += (withhold("T-OLT-EVAL", "high_grade"),)
    if rules.grade_signs_disagree(needs).yes:
        found += (ask("W-PATH", *(unknown_among(needs, ("ki67_percent", "differentiation")) or ("differentiation",))),)
    return found


def extent(needs: Needs, findings: Findings) -> Outcome:
    """N5: is there disease beyond the liver (R12, R15, A5, A7)?"""
    inputs = ("extrahepatic_disease",)
    match rules.extrahepatic(needs):
        case Truth.NO:
            return Outcome("absent", inputs)
        case Truth.YES:
            found: tuple[Finding, ...] = (withhold("T-RESECT", "extrahepatic"),)
            if rules.debulking_considered(needs).yes:
                found += (withhold("T-DEBULK", "extrahepatic"),)
            return Outcome("present", inputs, found)
        case Truth.UNKNOWN:
            unmapped = local.unmapped(needs)
            questions: tuple[Finding, ...] = (ask("W-EXTRA", "extrahepatic_disease"),)
            questions += (ask("W-MAP", *unmapped),) if unmapped else ()
            return Outcome("not known or indeterminate", inputs, questions)


def safety(needs: Needs, findings: Findings) -> Outcome:
    """N11: what must stand before an invasive step (R30, R38, R48, R50, A23)?"""
    offered = set(findings.codes(Kind.OFFER))
    codes = ["S-OCT-PERI"] if offered & INVASIVE else []
    codes += ["S-DIURESIS"] if offered & EMBOLISATIONS else []
    codes += ["S-OLT-WARN"] if "T-OLT-EVAL" in offered else []
    return Outcome("read", (), tuple(Finding(Kind.PROTECT, code) for code in codes))


def follow_up(needs: Needs, findings: Findings) -> Outcome:
    """N12: which markers follow any treatment (R8, R55)?"""
    refer = any(code.startswith("R-") for code in findings.codes(Kind.OFFER))
    answer = "referred" if refer else "read"
    if not any(code.startswith("T-") for code in findings.codes(Kind.OFFER)):
        return Outcome(answer)
    codes = ["F-CGA"] if rules.hindgut_primary(needs).yes else ["F-CGA", "F-SEROT"]
    return Outcome(answer, ("primary_site",), tuple(Finding(Kind.FOLLOW_UP, code) for code in codes))


def recurrence(needs: Needs, findings: Findings) -> Outcome:
    """N13: recurrence or follow-up of an ablation: is ablation listed first (R56, A4)?"""
    return Outcome("ablation first" if rules.ablation_comes_first(needs).yes else "as listed", ("context",))


def team(needs: Needs, findings: Findings) -> Outcome:
    """N14: is nothing left to offer, or does a question belong to the team (R52, A16, A24)?"""
    if not findings.codes(Kind.OFFER):
        return Outcome("no option left", (), (offer("R-MDT", on.NOTHING_LEFT),))
    if basis := systemic.team_question(needs, findings):
        return Outcome("a question for the team", (), (offer("R-MDT", *basis),))
    return Outcome("options listed")


PATHWAY: Graph[Needs] = Graph.of([
    Node("N0", "Carcinoid crisis now? Neuroendocrine liver metastases confirmed by histology? Adult?", 1, scope, (
        Edge("carcinoid crisis", None, on.CRISIS, state="emergency"),
        Edge("not neuroendocrine", None, on.NOT_NEUROENDOCRINE, state="out_of_scope"),
        Edge("histology not known", "N1", on.HISTOLOGY_UNKNOWN, Stop.END_OF_ROUND),
        Edge("under 18", "N1", on.UNDER_18),
        Edge("confirmed", "N1", on.IN_SCOPE),
    )),
    Node("N1", "Are the primary site, the tumour markers and the symptoms on record?", 1, markers, (
        Edge("read", "N2", on.MARKERS_DO_NOT_BLOCK),
    )),
    Node("N2", "Are helical CT (or MRI) and somatostatin receptor scintigraphy there?", 1, imaging, (
        Edge("missing", "N3", on.IMAGING_MISSING, Stop.END_OF_ROUND),
        Edge("complete", "N3", on.MRI_ACCEPTED),
    )),
    Node("N3", "Is Ki-67 known?", 1, proliferation, (
        Edge("not known", "N4", on.KI67_PROVISIONAL),
        Edge("known", "N4", on.KI67_ASKED),
    )),
    Node("N4", "Is the grade high by the paper's 2000 classes: poorly differentiated, or Ki-67 above 15 %?", 1, grade, (
        Edge("high", "N11", on.HIGH_GRADE, state="refer"),
        Edge("high, imaging missing", None, on.HIGH_GRADE_BEFORE_SCAN, state="refer"),
        Edge("under 18", None, on.UNDER_18, state="refer"),
        Edge("low", "N5", on.LOW_GRADE),
        Edge("not known", "N5", on.KI67_PROVISIONAL),
        Edge("histology not known", "N5", on.HISTOLOGY_UNKNOWN),
    )),
    Node("N5", "Is there disease beyond the liver, other than the primary and its regional nodes?", 2, extent, (
        Edge("not known or indeterminate", None, on.EXTRAHEPATIC_UNKNOWN, Stop.NOW),
        Edge("present", "N9", on.EXTRAHEPATIC_NO_RESECTION),
        Edge("absent", "N6", on.LIVER_ONLY),
    )),
    Node("N6", "Is it a solitary metastasis, radically resectable, with enough liver left?", 3, local.resection, (
        Edge("embolised, response known", "N8-AFTER", on.FOLLOW_ON),
        Edge("number of lesions not known", None, on.ROUND_IN_FULL, Stop.NOW),
        Edge("several lesions", "N7", on.SEVERAL_LESIONS),
        Edge("not radical or too little liver left", "N7", on.NOT_RESECTABLE),
        Edge("not yet known", "N7", on.ROUND_IN_FULL),
        Edge("resectable", "N7", on.RESECTABLE),
    )),
    Node("N7", "Is it within reach of ablation: at most 7 lesions, the largest at most 7 cm?", 3, local.ablation, (
        Edge("lesions not mapped", None, on.ROUND_IN_FULL, Stop.NOW),
        Edge("beside resection", "N9-LOCAL", on.BESIDE_RESECTION),
        Edge("ablatable", "N9-LOCAL", on.ABLATION_BEFORE_REST),
        Edge("not ablatable", "N8", on.EMBOLISATION_NOT_ABLATABLE),
    )),
    Node("N8-AFTER", "Embolised, and the response is known: what follows?", 3, local.follow_on, (
        Edge("lesions not mapped", None, on.ROUND_IN_FULL, Stop.NOW),
        Edge("good response, resectable", "N9-LOCAL", on.GOOD_RESPONSE_RESECTION),
        Edge("good response, not resectable", "N7", on.GOOD_RESPONSE_RESECTION),
        Edge("good response, remnant not known", "N7", on.GOOD_RESPONSE_RESECTION),
        Edge("partial or no response, ablatable", "N9-LOCAL", on.POOR_RESPONSE),
        Edge("partial or no response, not ablatable", "N9", on.POOR_RESPONSE),
    )),
    Node("N8", "Is the main mass in one lobe, and is nothing against embolisation?", 3, local.embolisation, (
        Edge("read, liver only", "N9", on.EMBOLISATION),
        Edge("read, disease beyond the liver", "N10", on.EXTRAHEPATIC_EMBOLISATION),
        Edge("embolised before, liver only", "N9", on.NO_FIRST_EMBOLISATION_AGAIN),
        Edge("embolised before, disease beyond the liver", "N10", on.NO_FIRST_EMBOLISATION_AGAIN),
    )),
    Node("N9", "Which systemic treatments does the text support?", 3, systemic.systemic, (
        Edge("liver only", "N10", on.SYSTEMIC_ENTRY),
        Edge("disease beyond the liver", "N5-LOCAL", on.EXTRAHEPATIC_SYSTEMIC),
    )),
    Node("N5-LOCAL", "Disease beyond the liver: are there symptoms that a local treatment could relieve?", 3,
         local.palliation, (
        Edge("no symptoms", "N10", on.EXTRAHEPATIC_ABLATION),
        Edge("controlled", "N10", on.EXTRAHEPATIC_ABLATION),
        Edge("not known", "N10", on.EXTRAHEPATIC_ABLATION),
        Edge("lesions not mapped", "N10", on.EXTRAHEPATIC_ABLATION),
        Edge("within the limits of ablation", "N10", on.EXTRAHEPATIC_ABLATION),
        Edge("beyond the limits of ablation", "N8", on.EXTRAHEPATIC_EMBOLISATION),
    )),
    Node("N9-LOCAL", "Is there carcinoid syndrome beside the local treatment?", 3, systemic.beside_local, (
        Edge("carcinoid syndrome", "N10", on.LOCAL_OCTREOTIDE),
        Edge("no carcinoid syndrome on record", "N10", on.LOCAL_OCTREOTIDE),
    )),
    Node("N10", "Does the clinician state that all else failed, and does every transplant criterion hold?", 3,
         systemic.transplantation, (
        Edge("stated", "N11", on.TRANSPLANT_CRITERIA),
        Edge("not stated", "N11", on.TRANSPLANT_DEFAULT_NO),
    )),
    Node("N11", "Which safety measures belong to the options?", 3, safety, (
        Edge("read", "N12", on.INVASIVE_STEP),
    )),
    Node("N12", "Which markers follow the treatment?", 3, follow_up, (
        Edge("referred", None, on.FOLLOW_UP),
        Edge("read", "N13", on.FOLLOW_UP),
    )),
    Node("N13", "Is it a recurrence, or the follow-up of an ablation?", 3, recurrence, (
        Edge("ablation first", "N14", on.REPEAT_ABLATION),
        Edge("as listed", "N14", on.GO_ON),
    )),
    Node("N14", "Is anything left to offer, and does a question belong to the team?", 3, team, (
        Edge("no option left", None, on.NOTHING_LEFT),
        Edge("a question for the team", None, on.TEAM_BESIDE_OPTIONS),
        Edge("options listed", None, on.END),
    )),
])  # fmt: skip
