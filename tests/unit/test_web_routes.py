"""The pages on the wire: which there are, what a browser may do with them, and what production leaves out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from cds_service.clients.registry import read_clients
from cds_service.guidelines.nelm_2006.advice.phrases import NAMES
from cds_service.guidelines.nelm_2006.pathway import PATHWAY
from cds_service.guidelines.nelm_2006.plain_facts import FACTS
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.settings import Settings
from cds_service.web.guideline import guideline
from cds_service.web.pages import Pages
from tests.support.pages import pages
from tests.support.service import TestClient
from tests.support.signing import make_key, public
from tests.support.stories import NAMES as STORY_NAMES
from tests.support.stories import STORIES, story

PRODUCTION = Settings(environment="production", cors_origins=())
PATHS = ("/", "/pathway", "/launch", "/smart")


@pytest.fixture(scope="module")
def open_pages() -> TestClient:
    return pages()


@pytest.fixture
def built(tmp_path: Path) -> Pages:
    """Pages as a build leaves them, beside a file that is none of them."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "index-BX3k_9dQ.js").write_text("1", "utf-8")
    (tmp_path / "assets" / "icon.svg").write_text("<svg/>", "utf-8")
    (tmp_path / "assets" / "odd.bin").write_bytes(b"\x00")
    (tmp_path / "index.html").write_text("<!doctype html>", "utf-8")
    (tmp_path.parent / "secret.html").write_text("secret", "utf-8")
    return Pages(tmp_path)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_may_run_only_what_the_service_itself_serves(open_pages: TestClient, path: str) -> None:
    page = open_pages.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in page.headers["permissions-policy"]
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert _policy(open_pages, path) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_smart_pages_alone_may_call_the_configured_servers_and_be_framed_by_them() -> None:
    settings = Settings(
        fhir_servers=("https://ehr.example.org/fhir", "https://ehr.example.org/other"),
        smart_client_id="app",
        smart_servers=("https://login.example.org/oauth2",),
    )
    client = pages(settings)
    said = {path: _policy(client, path) for path in PATHS}
    origins = "https://ehr.example.org https://login.example.org"
    both = {"connect-src": f"'self' {origins}", "frame-ancestors": origins}
    none = {"connect-src": "'self'", "frame-ancestors": "'none'"}
    assert {path: {name: policy[name] for name in both} for path, policy in said.items()} == {
        "/": none,
        "/pathway": none,
        "/launch": both,
        "/smart": both,
    }
    told = client.get("/web/settings.json").json()
    assert told["connect"] == ["https://ehr.example.org", "https://login.example.org"]
    assert told["smart"]["client_id"] == "app"


def _policy(client: TestClient, path: str) -> dict[str, str]:
    policy = client.get(path).headers["content-security-policy"]
    return dict(part.split(maxsplit=1) for part in policy.split("; "))


def test_the_least_scope_reads_what_the_service_asks_for(open_pages: TestClient) -> None:
    told = open_pages.get("/web/settings.json").json()
    scope = told["smart"]["scope"].split()
    assert scope[0] == "launch"
    assert {"patient/Patient.rs", "patient/Condition.rs", "patient/Observation.rs"} < set(scope)
    assert all(part.startswith("patient/") and part.endswith(".rs") for part in scope[1:])
    assert told["smart"]["client_id"] is None


def test_a_scope_that_is_set_is_the_one_that_is_asked_for() -> None:
    client = pages(Settings(smart_client_id="app", smart_scope="launch patient/*.rs"))
    assert client.get("/web/settings.json").json()["smart"]["scope"] == "launch patient/*.rs"


def test_assets_whose_name_holds_their_hash_are_kept_for_good(built: Pages) -> None:
    script, icon, odd = built.asset("index-BX3k_9dQ.js"), built.asset("icon.svg"), built.asset("odd.bin")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (icon.headers["cache-control"], icon.headers["content-type"]) == ("no-cache", "image/svg+xml")
    assert odd.headers["content-type"] == "application/octet-stream"
    assert {asset.headers["x-content-type-options"] for asset in (script, icon, odd)} == {"nosniff"}


@pytest.mark.parametrize("name", ["", "..", "../index.html", "../../secret.html", "/etc/passwd", "INDEX-BX3k_9dQ.js"])
def test_there_is_no_other_asset(built: Pages, name: str) -> None:
    with pytest.raises(HTTPException) as refused:
        built.asset(name)
    assert refused.value.status_code == 404


@pytest.mark.parametrize("path", ["/assets/%2e%2e%2findex.html", "/assets/..%2f..%2f__init__.py", "/assets/nothing.js"])
def test_no_path_leads_out_of_the_assets(open_pages: TestClient, path: str) -> None:
    answer = open_pages.get(path)
    assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome")


def test_a_page_that_was_not_built_says_so(tmp_path: Path, built: Pages) -> None:
    assert built.page("index").status_code == 200
    page = Pages(tmp_path / "static").page("index")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert b"The pages are not built" in page.body


def test_every_story_is_listed_and_can_be_had(open_pages: TestClient) -> None:
    listed = open_pages.get("/web/stories.json").json()
    assert [item["name"] for item in listed] == STORY_NAMES
    for item, told in zip(listed, STORIES, strict=True):
        assert item["as_of"].startswith(told.expected["as_of"][:10])
        assert item["title"]
        assert item["about"]
        answer = open_pages.get(f"/web/stories/{item['name']}.json")
        assert (answer.content, answer.headers["content-type"]) == (told.body, "application/json")


