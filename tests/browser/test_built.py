"""The built pages are those of the sources beside them: whoever changes a source runs `make ui`."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "cds_service" / "web"
SOURCES, STATIC = WEB / "ui", WEB / "static"


def test_the_build_is_of_these_sources() -> None:
    own = [path for path in SOURCES.iterdir() if path.suffix in {".html", ".json", ".ts"}]
    below = [path for path in (SOURCES / "src").rglob("*") if path.is_file()]
    hashes = {str(p.relative_to(SOURCES)): hashlib.sha256(p.read_bytes()).hexdigest() for p in (*own, *below)}
    assert json.loads((STATIC / "built-from.json").read_text("utf-8")) == hashes


def test_every_asset_is_named_by_a_page_or_an_asset() -> None:
    assets = {path.name for path in (STATIC / "assets").iterdir()}
    text = "".join(path.read_text("utf-8") for path in STATIC.rglob("*.*") if path.suffix in {".html", ".js", ".css"})
    assert {name for name in assets if name not in text} == set()
    assert set(re.findall(r"/assets/([\w.-]+)", text)) <= assets


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))
    resolved = {package["resolved"] for package in lock["packages"].values() if "resolved" in package}
    assert resolved == {"src/stubs/isomorphic-webcrypto"}
