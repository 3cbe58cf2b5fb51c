"""The file of clients: read as a whole, refused as a whole, with every problem named and no key shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cds_service.clients import ClientsError, open_client, read_clients
from tests.support.signing import make_key, public

KEY = make_key()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keys.json").write_text(json.dumps(public(KEY)))
    (tmp_path / "private.json").write_text(json.dumps({"keys": [KEY.as_dict(private=True)]}))
    (tmp_path / "none.json").write_text("{}")
    return tmp_path


WHOLE = """
[[client]]
name = "north"
iss = "https://north.example.org"
jku = ["https://north.example.org/jwks.json", "https://north.example.org/old.json"]
tenants = ["a", "b"]
fhir_servers = ["HTTPS://North.example.org:443/fhir/"]
profile = "epic"

[[client]]
name = "south"
iss = "https://south.example.org"
jwks_file = "keys.json"

[[client]]
name = "east"
iss = "https://east.example.org"
jku = "https://east.example.org/jwks.json"
jwks_file = "keys.json"
"""


def test_a_whole_file(folder: Path) -> None:
    north, south, east = read_clients(WHOLE, folder, production=True)
    assert (north.name, north.iss, north.profile.name) == ("north", "https://north.example.org", "epic")
    assert north.jku == ("https://north.example.org/jwks.json", "https://north.example.org/old.json")
    assert north.tenants == {"a", "b"}
    assert north.fhir_servers == ("https://north.example.org/fhir",)
    assert north.keys is None
    assert (south.jku, south.tenants, south.fhir_servers, south.profile.name) == ((), frozenset(), (), "generic")
    assert south.keys is not None
    assert south.keys.find(KEY.kid, "ES384")
    assert east.jku == ("https://east.example.org/jwks.json",)
    assert str(KEY.as_dict(private=False)["x"]) not in repr((north, south, east))


GOOD = 'name = "n"\niss = "https://n.example.org"\njwks_file = "keys.json"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "registers no client"),
        ("client = 7", "registers no client"),
        ("[client]\nname='x'", "registers no client"),
        ("nonsense", "is not TOML"),
        ("[[clients]]\n" + GOOD, "clients: no member of this name"),
        ("[[client]]\n" + GOOD + "secret = 's3cret'", "client 1, secret: no member of this name"),
        ("[[client]]\n" + GOOD.replace('"n"', '""'), "client 1, name: must be a text"),
        ("[[client]]\n" + GOOD.replace('"n"', "7"), "client 1, name: must be a text"),
        ("[[client]]\n" + GOOD.replace("iss", "#"), "client 1, iss: must be a text"),
        ("[[client]]\n" + GOOD.replace("jwks_file", "#"), "client 1: needs jku or jwks_file"),
        ("[[client]]\n" + GOOD.replace("keys.json", "gone.json"), "client 1, jwks_file: cannot be read"),
        ("[[client]]\n" + GOOD.replace("keys.json", "private.json"), "client 1, jwks_file: key 1 is a private key"),
        ("[[client]]\n" + GOOD.replace("keys.json", "none.json"), "client 1, jwks_file: is not a JWK set"),
        ("[[client]]\n" + GOOD.replace("keys.json", "a\\u0000b"), "client 1, jwks_file: cannot be read"),
        ("[[client]]\n" + GOOD.replace("jwks_file", "jku = []#"), "client 1: needs jku or jwks_file"),
        ("[[client]]\n" + GOOD + "profile = 'epik'", "client 1, profile: must be one of generic, epic, oracle"),
        ("[[client]]\n" + GOOD + "tenants = 'a'", "client 1, tenants: must be a list of texts"),
        ("[[client]]\n" + GOOD + "tenants = [7]", "client 1, tenants: must be a list of texts"),
        ("[[client]]\n" + GOOD + "fhir_servers = ['ehr.example.org']", "client 1, fhir_servers: address 1 "),
        ("[[client]]\n" + GOOD + "jku = 'http://n.example.org/k'", "client 1, jku: address 1 must be https"),
        ("[[client]]\n" + GOOD + "jku = 'n.example.org/k'", "client 1, jku: address 1 must be an https address"),
        ("[[client]]\n" + GOOD + "jku = 'https://u:p@n.example.org/k'", "client 1, jku: address 1 must be an https"),
        ("[[client]]\n" + GOOD + "jku = 'https://n.example.org:x/k'", "client 1, jku: address 1 is no address"),
        ("[[client]]\n" + GOOD + "[[client]]\n" + GOOD.replace("n.ex", "o.ex"), "name 'n' is that of 2 clients"),
        ("[[client]]\n" + GOOD + "[[client]]\n" + GOOD.replace('"n"', '"o"'), "is that of 2 clients"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, text: str, problem: str) -> None:
    with pytest.raises(ClientsError) as error:
        read_clients(text, folder, production=False)
    assert any(problem in said for said in error.value.problems), error.value.problems
    assert "s3cret" not in str(error.value)
    assert str(KEY.as_dict(private=True)["d"]) not in str(error.value)


def test_every_problem_is_named_at_once(folder: Path) -> None:
    text = "[[client]]\nname = ''\niss = 7\nprofile = 'x'\n[[client]]\n" + GOOD + "colour = 1"
    with pytest.raises(ClientsError) as error:
        read_clients(text, folder, production=False)
    assert len(error.value.problems) == 5


def test_http_on_loopback_is_for_development(folder: Path) -> None:
    for address in ("http://127.0.0.1:9/k", "http://localhost/k", "http://[::1]:9/k"):
        text = f"[[client]]\n{GOOD}jku = '{address}'"
        assert read_clients(text, folder, production=False)[0].jku == (address,)
        with pytest.raises(ClientsError, match="must be https"):
            read_clients(text, folder, production=True)
    text = f"[[client]]\n{GOOD}fhir_servers = ['http://127.0.0.1:8104/fhir']"
    assert read_clients(text, folder, production=False)[0].fhir_servers == ("http://127.0.0.1:8104/fhir",)
    with pytest.raises(ClientsError, match="address 1 must be https in production"):
        read_clients(text, folder, production=True)


def test_anybody_is_a_client_too() -> None:
    anybody = open_client(["https://ehr.example.org/fhir"])
    assert (anybody.name, anybody.profile.name) == ("open", "generic")
    assert anybody.fhir_servers == ("https://ehr.example.org/fhir",)