@pytest.mark.parametrize("name", ["nobody", "%2e%2e", "%2e%2e%2fvignettes"])
def test_there_is_no_story_of_another_name(open_pages: TestClient, name: str) -> None:
    assert open_pages.get(f"/web/stories/{name}.json").status_code == 404


def test_a_production_service_has_no_pages() -> None:
    client = pages(PRODUCTION)
    for path in (*PATHS, "/assets/x.js", "/web/guideline.json", "/web/stories.json", "/web/settings.json"):
        assert client.get(path).status_code == 404
    assert client.post("/web/evaluate", json={"input": {}}).status_code == 404


def test_a_production_service_with_a_smart_app_has_that_app_and_nothing_else() -> None:
    client = pages(replace(PRODUCTION, smart_client_id="app"))
    shown = [path for path in PATHS if client.get(path).status_code == 200]
    assert shown == ["/launch", "/smart"]
    assert client.get("/web/guideline.json").status_code == client.get("/web/settings.json").status_code == 200
    assert client.get("/web/stories.json").status_code == client.get("/web/stories/resectable.json").status_code == 404
    told = story("resectable")
    refused = client.post("/web/evaluate", json={"input": told.request})
    assert refused.status_code == 400
    assert "refused in production" in refused.json()["issue"][0]["diagnostics"]
    undated = {name: value for name, value in told.request.items() if name != "extension"}
    assert client.post("/web/evaluate", json={"input": undated}).status_code == 200


def test_the_smart_page_learns_the_queries_where_discovery_is_signed(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(public(make_key())), "utf-8")
    client = '[[client]]\nname = "north"\niss = "https://north.example.org"\njwks_file = "keys.json"\n'
    clients = read_clients(client, tmp_path, production=False)
    signed = pages(Settings(clients=clients, public_url="https://cds.example.org", smart_client_id="app"))
    assert signed.get("/cds-services").status_code == 401
    told = signed.get("/web/settings.json").json()["prefetch"]
    assert told == pages().get("/cds-services").json()["services"][0]["prefetch"]


def test_an_evaluation_is_counted_and_logged_without_what_was_sent(
    open_pages: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    told = story("resectable")
    with caplog.at_level("INFO", logger="nelm_cds.calls"):
        for body in ({"input": told.request}, {"input": told.request, "what_if": {"synthetic": 1}}):
            open_pages.post("/web/evaluate", json=body)
    lines = [vars(record) for record in caplog.records if getattr(record, "endpoint", "") == "evaluate"]
    assert [line["status"] for line in lines] == [200, 400]
    patient = told.request["prefetch"]["patient"]
    for value in (patient["name"][0]["family"].lower(), patient["birthDate"], told.patient_id):
        assert value not in str(lines).lower()
    counted = open_pages.get("/metrics").text
    for status in ("200", "400"):
        assert re.search(rf'nelm_cds_calls_total{{client="open",endpoint="evaluate",status="{status}"}} \d', counted)


def test_the_guideline_is_told_as_it_is_declared(open_pages: TestClient) -> None:
    told = open_pages.get("/web/guideline.json").json()
    assert (told["id"], told["edition"]) == ("nelm-2006", "2006.1")
    assert [node["id"] for node in told["nodes"]] == list(PATHWAY.nodes)
    edges = [(node.id, edge.answer, edge.to) for node in PATHWAY.nodes.values() for edge in node.edges]
    assert [(edge["from"], edge["answer"], edge["to"]) for edge in told["edges"]] == edges
    assert {edge["status"] for edge in told["edges"]} == {"E", "I", "P"}
    assert [edge["answer"] for edge in told["edges"] if edge["from"] == "N2" and edge["stops"]] == ["missing"]
    assert [found["code"] for found in told["recommendations"]] == list(texts().recommendations)
    assert {"reasons", "inputs", "title"} <= told.keys()


def test_every_input_says_what_may_be_entered_for_it() -> None:
    told = {item["name"]: item for item in guideline(SitePolicy())["inputs"]}
    assert list(told) == list(FACTS)
    assert {name: item["label"] for name, item in told.items()} == {name: NAMES[name] for name in FACTS}
    assert (told["ki67_percent"]["type"], told["ki67_percent"]["unit"]) == ("number", "%")
    assert told["lesion_count"]["type"] == "number"
    assert (told["hepatic_failure"]["type"], told["hepatic_failure"]["values"]) == ("boolean", None)
    assert told["failed_therapies"]["type"] == "set"
    assert "T-EMBO" in told["failed_therapies"]["values"]
    assert "oesophagus" in told["primary_site"]["values"]
    assert "esophagus" not in told["primary_site"]["values"], "a synonym would stand in the list twice"
    for name, item in told.items():
        for value in item["values"] or ():
            FACTS[name].read([value] if item["type"] == "set" else value)


def test_the_limits_of_the_site_stand_in_the_texts() -> None:
    said = json.dumps(guideline(SitePolicy()))
    policy = SitePolicy.from_toml(
        "extended_ablation_limit_cm = 5.5\nablation_limit_cm = 3.5\nextended_ablation = false"
    )
    of_site = {reason["code"]: reason["text"] for reason in guideline(policy)["reasons"]}
    assert "5.5 cm" not in said
    assert "above 5.5 cm (limit of this site" in of_site["size_gt_7cm"]
    assert "above 3.5 cm, no extended ablation" in of_site["no_technique"]
