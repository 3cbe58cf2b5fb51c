"""A story through the functions of `nelm-cds replay` and of the hook, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from cds_service.cli.inputs import load
from cds_service.decide import Evaluation
from cds_service.http.answer import evaluate_request
from cds_service.http.wire import parse_request
from cds_service.settings import Settings
from tests.support.stories import Story

# A story brings its own date; one that did not would be evaluated far from every date in it, and be seen.
LONG_AGO = datetime(1950, 1, 1, tzinfo=UTC)


def by_bundle(story: Story) -> Evaluation:
    """The story's Bundle, evaluated as `replay` does."""
    request = parse_request(load(story.folder).request)
    return evaluate_request(request, Settings(), LONG_AGO)


def by_request(story: Story) -> Evaluation:
    """The story's request, evaluated as the hook does."""
    return evaluate_request(parse_request(story.body), Settings(), LONG_AGO)
