"""The manifests are whole, closed, and start Ray and Serve as the code says.

The fields of RayService are those of KubeRay's public API reference (v1, as of 1.6); Kubernetes's own kinds are checked
as far as these tests say.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.serve.schema import ServeDeploySchema
from ruamel.yaml import YAML
from unit.manifests.reading import KUBERNETES, ROOT, all_objects, documents, one

from actors import naming
from cluster.ray_environment import node_variables
from cluster.settings import load_settings
from models import limits

DATA_DIR = Path("/var/lib/kairos")
SERVICE = one("RayService", "kairos")["spec"]
CLUSTER = SERVICE["rayClusterConfig"]
GROUPS = [CLUSTER["headGroupSpec"], *CLUSTER["workerGroupSpecs"]]
FIELDS = {
    "RayServiceSpec": {
        "serveConfigV2", "rayClusterConfig", "serveService", "upgradeStrategy", "excludeHeadPodFromServeSvc",
        "rayClusterDeletionDelaySeconds", "suspend",
    },
    "RayClusterSpec": {
        "authOptions", "suspend", "managedBy", "autoscalerOptions", "headServiceAnnotations",
        "enableInTreeAutoscaling", "gcsFaultToleranceOptions", "headGroupSpec", "rayVersion", "workerGroupSpecs",
    },
    "HeadGroupSpec": {
        "template", "headService", "enableIngress", "resources", "labels", "rayStartParams", "serviceType",
    },
    "WorkerGroupSpec": {
        "suspend", "groupName", "replicas", "minReplicas", "maxReplicas", "idleTimeoutSeconds", "resources", "labels",
        "rayStartParams", "template", "scaleStrategy", "numOfHosts",
    },
    "GcsFaultToleranceOptions": {"redisUsername", "redisPassword", "externalStorageNamespace", "redisAddress"},
    "AuthOptions": {"mode", "secretName", "enableK8sTokenAuth"},
}
PAGE = (ROOT / "cluster" / "OPERATIONS.md").read_text()


def container(group: dict[str, Any]) -> dict[str, Any]:
    (found,) = group["template"]["spec"]["containers"]
    return dict(found)


def environment(group: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable.get("value", "") for variable in container(group)["env"]}


def pods() -> list[dict[str, Any]]:
    """Every pod's spec."""
    sets = [it["spec"]["template"]["spec"] for it in all_objects() if it["kind"] == "StatefulSet"]
    return [*sets, *(group["template"]["spec"] for group in GROUPS)]


def serve_config() -> ServeDeploySchema:
    return ServeDeploySchema.model_validate(YAML(typ="safe").load(SERVICE["serveConfigV2"]))


@pytest.mark.parametrize(("name", "given"), [
    ("RayServiceSpec", [SERVICE]), ("RayClusterSpec", [CLUSTER]), ("HeadGroupSpec", [CLUSTER["headGroupSpec"]]),
    ("WorkerGroupSpec", CLUSTER["workerGroupSpecs"]), ("AuthOptions", [CLUSTER["authOptions"]]),
    ("GcsFaultToleranceOptions", [CLUSTER["gcsFaultToleranceOptions"]]),
])
def test_the_ray_service_has_no_field_that_kuberay_does_not_know(name: str, given: list[dict[str, Any]]) -> None:
    for spec in given:
        assert set(spec) <= FIELDS[name]


def test_every_object_says_what_it_is_and_lives_in_the_one_namespace() -> None:
    for it in all_objects():
        assert it["apiVersion"]
        if it["kind"] != "Namespace":
            assert it["metadata"]["namespace"] == "kairos", it["metadata"]["name"]
    (kustomization,) = documents(KUBERNETES / "kustomization.yaml")
    files = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == files


def test_serve_takes_the_configuration_and_its_import_paths_lead_to_builders() -> None:
    config = serve_config()
    assert {application.name: application.route_prefix for application in config.applications} == {
        naming.GATEWAY_APP: "/", naming.SCORER_APP: None, naming.CONSOLE_APP: "/console",
    }
    deployments = {one.name for application in config.applications for one in application.deployments}
    assert deployments == {naming.GATEWAY_DEPLOYMENT, naming.SCORER_DEPLOYMENT, naming.CONSOLE_DEPLOYMENT}
    for application in config.applications:
        module, _, name = application.import_path.partition(":")
        builder = getattr(import_module(module), name)
        assert len(inspect.signature(builder).parameters) == 1


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.get("groupName", "head"))
def test_every_pod_starts_ray_with_all_variables(group: dict[str, Any]) -> None:
    wanted = node_variables(DATA_DIR)
    assert wanted.pop("RAY_AUTH_MODE") == CLUSTER["authOptions"]["mode"], "KubeRay sets it"
    found = environment(group)
    assert {name: found.get(name) for name in wanted} == wanted
    assert "RAY_AUTH_MODE" not in found


