"""What differs between EHRs, as data: `profiles.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Profile:
    """One way of speaking CDS Hooks; an empty member leaves things as they are for everybody."""

    name: str
    version: str
    missing_data: str


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by its name."""
    told = tomllib.loads(files("cds_service.clients").joinpath("profiles.toml").read_text("utf-8"))
    return MappingProxyType({name: Profile(name=name, **members) for name, members in told.items()})
