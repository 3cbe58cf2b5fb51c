"""Fixtures that several unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import respx


@pytest.fixture
def played() -> Iterator[respx.MockRouter]:
    """A FHIR server, as respx plays it."""
    with respx.mock(assert_all_called=False) as router:
        yield router
