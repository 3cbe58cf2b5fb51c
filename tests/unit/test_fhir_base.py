"""The base of a FHIR server: which spellings are one address, and which are none."""

from __future__ import annotations

import pytest

from cds_service.fhir_base import BadBaseError, FhirBase


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir"),
        ("https://ehr.example.org/fhir/", "https://ehr.example.org/fhir"),
        ("HTTPS://EHR.example.org:443/fhir", "https://ehr.example.org/fhir"),
        ("https://ehr.example.org./fhir", "https://ehr.example.org/fhir"),
        ("http://127.0.0.1:80/fhir", "http://127.0.0.1/fhir"),
        ("http://127.0.0.1:8104/fhir", "http://127.0.0.1:8104/fhir"),
        ("https://[2001:DB8::1]:8443/R4", "https://[2001:db8::1]:8443/R4"),
        ("https://ehr.example.org", "https://ehr.example.org"),
    ],
)
def test_spellings_of_one_address_are_one_base(text: str, url: str) -> None:
    assert FhirBase.parse(text).url == url
    assert FhirBase.parse(url) == FhirBase.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "absolute"),
        ("ehr.example.org/fhir", "absolute"),
        ("ftp://ehr.example.org/fhir", "absolute"),
        ("https://", "absolute"),
        ("https:///fhir", "absolute"),
        ("https://ehr.example.org:99999/fhir", "absolute"),
        ("https://ehr.example.org:port/fhir", "absolute"),
        ("https://[::1/fhir", "absolute"),
        ("https://ehr.example.org/fhir\nHost: x", "absolute"),
        ("https://ehr.example.org\\@evil.example.org/fhir", "absolute"),
        ("https://ehr.example.org/fh ir", "absolute"),
        ("https://éhr.example.org/fhir", "absolute"),
        ("https://user:pass@ehr.example.org/fhir", "user name"),
        ("https://@ehr.example.org/fhir", "user name"),
        ("https://ehr.example.org/fhir?tenant=1", "query"),
        ("https://ehr.example.org/fhir?", "query"),
        ("https://ehr.example.org/fhir#x", "query"),
        ("https://ehr.example.org/fhir/../admin", "'..'"),
        ("https://ehr.example.org/fhir/%2e%2E/admin", "'..'"),
        ("https://ehr.example.org/./fhir", "'..'"),
    ],
)
def test_what_is_no_base_is_refused_and_not_repeated(text: str, why: str) -> None:
    with pytest.raises(BadBaseError) as refused:
        FhirBase.parse(text)
    assert why in str(refused.value)
    assert "example" not in str(refused.value)


@pytest.mark.parametrize(
    ("link", "followed"),
    [
        ("https://ehr.example.org/fhir?_getpages=1", "https://ehr.example.org/fhir?_getpages=1"),
        ("https://ehr.example.org:443/elsewhere?x=a|b", "https://ehr.example.org:443/elsewhere?x=a|b"),
        ("HTTPS://EHR.EXAMPLE.ORG/fhir?p=2", "https://EHR.EXAMPLE.ORG/fhir?p=2"),
        ("?page=2", "https://ehr.example.org/fhir/Condition?page=2"),
        ("Condition?page=2", "https://ehr.example.org/fhir/Condition?page=2"),
        ("/fhir/Condition?page=2", "https://ehr.example.org/fhir/Condition?page=2"),
        ("http://ehr.example.org/fhir?p=2", None),
        ("https://ehr.example.org:8443/fhir?p=2", None),
        ("https://evil.example.org/fhir?p=2", None),
        ("https://ehr.example.org@evil.example.org/?p=2", None),
        ("https://user@ehr.example.org/fhir?p=2", None),
        ("https://ehr.example.org.evil.example.org/?p=2", None),
        ("//evil.example.org/fhir?p=2", None),
        ("https://ehr.example.org\\.evil.example.org/", None),
        ("https://[::1/", None),
        ("javascript:alert(1)", None),
        ("", None),
        ("?x= y", None),
    ],
)  # fmt: skip
def test_a_link_is_followed_on_this_origin_alone(link: str, followed: str | None) -> None:
    base = FhirBase.parse("https://ehr.example.org/fhir")
    assert base.on_this_server(link, "https://ehr.example.org/fhir/Condition?patient=p1") == followed
