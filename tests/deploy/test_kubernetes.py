"""The manifests for Kubernetes, as they are rendered: of the cluster's form, restricted, and true of the service."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from cds_service import __version__
from cds_service.settings import _KNOWN, PREFIX, Settings
from tests.support.service import TestClient

Manifest = dict[str, Any]
SCALED = ["ingress", "autoscaling", "service-monitor"]
VERSIONS = ["1.29", "1.32", "1.35"]
NOT_OF_THE_CLUSTER = {"ServiceMonitor"}  # a resource of the Prometheus operator, which has no schema there
TWO_SECRETS = {f"{PREFIX}DATABASE_URL": "database-url", f"{PREFIX}PATIENT_HASH_KEY": "patient-hash-key"}


@pytest.fixture(scope="session")
def render(program: Callable[[str, str], str]) -> Callable[[Path], list[Manifest]]:
    """What `kubectl apply` would send, of a folder."""
    kubectl = program("kubectl", "apt-get install kubernetes-client, or put the release's kubectl on the path")

    def run(folder: Path) -> list[Manifest]:
        done = subprocess.run(
            [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""  # a deprecated field is told there
        return list(yaml.safe_load_all(done.stdout))

    return run


@pytest.fixture(scope="session")
def production(deploy: Path, render: Callable[[Path], list[Manifest]]) -> list[Manifest]:
    """The overlay as it stands in the tree."""
    return render(deploy / "kubernetes" / "production")


@pytest.fixture(scope="session")
def scaled(
    deploy: Path, render: Callable[[Path], list[Manifest]], tmp_path_factory: pytest.TempPathFactory
) -> list[Manifest]:
    """The same with every option, of another release, by a digest of a registry with a port."""
    copied = tmp_path_factory.mktemp("site") / "kubernetes"
    shutil.copytree(deploy / "kubernetes", copied)
    file = copied / "production" / "kustomization.yaml"
    site = yaml.safe_load(file.read_text("utf-8"))
    site["components"] = [f"../options/{name}" for name in SCALED]
    site["labels"][0]["pairs"]["app.kubernetes.io/version"] = "9.8.7"
    site["images"] = [
        {"name": "nelm-cds", "newName": "registry.example.org:5000/nelm-cds", "digest": f"sha256:{7:064x}"}
    ]
    del site["replicas"]
    file.write_text(yaml.safe_dump(site), "utf-8")
    return render(copied / "production")


def named(manifests: list[Manifest], kind: str, name: str = "nelm-cds") -> Manifest:
    """The one of a kind that has this name, or begins with it."""
    (found,) = [one for one in manifests if one["kind"] == kind and one["metadata"]["name"].startswith(name)]
    return found


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """The specs of all pods."""
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "Job"):
            yield manifest["spec"]["template"]["spec"]


def containers(manifests: list[Manifest]) -> list[Manifest]:
    """All containers."""
    return [container for pod in pods(manifests) for container in pod["containers"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cluster_of_this_version_takes_each_of_them(
    production: list[Manifest], scaled: list[Manifest], version: str
) -> None:
    checked = [one for one in [*production, *scaled] if one["kind"] not in NOT_OF_THE_CLUSTER]
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)
    assert {one["kind"] for one in checked} == {
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy", "PodDisruptionBudget",
        "Service", "ServiceAccount",
    }  # fmt: skip


def test_no_secret_is_in_the_tree(production: list[Manifest]) -> None:
    assert [one for one in production if one["kind"] == "Secret"] == []
    for container in containers(production):
        refs = {one["name"]: one["valueFrom"]["secretKeyRef"] for one in container["env"]}
        assert {name: ref["key"] for name, ref in refs.items()} == TWO_SECRETS
        assert {ref["name"] for ref in refs.values()} == {"nelm-cds"}


def test_pods_keep_to_the_restricted_standard(production: list[Manifest]) -> None:
    for pod in pods(production):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {kind for volume in pod["volumes"] for kind in volume} == {"name", "configMap", "emptyDir"}
    for container in containers(production):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_cluster_sets_no_variable_that_the_service_would_refuse(production: list[Manifest]) -> None:
    """For a Service named nelm-cds it would set NELM_CDS_PORT, and the service would not start."""
    assert all(pod["enableServiceLinks"] is False for pod in pods(production))
    assert named(production, "Service")


def test_limits_are_set_everywhere(production: list[Manifest]) -> None:
    for container in containers(production):
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_one_image_of_one_version_is_run(production: list[Manifest]) -> None:
    assert {container["image"] for container in containers(production)} == {f"nelm-cds:{__version__}"}
    told = {one["metadata"]["labels"]["app.kubernetes.io/version"] for one in production}
    assert told == {__version__}


def test_each_release_has_a_migration_of_its_own(production: list[Manifest], scaled: list[Manifest]) -> None:
    """Since a Job cannot be changed: a second release would be refused."""
    assert named(production, "Job")["metadata"]["name"] == f"nelm-cds-migrate-{__version__}"
    assert named(scaled, "Job")["metadata"]["name"] == "nelm-cds-migrate-9.8.7"
    assert named(scaled, "Job")["spec"]["template"]["spec"]["containers"][0]["args"] == ["migrate"]
    assert {one["image"].partition("@")[0] for one in containers(scaled)} == {"registry.example.org:5000/nelm-cds"}


def test_the_settings_are_settings_and_enough_with_the_secrets(production: list[Manifest], tmp_path: Path) -> None:
    told = named(production, "ConfigMap", "nelm-cds-settings")["data"]
    assert {name.removeprefix(PREFIX) for name in told} <= _KNOWN
    clients = named(production, "ConfigMap", "nelm-cds-clients")["data"]["clients.toml"]
    (tmp_path / "clients.toml").write_text(clients, "utf-8")
    secrets = {
        f"{PREFIX}DATABASE_URL": "postgresql+psycopg://nelm_cds@db.example.org/nelm_cds",
        f"{PREFIX}PATIENT_HASH_KEY": "0123456789abcdef" * 4,
    }
    settings = Settings.from_environ(told | secrets | {f"{PREFIX}CLIENTS": str(tmp_path / "clients.toml")})
    assert settings.production
    assert [client.name for client in settings.clients] == [one["name"] for one in tomllib.loads(clients)["client"]]
    for pod, container in zip(pods(production), containers(production), strict=True):
        (mount,) = [one for one in container["volumeMounts"] if one["name"] == "clients"]
        assert told[f"{PREFIX}CLIENTS"] == f"{mount['mountPath']}/clients.toml"
        assert any(
            volume.get("configMap", {}).get("name", "").startswith("nelm-cds-clients-") for volume in pod["volumes"]
        )


def test_probes_ask_for_what_the_service_has(production: list[Manifest], client: TestClient) -> None:
    (container,) = named(production, "Deployment")["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert {probe["path"]: client.get(probe["path"]).status_code for probe in probes.values()} == {
        "/readyz": 200,
        "/healthz": 200,
    }
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]


def test_an_instance_is_given_the_time_that_its_calls_may_take(production: list[Manifest]) -> None:
    pod = named(production, "Deployment")["spec"]["template"]["spec"]
    (waited,) = re.findall(r"sleep\((\d+)\)", str(pod["containers"][0]["lifecycle"]))
    assert pod["terminationGracePeriodSeconds"] > int(waited) + Settings().fhir_budget_seconds + 5 + 5


def test_nobody_reaches_anybody_but_who_is_listed(production: list[Manifest]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in production if one["kind"] == "NetworkPolicy"}
    assert policies.pop("nelm-cds-nobody") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    peers = [peer for spec in policies.values() for rule in spec.get("egress", []) for peer in rule["to"]]
    peers += [peer for spec in policies.values() for rule in spec.get("ingress", []) for peer in rule["from"]]
    assert all(peer and peer != {"namespaceSelector": {}} for peer in peers)
    blocks = [peer["ipBlock"]["cidr"] for peer in peers if "ipBlock" in peer]
    assert len(blocks) == 2
    assert "0.0.0.0/0" not in blocks
    assert all(
        rule["ports"] for spec in policies.values() for rule in [*spec.get("egress", []), *spec.get("ingress", [])]
    )


def test_every_selector_finds_the_pods_it_means(production: list[Manifest]) -> None:
    labels = {
        one["kind"]: one["spec"]["template"]["metadata"]["labels"]
        for one in production
        if one["kind"] in ("Deployment", "Job")
    }
    service = named(production, "Service")["spec"]["selector"]
    assert service.items() <= labels["Deployment"].items()
    assert not service.items() <= labels["Job"].items()
    assert named(production, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == service
    selectors = {
        one["metadata"]["name"]: one["spec"]["podSelector"].get("matchLabels", {})
        for one in production
        if one["kind"] == "NetworkPolicy"
    }
    for name in ("nelm-cds-names", "nelm-cds-database"):  # the migration needs them as well
        assert all(selectors[name].items() <= found.items() for found in labels.values())
    for name in ("nelm-cds-callers", "nelm-cds-ehr"):
        assert selectors[name] == service


def test_from_outside_only_the_hooks_routes_are_reached(production: list[Manifest]) -> None:
    (rule,) = named(production, "Ingress")["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/cds-services"]
    assert (
        f"https://{rule['host']}" == named(production, "ConfigMap", "nelm-cds-settings")["data"][f"{PREFIX}PUBLIC_URL"]
    )


def test_the_autoscaler_alone_says_how_many(production: list[Manifest], scaled: list[Manifest]) -> None:
    assert named(production, "Deployment")["spec"]["replicas"] >= 2
    assert "replicas" not in named(scaled, "Deployment")["spec"]
    assert named(scaled, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2


def test_prometheus_finds_the_service_by_its_labels(scaled: list[Manifest]) -> None:
    monitor, service = named(scaled, "ServiceMonitor"), named(scaled, "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [one["port"] for one in monitor["spec"]["endpoints"]] == [service["spec"]["ports"][0]["name"]]
