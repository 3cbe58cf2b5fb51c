"""Sections of advice as CDS Hooks cards: limits, uuids, source, draft orders, override reasons. Pure."""

from cds_service.cards.make import make_cards

__all__ = ["make_cards"]
