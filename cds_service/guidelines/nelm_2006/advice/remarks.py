"""What every kind of card says of the chart: how histology is known, other malignancies, what was not used or read."""

from __future__ import annotations

import re
from decimal import Decimal

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Block
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.markdown import inert


def histology(reading: ChartReading, *, dated: bool = True) -> str:
    """How every treatment card opens where histology is known from diagnosis codes only, with a blank at its end."""
    if not reading.histology_from_codes:
        return ""
    day = max((source.date or "" for source in reading.needs.nelm_confirmed.sources), default="")
    when = f" ({day})" if day and dated else ""
    return f"Histology taken from diagnosis codes{when}, no pathology report read. "


def information(decision: Decision, needs: Needs) -> list[Block]:
    """Serotonin in a hindgut primary: not asked for, and a contradiction where there is carcinoid syndrome (A14)."""
    blocks = []
    for recommendation in map(texts().of, decision.info):
        said = recommendation.more
        full, brief = [recommendation.must], [said["brief"]]
        if rules.syndrome(needs).yes:
            full.append(said["with_symptoms"])
            brief.append(said["brief_with_symptoms"])
        blocks.append(Block(" ".join(full), (recommendation.code,), brief=" ".join(brief), movable=True))
    return blocks


def chart_remarks(decision: Decision, reading: ChartReading) -> list[Block]:
    """Another malignancy, results set aside, what was not read (M3), a new edition, limits that are not the paper's."""
    blocks = []
    if reading.other_malignancies:
        names = "; ".join(inert(label, 40) for label in reading.other_malignancies[:2])
        more = len(reading.other_malignancies) - 2
        also = f" and {more} more" if more > 0 else ""
        full = f"Another malignancy is recorded: {names}{also}."
        blocks.append(Block(full, brief="Another malignancy recorded.", movable=True))
    if reading.set_aside:
        full = f"Set aside, not used: {reading.set_aside}."
        also = " or not understood" if reading.not_understood else ""
        blocks.append(Block(full, brief=f"Records set aside{also}.", movable=True))
    if reading.not_understood:
        blocks.append(_not_understood(reading))
    if reading.unread_keys and not decision.unread:
        blocks.append(no_answer(reading))
    if reading.new_edition_since:
        full = f"New here since {reading.new_edition_since}: edition {decision.edition} of these rules."
        blocks.append(Block(full, brief=f"New edition {decision.edition}.", movable=True))
    return [*blocks, *limits(reading.needs.policy)]


def _not_understood(reading: ChartReading) -> Block:
    """Results named like a marker, under codes of the laboratory's own: a name, never a value."""
    named = [
        f"{inert(item.label, 40)} ({item.source.date})" if item.source.date else inert(item.label, 40)
        for item in reading.not_understood[:3]
    ]
    more = len(reading.not_understood) - len(named)
    also = f" and {more} more" if more > 0 else ""
    full = f"Found, not understood: {'; '.join(named)}{also}."
    # In brief, what is set aside says it too.
    return Block(full, brief="" if reading.set_aside else "Results not understood.", movable=True)


def limits(policy: SitePolicy) -> list[Block]:
    """The limits that are not the paper's: our own recency, and whatever the site has set differently."""
    ours = {"imaging_counts_days": "imaging counts for {} days", "symptoms_count_days": "symptoms for {}"}
    set_here = policy.departures
    said = [text.format(getattr(policy, name)) for name, text in ours.items() if name not in set_here]
    blocks = [Block(f"Ours, not the paper's: {', '.join(said)}.", brief="", movable=True)] if said else []
    if set_here:
        here = "; ".join(_SITE_WORDS[name].format(_shown(value)) for name, value in set_here.items())
        full = f"Set by this site, not by the paper: {here}."
        blocks.append(Block(full, brief="Limits: this site's.", movable=True))
    return blocks


def _shown(value: Decimal | bool | tuple[str, ...]) -> str:
    if isinstance(value, tuple):
        return ", ".join(texts().withheld_names[code] for code in value)
    return f"{value.normalize():f}" if isinstance(value, Decimal) else ""


_SITE_WORDS = {
    "ablation_limit_cm": "ablation up to {} cm (paper: 4)",
    "extended_ablation_limit_cm": "extended ablation up to {} cm (paper: 7)",
    "ablation_most_lesions": "at most {} lesions ablated (paper: 7)",
    "extended_ablation": "no extended ablation here",
    "transplant_age_limit": "transplantation up to {} years",
    "imaging_counts_days": "imaging counts for {} days",
    "symptoms_count_days": "symptoms for {}",
    "marker_change_percent": "markers stable within {} %",
    "platelet_serotonin": "urinary 5-HIAA instead of platelet serotonin",
    "switched_off": "switched off: {}",
}


def no_answer(reading: ChartReading) -> Block:
    """The parts of the chart that could not be read, or only in part."""
    keys = [re.sub("([A-Z])", r" \1", key).lower() for key in reading.unread_keys]
    full = f"Could not be read, or only in part: {', '.join(keys)}."
    return Block(full, brief="Part of the chart not read.", movable=True)
