"""The Compose file: in the schema's form, every container fenced in, its names those that the other files use."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service import __version__
from cds_service.settings import _KNOWN, PREFIX, Settings

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
TEXT = (COMPOSE / "compose.yaml").read_text("utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
INSTANCES = ["nelm-cds-1", "nelm-cds-2"]
RUNS_ONCE = "migrate"
# It asks nothing of the others and is asked by Prometheus, which tells when it is gone.
WITHOUT_HEALTHCHECK = {"blackbox", *INSTANCES}  # the instances' own is in their image
every_service = pytest.mark.parametrize("name", SERVICES)


def seconds(text: str) -> int:
    """A duration such as 30s."""
    return int(text.removesuffix("s"))


def test_it_has_the_form_of_a_compose_file(program: Callable[[str, str], str]) -> None:
    check = program("check-jsonschema", "pip install check-jsonschema")
    command = [check, "--builtin-schema", "vendor.compose-spec", str(COMPOSE / "compose.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


@every_service
def test_each_container_is_fenced_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "privileged" not in service
    assert service.get("network_mode") is None


@every_service
def test_each_image_is_one_version_of_no_registry(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert "." not in image
    assert re.match(r"\$\{IMAGE_VERSION:\?|v?\d+\.\d+(\.\d+)?(-bookworm)?$", tag)


@every_service
def test_none_but_the_proxy_is_root_at_any_time(name: str) -> None:
    if name == "proxy":
        assert set(SERVICES[name]["cap_add"]) == {"CHOWN", "NET_BIND_SERVICE", "SETGID", "SETUID"}
    else:
        assert re.fullmatch(r"[1-9]\d*:\d+", SERVICES[name]["user"])
        assert "cap_add" not in SERVICES[name]


@every_service
def test_each_is_asked_how_it_is(name: str) -> None:
    if name == RUNS_ONCE:
        assert SERVICES[name]["healthcheck"] == {"disable": True}
        assert SERVICES[name]["restart"] == "no"
    else:
        assert ("healthcheck" in SERVICES[name]) is (name not in WITHOUT_HEALTHCHECK)
        assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_instances_are_those_that_the_proxy_and_prometheus_know() -> None:
    proxy = (COMPOSE.parent / "proxy" / "nginx.conf").read_text("utf-8")
    targets = yaml.safe_load((COMPOSE.parent / "monitoring" / "targets" / "instances.yml").read_text("utf-8"))
    addresses = [f"{name}:8000" for name in INSTANCES]
    assert re.findall(r"^\s+server (nelm-cds\S+)", proxy, re.MULTILINE) == addresses
    assert [target for group in targets for target in group["targets"]] == addresses
    assert set(INSTANCES) < set(SERVICES)


def test_the_instances_wait_for_the_migration_and_it_for_the_database() -> None:
    for name in INSTANCES:
        assert SERVICES[name]["depends_on"] == {RUNS_ONCE: {"condition": "service_completed_successfully"}}
    assert SERVICES[RUNS_ONCE]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert SERVICES[RUNS_ONCE]["command"] == ["migrate"]


def test_only_what_needs_the_database_reaches_it() -> None:
    assert FILE["networks"]["database"]["internal"] is True
    reaching = {name for name, service in SERVICES.items() if "database" in service["networks"]}
    assert reaching == {"database", RUNS_ONCE, *INSTANCES}
    assert list(SERVICES["database"]["networks"]) == ["database"]


def test_only_the_proxy_is_reached_from_other_hosts() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published.pop("proxy")) == {"443:443", "80:80"}
    assert published
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_every_name_of_ours_in_it_is_a_setting() -> None:
    named = set(re.findall(rf"\b{PREFIX}(\w+)", TEXT))
    assert named
    assert named <= _KNOWN


def test_what_it_asks_for_is_what_its_example_has_and_no_secret_stands_in_either() -> None:
    example = dict(re.findall(r"^([A-Z_]+)=(.*)$", (COMPOSE / "example.env").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z_]+)", TEXT)) == set(example)
    assert {name for name, value in example.items() if not value} == {"DATABASE_PASSWORD", "GRAFANA_PASSWORD"}
    assert all(f"${{{name}:?" in TEXT for name in ("DATABASE_PASSWORD", "GRAFANA_PASSWORD", "IMAGE_VERSION"))
    assert example["IMAGE_VERSION"] == __version__


def test_what_it_mounts_is_in_the_repository_or_is_the_sites_and_kept_out_of_it() -> None:
    mounts = {
        mount["source"]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if isinstance(mount, dict)
    }
    kept_out = (COMPOSE / ".gitignore").read_text("utf-8").splitlines()
    ours = {source for source in mounts if source.startswith("../")}
    assert {source: (COMPOSE / source).exists() for source in ours} == dict.fromkeys(ours, True)
    assert {f"{source.removeprefix('./')}/" for source in mounts - ours} == {"config/", "tls/"}
    assert {"config/", "tls/", ".env", "nelm-cds.env"} <= set(kept_out)


def test_what_is_mounted_from_a_folder_of_the_site_is_not_made_empty_in_its_place() -> None:
    binds = [mount for service in SERVICES.values() for mount in service.get("volumes", []) if isinstance(mount, dict)]
    assert binds
    assert all(mount["read_only"] and mount["bind"] == {"create_host_path": False} for mount in binds)


@pytest.mark.parametrize("name", INSTANCES)
def test_an_instance_is_given_the_time_that_its_calls_may_take(name: str) -> None:
    assert seconds(SERVICES[name]["stop_grace_period"]) > Settings().fhir_budget_seconds + 5 + 5


def test_nginx_looks_a_name_up_once_so_that_the_instances_keep_their_addresses() -> None:
    addresses = [SERVICES[name]["networks"]["service"]["ipv4_address"] for name in ("proxy", *INSTANCES)]
    assert len(set(addresses)) == 3
    (subnet,) = FILE["networks"]["service"]["ipam"]["config"]
    assert {address.rpartition(".")[0] for address in addresses} == {subnet["subnet"].removesuffix(".0/24")}
