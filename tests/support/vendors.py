"""The manners of vendors' FHIR servers: what they refuse, how they page, how they write an answer.

They are what is known of products from outside. None of their texts and none of their data is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """A status with an OperationOutcome of this issue code, or with a page of HTML where there is none."""

    status: int
    code: str = ""


@dataclass(frozen=True)
class Vendor:
    """The manners of a product.

    `path` is that of the base; `spelled` is the base as the server itself writes it in its own addresses, and
    `next_page` the address of a further page. `rows` is the size of its pages, whatever `_count` says;
    `total` counts the rows of the `page` or `all` of them, or is left out. `codes` is how many codes one search may
    name, `bare` what becomes of an Observation search with neither code nor category. `beside` are the issues (severity
    and code) of an OperationOutcome on every page of these types, or of all. `includes` are resources beside the hits.
    """

    path: str = "/fhir"
    spelled: str = "{scheme}://{host}{path}"
    next_page: str = "{base}/{type}?page={key}"
    rows: int = 4
    total: str = ""
    lacks: Mapping[str, Refusal] = field(default_factory=dict)
    post: Refusal | None = None
    codes: int | None = None
    too_many_codes: Refusal = Refusal(400, "too-costly")
    bare: Refusal | None = None
    beside: tuple[tuple[str, str], ...] = ()
    beside_types: frozenset[str] | None = None
    includes: tuple[str, ...] = ()
    absolute_references: bool = False
    media_type: str = "application/fhir+json"
    byte_order_mark: bool = False
    gzipped: bool = False
    keeps_pages: bool = True


_NOT_FOUND = Refusal(404, "not-found")
_LACKED = dict.fromkeys(("ImagingStudy", "MedicationStatement", "QuestionnaireResponse"), _NOT_FOUND)

EPIC = Vendor(
    path="/api/FHIR/R4",
    spelled="{scheme}://{host}/API/fhir/r4",
    next_page="{base}/{type}?sessionID={key}",
    lacks={"MedicationStatement": Refusal(404)},
    codes=50,
    bare=Refusal(400, "required"),
    beside=(("information", "invalid"), ("warning", "processing")),
)
ORACLE = Vendor(
    path="/r4/a-tenant",
    next_page="{base}/{type}?patient={patient}&-pageContext={key}",
    rows=5,
    lacks=_LACKED,
    post=Refusal(405),
    codes=1,
    too_many_codes=Refusal(422, "processing"),
)
MEDITECH = Vendor(
    path="/v2/uscore/stu6",
    spelled="{scheme}://{HOST}{path}",
    next_page="{base}/{type}?patient={patient}&continue={key}",
    lacks=_LACKED,
    total="page",
)
HAPI = Vendor(
    next_page="{base}?_getpages={key}&_getpagesoffset={start}&_count=200&_bundletype=searchset",
    rows=3,
    includes=("Practitioner", "Medication"),
    media_type="application/fhir+json;charset=UTF-8",
)
AZURE = Vendor(next_page="{base}/{type}?patient={patient}&_count=200&ct={key}")
GOOGLE = Vendor(
    path="/v1/projects/p/locations/l/datasets/d/fhirStores/s/fhir",
    next_page="{base}/{type}/?_page_token={key}&patient={patient}",
    total="all",
)
AWS = Vendor(path="/datastore/d/r4", next_page="{base}/{type}?_count=200&page={key}", total="all", gzipped=True)
ABSOLUTE = Vendor(next_page="?_skip={start}&_provided={key}", absolute_references=True)
PLAIN_JSON = Vendor(media_type='application/json; charset="utf-8"', gzipped=True)

# Those that give the whole chart, and those that keep some of it back.
WHOLE = {
    "Epic": EPIC,
    "HAPI": HAPI,
    "Azure": AZURE,
    "Google": GOOGLE,
    "AWS": AWS,
    "absolute references, relative links": ABSOLUTE,
    "plain JSON, gzip": PLAIN_JSON,
}
IN_PART = {"Oracle Health": ORACLE, "MEDITECH": MEDITECH}
