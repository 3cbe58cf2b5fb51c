"""After the warm-up nothing is left to be loaded by the first patient."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cds_service.http.warm_up import warm_up
from fhir_mappings import typed


def test_every_model_that_a_chart_can_need_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed, "_verdicts", {})
    typed._model.cache_clear()
    warm_up()
    assert typed._model.cache_info().currsize == len(typed._ELEMENTS)


def test_what_few_services_need_is_loaded_by_them_alone() -> None:
    code = "import sys, cds_service.cli.serve, cds_service.app\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = set(run.stdout.split())
    assert "sqlalchemy" in loaded
    assert not loaded & {"joserfc", "cryptography", "sqlalchemy.dialects.postgresql", "opentelemetry.sdk"}
