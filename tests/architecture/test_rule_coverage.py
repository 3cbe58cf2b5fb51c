"""Every rule of the paper and of the cards has a test that names it, or a reason why none can."""

from __future__ import annotations

from tests.support import rule_coverage


def test_every_rule_has_a_test_or_a_stated_reason() -> None:
    assert rule_coverage.untested() == []


def test_no_reason_stands_for_a_rule_that_is_tested() -> None:
    assert sorted(set(rule_coverage.NOT_TESTED) & set(rule_coverage.verified())) == []


def test_every_marker_names_a_rule_that_exists() -> None:
    assert rule_coverage.misnamed() == []


def test_the_published_table_is_current() -> None:
    published = rule_coverage.ROOT / "docs/guidelines/rule-coverage.md"
    assert published.read_text("utf-8") == rule_coverage.table(), "stale: run `make docs`"
