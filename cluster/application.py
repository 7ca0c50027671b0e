"""The Serve applications for `serveConfigV2`, so that KubeRay's RayService alone brings an installation up.

    applications:
      - {name: kairos, route_prefix: /, import_path: "cluster.application:gateway"}
      - {name: kairos-scorer, route_prefix: null, import_path: "cluster.application:scorer"}
      - {name: kairos-console, route_prefix: /console, import_path: "cluster.application:console"}

Serve builds them in a task on the cluster. Settings are those of that node (``KAIROS_*``, ``kairos.yaml``), before them
the ``args`` of the application. Building makes the installation in the store if there is none, and the supervisor that
keeps coordinator and shards in being; the applications themselves are the operator's, the supervisor leaves them alone.
"""

from __future__ import annotations

from typing import Any

import ray
from ray import serve

from actors.scorer import scorer_app
from actors.stores.interface import Installation
from cluster.actors_of import actor_settings
from cluster.serving import console_app, gateway_app
from cluster.settings import Settings, load_settings
from cluster.store_of import install, store_of
from cluster.supervision.actor import ensure_supervisor
from cluster.supervision.nodes import live_nodes, refuse_many_nodes_on_sqlite


def gateway(args: dict[str, Any]) -> serve.Application:
    """The HTTP API; its name must be ``kairos``. ``args``: settings by their names. Raises ``KairosError``."""
    return gateway_app(*_installed(args))


def scorer(args: dict[str, Any]) -> serve.Application:
    """The scorer, unless the setting ``scorer`` is ``in_process``; its name must be ``kairos-scorer``."""
    return scorer_app(actor_settings(*_installed(args)))


def console(args: dict[str, Any]) -> serve.Application:
    """The pages for people; its name must be ``kairos-console``, its route ``/console``. It may be left out."""
    return console_app(*_installed(args))


def _installed(args: dict[str, Any]) -> tuple[Settings, Installation]:
    settings = load_settings(**{"address": ray.get_runtime_context().gcs_address, **args})
    nodes = live_nodes()
    refuse_many_nodes_on_sqlite(store_of(settings).shards_may_move, nodes)
    installation = install(settings)
    ensure_supervisor(settings, nodes, deploys=False)
    return settings, installation
