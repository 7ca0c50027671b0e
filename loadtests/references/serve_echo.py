"""The reference for HTTP: a Serve application that answers at once, under the settings that the gateway has."""

from __future__ import annotations

from ray import serve

from loadtests.references.echo_app import EchoApp


def echo_app(replicas: int = 1, answer_bytes: int = 0) -> serve.Application:
    """One ingress deployment with as many replicas as the gateway it is compared with."""

    def build() -> EchoApp:
        """Serve calls a builder without arguments; a class would be taken for the application itself."""
        return EchoApp(answer_bytes)

    @serve.deployment(
        name="Echo", num_replicas=replicas, max_ongoing_requests=10_000, ray_actor_options={"num_cpus": 0},
        logging_config={"enable_access_log": False, "log_level": "WARNING"},
    )
    @serve.ingress(build)
    class Echo:
        """The deployment around the ASGI application."""

    return Echo.bind()
