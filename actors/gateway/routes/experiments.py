"""Experiments: which there are, and what can be said of each right now."""

from __future__ import annotations

from actors.gateway.exchange import Answer, Exchange
from actors.gateway.routes.configuration import ask_coordinator
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models.messages import experiments


async def get_experiments(services: Services, exchange: Exchange) -> Answer:
    return await ask_coordinator(services, exchange, "experiments")


async def get_experiment(services: Services, exchange: Exchange) -> Answer:
    return await ask_coordinator(services, exchange, "experiment", {"id": exchange.path_ids[0]})


ROUTES = (
    Route(
        "GET", "/v1/experiments", "config:read", get_experiments, "experiments", "Experiments and their states",
        "configuration", {200: experiments.Experiments},
    ),
    Route(
        "GET", "/v1/experiments/{experiment_id}", "config:read", get_experiment, "experiment",
        "Variants against the control, and the sample ratio", "configuration", {200: experiments.ExperimentReport},
        (404,),
        description="Each customer counts once, when its time of observation has passed. Intervals are confidence "
        "sequences: they hold however often one looks, so an experiment may be ended as soon as it is decided.",
    ),
)
