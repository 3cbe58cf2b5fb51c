"""After the warm-up nothing is left to be loaded by the first patient."""

from __future__ import annotations

import pytest

from cds_service.http.warm_up import warm_up
from fhir_mappings import typed


def test_every_model_that_a_chart_can_need_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "_verdicts", {})
    typed._model.cache_clear()
    warm_up()
    assert typed._model.cache_info().currsize == len(typed._ELEMENTS)
