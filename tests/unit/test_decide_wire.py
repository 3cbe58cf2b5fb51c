"""What goes on the wire of a decision, and the uuids beside it."""

from __future__ import annotations

from uuid import UUID

from cds_service.decide import without_empties
from cds_service.http.answer import new_uuid


def test_empty_members_are_left_out_and_false_and_zero_are_not() -> None:
    value = {"a": 0, "b": 0.0, "c": False, "d": "", "e": [], "f": {"g": None, "h": {}}, "i": {"j": "k"}, "l": None}
    kept = without_empties(value)
    assert kept == {"a": 0, "b": 0.0, "c": False, "i": {"j": "k"}}
    assert list(map(type, kept.values())) == [int, float, bool, dict]


def test_uuids_are_in_the_order_of_time() -> None:
    uuids = [new_uuid() for _ in range(1000)]
    assert sorted(set(uuids)) == uuids
    assert {UUID(uuid).version for uuid in uuids} == {7}
