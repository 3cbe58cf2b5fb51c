"""Neuroendocrine liver metastases after Veenendaal et al., World J Surg Oncol 2006;4:35 (the Utrecht protocol)."""

from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.order import WORKUP, state_of, treatment_order
from cds_service.guidelines.nelm_2006.pathway import PATHWAY
from cds_service.guidelines.nelm_2006.switched_off import without_switched_off
from cds_service.reasoning.decision import Guideline

NELM_2006: Guideline[Needs] = Guideline(
    id="nelm-2006",
    edition="2006.1",
    graph=PATHWAY,
    facts=lambda needs: dict(needs.facts()),
    workup_order=WORKUP,
    treatment_order=treatment_order,
    state=state_of,
    as_the_site_has_it=without_switched_off,
)
