"""deploy/proxy/nginx.conf with the real nginx, in front of two instances of the real service in production settings."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse
from pathlib import Path

import httpx
import pytest
import uvicorn

from cds_service.settings import Settings
from tests.drills.site import DISCOVERY, FEEDBACK, HOOK, PUBLIC_URL, Site, running_site
from tests.drills.traffic import body_of, entry_of, refusal
from tests.support.nginx import CONFIGURATION, INSTALL, program, replaced
from tests.support.stories import without_uuids

LIMIT = Settings().max_body_bytes
_TLS_1_1 = 0x0302  # by its number: its name warns
OUTSIDE = "127.0.0.2"  # an address that the configuration does not know
INSIDE_ONLY = ("/metrics", "//metrics", "/metrics/", "/%6detrics", "/metrics%2F", "/%2Fmetrics", "/x/../metrics",
               "/metrics?x=1", "/readyz", "/readyz//")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if program() is None:
        pytest.skip(INSTALL)
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, f"sqlite:///{folder}/store.db") as running:
        yield running


@pytest.fixture
def caller(site: Site) -> Iterator[httpx.Client]:
    with site.caller() as http:
        yield http


def raw(site: Site, request: bytes, *, source: str = "127.0.0.1", tls: bool = True) -> httpx.Response:
    """The answer to bytes as they are; `//metrics` is no host, and nothing is tidied."""
    with ExitStack() as stack:
        address = ("127.0.0.1", site.proxy.port)
        connection = stack.enter_context(socket.create_connection(address, timeout=30, source_address=(source, 0)))
        if tls:
            secured = site.proxy.trusting.wrap_socket(connection, server_hostname="127.0.0.1")
            connection = stack.enter_context(secured)
        connection.sendall(request)
        answer = stack.enter_context(HTTPResponse(connection))
        answer.begin()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: cds.example.org\r\nConnection: close\r\n\r\n".encode()


def calls(site: Site) -> dict[str, float]:
    """What the instances were asked so far, by route, status and client."""
    return {name: value for name, value in site.counted().items() if name.startswith("calls_total")}


def client_side(site: Site, version: int) -> ssl.SSLContext:
    context = site.proxy.trusting
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated is why it is tried
        context.minimum_version = context.maximum_version = version  # type: ignore[assignment]
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def handshake(site: Site, context: ssl.SSLContext) -> str | None:
    with (
        socket.create_connection(("127.0.0.1", site.proxy.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.version()


def test_nginx_takes_the_configuration_without_a_warning(site: Site) -> None:
    folder = site.proxy.folder
    command = [str(program()), "-t", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, "[warn]" in told.stderr) == (0, False), told.stderr


def test_what_a_test_replaces_has_to_stand_there_once() -> None:
    with pytest.raises(AssertionError, match="does not hold once: listen"):
        replaced(CONFIGURATION.read_text("utf-8"), {"listen ": "listen 127.0.0.1:"})


@pytest.mark.parametrize(
    ("version", "name"), [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]
)
def test_tls_from_1_2_on(site: Site, version: ssl.TLSVersion, name: str) -> None:
    assert handshake(site, client_side(site, version)) == name


def test_no_tls_1_1(site: Site) -> None:
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        handshake(site, client_side(site, _TLS_1_1))


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM"])
def test_no_cipher_but_those_listed(site: Site, cipher: str) -> None:
    context = client_side(site, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="handshake failure"):
        handshake(site, context)


def test_whoever_came_by_tls_is_told_to_stay_with_it(site: Site, caller: httpx.Client) -> None:
    answers = {
        200: caller.get("/healthz"),
        401: caller.get(DISCOVERY),
        404: caller.get("/nowhere"),
        403: raw(site, get("/metrics"), source=OUTSIDE),
    }
    for status, answer in answers.items():
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (status, "max-age=31536000")
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert answer.headers["server"] == "nginx"  # of which version is nobody's business


def test_a_page_is_redirected_to_https(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.proxy.plain_port}/smart?launch=x", headers={"Host": "evil.example.org"})
    assert (answer.status_code, answer.headers["location"]) == (308, f"{PUBLIC_URL}/smart?launch=x")


def test_a_chart_or_a_token_in_the_clear_is_refused_and_goes_nowhere(site: Site) -> None:
    before = calls(site)
    plain = f"http://127.0.0.1:{site.proxy.plain_port}"
    posted = httpx.post(plain + HOOK, content=body_of("resectable"), headers=site.signed(HOOK))
    asked = httpx.get(plain + DISCOVERY, headers=site.signed(DISCOVERY))
    to_the_wrong_port = raw(site, get(DISCOVERY), tls=False)
    assert [refusal(answer) for answer in (posted, asked, to_the_wrong_port)] == ["403", "403", "400"]
    assert "over https" in posted.text
    assert calls(site) == before


@pytest.mark.parametrize("name", ["resectable", "nothing-known-yet", "high-grade", "out-of-scope-diabetic"])
def test_a_signed_call_is_answered_as_an_instance_answers_it(site: Site, caller: httpx.Client, name: str) -> None:
    body = body_of(name)
    through = caller.post(HOOK, content=body, headers=site.signed(HOOK) | {"Accept-Encoding": "gzip, br"})
    direct = httpx.post(site.instances[0].address + HOOK, content=body, headers=site.signed(HOOK))
    assert (through.status_code, direct.status_code) == (200, 200)
    assert without_uuids(through.json()) == without_uuids(direct.json())
    assert set(direct.headers.items()) - set(through.headers.items()) <= {
        ("date", direct.headers["date"]), ("content-length", direct.headers["content-length"])
    }  # fmt: skip
    assert "content-encoding" not in through.headers


def test_a_token_is_taken_once_whichever_instance_it_meets(site: Site, caller: httpx.Client) -> None:
    signed = site.signed(HOOK)
    body = body_of("resectable")
    assert [caller.post(HOOK, content=body, headers=signed).status_code for _ in range(4)] == [200, 401, 401, 401]


def test_a_token_of_the_longest_kind_passes(site: Site, caller: httpx.Client) -> None:
    signed = site.ehr.authorization(PUBLIC_URL + DISCOVERY, scope="x" * 11_000)
    assert 15_000 < len(signed["Authorization"]) < 16_384
    assert caller.get(DISCOVERY, headers=signed).json()["services"]
    refused = caller.get(DISCOVERY, headers={"Authorization": "Bearer " + "x" * 30_000})
    assert refusal(refused) == "431"


def test_feedback_is_acknowledged_once_it_is_stored(site: Site, caller: httpx.Client) -> None:
    cards = [f"of-the-proxy-{number}" for number in range(3)]
    body = json.dumps({"feedback": [entry_of(card) for card in cards]}).encode()
    assert caller.post(FEEDBACK, content=body, headers=site.signed(FEEDBACK)).status_code == 200
    assert set(cards) <= site.stored_feedback()


def test_both_limits_of_a_body_are_one_number() -> None:
    text = CONFIGURATION.read_text("utf-8")
    assert f"client_max_body_size {LIMIT // 1024**2}m;" in text
    (buffer,) = re.findall(r"client_body_buffer_size (\d+)m;", text)
    assert int(buffer) > LIMIT // 1024**2  # or the last of a body would be in a file


def test_the_proxy_waits_longer_than_the_slowest_good_answer_takes() -> None:
    text = CONFIGURATION.read_text("utf-8")
    (waits,) = map(int, re.findall(r"proxy_read_timeout (\d+)s;", text))
    assert waits > Settings().fhir_budget_seconds + 2


def test_the_proxy_gives_an_idle_connection_up_before_an_instance_does() -> None:
    """Else a call may be sent into one that was just closed, and must not be sent again."""
    upstream = CONFIGURATION.read_text("utf-8").partition("upstream nelm-cds {")[2].partition("}")[0]
    (idle,) = map(int, re.findall(r"keepalive_timeout (\d+)s;", upstream))
    assert idle < uvicorn.Config("").timeout_keep_alive  # `nelm-cds serve` leaves it as it is


@pytest.mark.parametrize("way", ["with its length", "in chunks"])
def test_the_largest_body_passes_and_is_never_in_a_file(site: Site, caller: httpx.Client, way: str) -> None:
    """Without the folders for them, a body or an answer that nginx wanted to put into a file would fail."""
    for name in ("body", "proxy"):
        if (folder := site.proxy.folder / name).exists():
            folder.rmdir()
    body = body_of("resectable")
    largest = b"".join((body, b" " * (LIMIT - len(body))))
    pieces = iter([largest[: LIMIT // 2], largest[LIMIT // 2 :]])
    answer = caller.post(
        HOOK, content=largest if way == "with its length" else pieces, headers=site.signed(HOOK), timeout=60
    )
    assert (answer.status_code, bool(answer.json()["cards"])) == (200, True)


def test_a_larger_body_is_413_before_it_is_read(site: Site) -> None:
    before = calls(site)
    signed = site.signed(HOOK) | {"Host": "x", "Connection": "close", "Content-Length": str(LIMIT + 1)}
    head = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    answer = raw(site, f"POST {HOOK} HTTP/1.1\r\n{head}\r\n".encode())
    assert (refusal(answer), answer.json()["issue"][0]["code"]) == ("413", "too-long")
    assert "NELM_CDS_MAX_BODY_MB" in answer.text
    assert calls(site) == before


@pytest.mark.parametrize("path", INSIDE_ONLY)
def test_figures_are_for_the_inside_however_they_are_asked_for(site: Site, path: str) -> None:
    assert refusal(raw(site, get(path), source=OUTSIDE)) == "403"
    assert raw(site, get(path)).status_code == (404 if ".." in path else 200)  # the service does not walk


def test_whether_it_is_alive_anybody_may_ask(site: Site) -> None:
    assert raw(site, get("/healthz"), source=OUTSIDE).json() == {"status": "ok"}


def test_what_is_no_http_is_refused_in_our_shape(site: Site) -> None:
    assert refusal(raw(site, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) == "400"


def test_no_log_of_the_proxy_holds_a_word_of_a_request(site: Site, caller: httpx.Client) -> None:
    secret = "Wrzlbrmpft"  # noqa: S105 - a word that stands nowhere else
    for path in (f"/{secret}", f"{DISCOVERY}/{secret}", f"/launch?iss={secret}&code={secret}", f"/%zz{secret}"):
        raw(site, get(path))
    raw(site, get("/").replace(b"\r\n\r\n", f"\r\nReferer: https://x/{secret}\r\nCookie: {secret}\r\n\r\n".encode()))
    caller.post(HOOK, content=json.dumps({"hook": secret}).encode(), headers=site.signed(HOOK))
    caller.get(DISCOVERY, headers={"Authorization": "Bearer " + secret * 4000})
    raw(site, get("/").replace(b"/ HTTP", f"/{secret * 4000} HTTP".encode()))
    log = Path(site.proxy.folder / "access.log").read_text("utf-8")
    assert secret not in site.proxy.written
    assert {json.loads(line)["route"] for line in log.splitlines()} <= {
        "discovery",
        "hook",
        "feedback",
        "health",
        "other",
    }


def test_one_instance_may_die_and_without_any_the_answer_is_an_error(site: Site, caller: httpx.Client) -> None:
    """Last, since it takes the service away."""
    body = body_of("resectable")
    site.instances[0].kill()
    answers = [caller.post(HOOK, content=body, headers=site.signed(HOOK)) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert all(answer.json()["cards"] for answer in answers)
    site.instances[1].kill()
    for path in (HOOK, FEEDBACK):
        answer = caller.post(path, content=body, headers=site.signed(path))
        assert refusal(answer) in ("502", "503")
        assert (answer.headers["retry-after"], "cards" in answer.json()) == ("5", False)
        assert "no feedback acknowledged" in answer.text
