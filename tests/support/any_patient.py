"""Any patient at all, for the generative tests: every input with its values, intervals, not recorded, not retrieved.

Values that let a walk go on stand in the list more often, so that the deeper nodes are met as well.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.support.facts import UNREAD

YES_NO = (True, False, None, UNREAD)
THERAPIES = ("T-RESECT", "T-ABLATE", "T-ABLATE-EXT", "T-EMBO", "T-OCT", "T-MIBG", "T-PRRT")

VALUES: dict[str, tuple[Any, ...]] = {
    "age_years": (58, 40, 55, 56, 18, 17, "17-18", "50-60", None, UNREAD),
    "nelm_confirmed": (*(True,) * 9, False, None, UNREAD),
    "primary_site": ("ileum", "pancreas", "rectum", "sigmoid", None, UNREAD),
    "cga": ("elevated", "normal", None, UNREAD),
    "platelet_serotonin": ("elevated", "normal", None, UNREAD),
    "liver_imaging": (*("helical_ct", "mri") * 4, None, UNREAD),
    "srs": (*("positive", "negative") * 4, None, UNREAD),
    "ki67_percent": ("1.9", "2.0", "9.9", "10.0", "15.0", "15.1", "60", "<2", "5-20", "5-12", ">20", None, UNREAD),
    "differentiation": (*("well",) * 5, "poor", None, UNREAD),
    "extrahepatic_disease": (*(False,) * 4, *(True,) * 3, None, UNREAD),
    "lesion_count": (1, 1, 1, 2, 3, 7, 8, 12, "1-3", "5-20", ">=5", ">=8", None, UNREAD),
    "largest_lesion_cm": ("2.5", "4.0", "4.1", "7.0", "7.1", "3-5", "6-8", "<2", None, UNREAD),
    "small_multiple_mets": YES_NO,
    "radical_resection_possible": YES_NO,
    "remnant_adequate": YES_NO,
    "lobar_predominance": YES_NO,
    "est_cytoreduction_pct": ("89", "90", "95", "80-95", None, None, UNREAD),
    "portal_vein": ("patent", "partial_occlusion", "complete_occlusion", None, UNREAD),
    "hepatic_failure": (False, *YES_NO),
    "biliary_anastomosis": (False, *YES_NO),
    "carcinoid_syndrome": (True, *YES_NO),
    "symptoms_controlled": YES_NO,
    "carcinoid_crisis_now": (*(False,) * 12, True, None, UNREAD),
    "hepatomegaly": (True, *YES_NO),
    "mibg_avid": YES_NO,
    "failed_therapies": ((), (), *((code,) for code in THERAPIES), ("T-OCT", "T-MIBG", "T-PRRT"), THERAPIES, UNREAD),
    "other_therapies_exhausted": YES_NO,
    "context": ("initial", "recurrence", "post_ablation", "post_embolisation", "post_embolisation", None, UNREAD),
    "response": ("good", "partial", "none", None, UNREAD),
    "other_syndrome": (*(False,) * 4, True, None, UNREAD),
    "carcinoid_heart_disease": YES_NO,
    "liver_transplant": (*(False,) * 4, True, None, UNREAD),
}


def charts() -> st.SearchStrategy[dict[str, Any]]:
    """The plain facts of any patient."""
    return st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def is_unknown(value: Any) -> bool:
    """Whether a plain fact is not recorded or not retrieved."""
    return value is None or value is UNREAD


def answers(chosen: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The same patient, with some of what was unknown filled in."""
    known = {name: [v for v in VALUES[name] if not is_unknown(v)] for name, v in chosen.items() if is_unknown(v)}
    filled = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in known.items()})
    return filled.map(lambda new: {**chosen, **new})