def test_the_settings_are_ones_that_kairos_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    own = {name: value for name, value in environment(GROUPS[0]).items() if name.startswith("KAIROS_")}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.host, settings.data_dir) == ("0.0.0.0", DATA_DIR)
    assert "KAIROS_" + "MASTER_KEY_FILE" in own
    (gateway,) = (one for app in serve_config().applications for one in app.deployments if one.name == "Gateway")
    assert gateway.num_replicas == settings.gateways, "callers' rates are shared over so many"
    assert settings.shards is not None
    assert settings.shards <= limits.SHARDS_MAX
    assert environment(GROUPS[1]) == environment(GROUPS[0])


def test_the_ray_of_the_pods_is_the_ray_that_is_pinned() -> None:
    assert CLUSTER["rayVersion"] == ray.__version__


def test_secrets_come_from_secrets_that_the_operators_page_creates_and_stand_nowhere_else() -> None:
    text = "".join(path.read_text() for path in KUBERNETES.glob("*.yaml"))
    named = set(re.findall(r"secretKeyRef: {name: ([a-z-]+)", text)) | set(re.findall(r"secretName: ([a-z-]+)", text))
    named |= set(re.findall(r"credentials: {name: ([a-z-]+)", text))
    created = set(re.findall(r"create secret generic ([a-z-]+)", PAGE))
    assert named == created
    assert not any(it["kind"] == "Secret" for it in all_objects())
    assert "@" in environment(GROUPS[0])["KAIROS_STORE"]
    assert not re.search(r"://[^@/]+:[^@/]+@", environment(GROUPS[0])["KAIROS_STORE"]), "no password in the URL"


def test_no_pod_runs_as_root_or_may_become_it() -> None:
    for spec in pods():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["automountServiceAccountToken"] is False
        for part in spec["containers"]:
            assert part["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
            assert part["resources"]["limits"]["memory"] == part["resources"]["requests"]["memory"]


def test_the_network_is_closed_but_for_what_is_named() -> None:
    policies = {it["metadata"]["name"]: it["spec"] for it in all_objects() if it["kind"] == "NetworkPolicy"}
    assert policies["closed"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        for rule in (*spec.get("ingress", ()), *spec.get("egress", ())):
            assert rule.get("from") or rule.get("to"), f"{name} opens something to everybody"
    ports = {port["port"] for rule in policies["kairos"]["ingress"] for port in rule.get("ports", ())}
    assert ports == {8000, 8265}


def test_a_pod_that_ends_has_time_to_let_its_shards_go() -> None:
    for group in GROUPS:
        hook = container(group)["lifecycle"]["preStop"]["exec"]["command"]
        assert hook[1] == "/opt/kairos/leave.py"
        assert int(hook[2]) < group["template"]["spec"]["terminationGracePeriodSeconds"]
    selectors = [it["spec"]["selector"]["matchLabels"] for it in all_objects() if it["kind"] == "PodDisruptionBudget"]
    for group in GROUPS:
        labels = group["template"]["metadata"]["labels"]
        assert any(selector.items() <= labels.items() for selector in selectors)


def test_prometheus_finds_the_service_and_comes_with_a_key() -> None:
    monitor, labels = one("ServiceMonitor", "kairos")["spec"], SERVICE["serveService"]["metadata"]["labels"]
    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    (endpoint,) = monitor["endpoints"]
    assert endpoint["port"] == SERVICE["serveService"]["spec"]["ports"][0]["name"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"]["type"] == "Bearer"


def test_the_image_is_built_from_the_locks_and_runs_as_nobody_special() -> None:
    text = (KUBERNETES / "Dockerfile").read_text()
    installs = re.findall(r"pip install ([^\n]*)", text)
    assert installs
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    last_user = re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1]
    assert last_user == "1000:1000"
    assert f"KAIROS_DATA_DIR={DATA_DIR}" in text
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists(), path
