"""Every number of the protocol, with the rule it comes from; P marks the project's own.

R..: rules of the paper as numbered in docs/guidelines/nelm-2006.md.
"""

from decimal import Decimal

HIGH_GRADE_KI67_ABOVE_PERCENT = Decimal("15")  # R1: the poorly differentiated class is ">15 %"; exactly 15 is not in it
ABLATION_LIMIT_CM = Decimal("4.0")  # R21: RFA, complete eradication likelier up to 4 cm
EXTENDED_ABLATION_LIMIT_CM = Decimal("7.0")  # R22: multi-fibre LITT or bipolar RFA, own experience
ABLATION_MOST_LESIONS = Decimal("7")  # R23: "up to 7 lesions at one time"
SOLITARY = Decimal("1")  # R16: resection of a solitary metastasis
CYTOREDUCTION_AT_LEAST_PERCENT = Decimal("90")  # R24
TRANSPLANT_KI67_BELOW_PERCENT = Decimal("10")  # R49
ADULT_FROM_YEARS = Decimal("18")  # P: the paper's patients are adults
TRANSPLANT_AGE_AT_MOST_YEARS = Decimal("55")  # P (A21): the paper says "young" and gives no number

IMAGING_COUNTS_DAYS = 180  # P: R13 asks for imaging before treatment and names no interval
SYMPTOMS_COUNT_DAYS = 90  # P
OLD_CROSS_SECTION_DAYS = 90  # P: beyond this the card says how old the CT or MRI is
KI67_OLD_DAYS = 730  # P: still counts, shown as such (C29)
MARKER_CHANGE_PERCENT = Decimal("25")  # P: a marker that has moved by no more is called stable
PLATELET_SEROTONIN_CEILING = Decimal("40")  # P, C30: nmol per 10*9 platelets; serotonin in platelets saturates near it
CRISIS_COUNTS_HOURS = 24  # P
CONTEXT_COUNTS_MONTHS = 12  # P: an ablation or embolisation sets the context for this long
EARLY_AFTER_TREATMENT_DAYS = 30  # P: so soon after ablation or embolisation a diameter is no tumour's (Figure 1)
ADMINISTRATION_COUNTS_DAYS = 60  # P: a treatment last given so long ago is still in progress
EDITION_IS_NEW_DAYS = 31  # P: so long the cards say that another edition of these rules is in force
OCTREOTIDE_FOR_LONGER_THAN_DAYS = 14  # P: shorter octreotide covers an intervention, or nobody can tell what it is for
