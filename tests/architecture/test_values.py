"""Values are values: no public record can be changed after it was made, and none takes stray attributes."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import Struct

import cds_service
import fhir_mappings

# `Graph` keeps a dict of its nodes and `Guideline` its functions; both are made once, at import. The other two keep
# what they were asked for: `SitePolicy` its limits in words, `PatientIdentity` the patient's addresses.
WITHOUT_SLOTS = {"Graph", "Guideline", "PatientIdentity", "SitePolicy"}
# Filled while a call is answered, and gone with it.
FILLED_BY_ONE_CALL = {"Allowance", "CallRecord", "CallReport", "Collected", "Pages"}


def _public_classes() -> Iterator[type[Any]]:
    for package in (cds_service, fhir_mappings):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(("__main__", "migrations.env")):  # these run when they are imported
                continue
            for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if kind.__module__ == module.name and kind.__name__[0] != "_":
                    yield kind


def _name(kind: type[Any]) -> str:
    return kind.__qualname__


DATACLASSES = sorted(filter(dataclasses.is_dataclass, _public_classes()), key=str)
STRUCTS = sorted((kind for kind in _public_classes() if issubclass(kind, Struct)), key=str)


def test_both_kinds_are_found() -> None:
    assert len(DATACLASSES) > 40
    assert len(STRUCTS) > 60


@pytest.mark.parametrize("kind", STRUCTS, ids=_name)
def test_a_struct_is_frozen(kind: type[Struct]) -> None:
    assert kind.__struct_config__.frozen
    assert not kind.__struct_config__.dict


@pytest.mark.parametrize("kind", DATACLASSES, ids=_name)
def test_is_frozen_and_slotted(kind: type[Any]) -> None:
    assert kind.__dataclass_params__.frozen or kind.__name__ in FILLED_BY_ONE_CALL
    if kind.__name__ not in WITHOUT_SLOTS:
        assert "__slots__" in vars(kind)
