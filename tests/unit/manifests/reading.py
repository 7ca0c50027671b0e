"""The manifests as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "cluster" / "kubernetes"


def documents(path: Path) -> list[dict[str, Any]]:
    return list(YAML(typ="safe").load_all(path.read_text()))


def all_objects() -> list[dict[str, Any]]:
    """Every Kubernetes object, the kustomization apart."""
    files = sorted(KUBERNETES.glob("*.yaml"))
    return [one for path in files for one in documents(path) if one["kind"] != "Kustomization"]


def one(kind: str, name: str) -> dict[str, Any]:
    (found,) = (it for it in all_objects() if (it["kind"], it["metadata"]["name"]) == (kind, name))
    return found
