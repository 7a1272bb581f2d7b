"""The ASGI application: it wires the settings, the pipeline and the background tasks.

It is a FastAPI application, so that pages off the hot path can be added the usual way. Requests to
the API bypass FastAPI's middleware.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import replace
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from service.assembly import assemble, urls
from service.background import kept, ticking
from service.errors import NotServed
from service.http.routes.admin import ADMIN_ROUTE, admin_routes
from service.http.routes.api import ROUTES, api, refusal_headers
from service.pipeline.dependencies import Dependencies
from service.pipeline.exchange import Exchange
from service.pipeline.stages.health_detail import detail
from service.pipeline.upstreams import Upstream, UpstreamBook
from service.reload import SettingsFile, follow
from service.resilience.breaker import CircuitBreaker
from service.settings import Settings
from service.state.fleet import Fleet
from service.state.key_ring import KeyRing
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics
from service.telemetry.page import Page

__all__ = ["Gateway"]

NAMES_S = 10.0
"""How long the start waits for the addresses of the providers, in seconds.

A pod without them would delay its first requests by a lookup; a lost lookup takes a second or more.
The wait is bounded, because a pod must become Ready without a name server, too.
"""
YOUNG_OBJECTS = 5_000
"""New objects between two garbage collections; Python's default of 700 is that of 25 requests."""


class Gateway(FastAPI):
    """The ASGI application, and the state that the server uses."""

    def __init__(
        self, settings: Settings, request_log: RequestLog, file: SettingsFile | None = None
    ) -> None:
        """Check everything that can be checked before the port is opened.

        With a `file`, and `reload` in the settings, the settings follow changes of the file.

        Raises:
            SettingsError: the API keys or a provider's kind are wrong.
        """
        super().__init__(
            docs_url=None, redoc_url=None, openapi_url=None, lifespan=Gateway._lifespan
        )
        self.settings = settings
        self.health = Health()
        self.metrics = Metrics(routes=(*ROUTES, ADMIN_ROUTE), providers=settings.providers)
        self.in_flight: set[Exchange] = set()
        self._request_log = request_log
        self._keys = KeyRing(settings.secrets_dir / settings.api_keys_file)
        self.page = Page(self._keys.is_admin)
        self._book = UpstreamBook(self.metrics)
        self._upstreams = self._book.follow(settings)
        self._file = file if settings.reload else None
        self._dependencies: Dependencies | None = None
        self._api: ASGIApp | None = None
        self.add_exception_handler(HTTPException, _not_served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; requests to the API bypass the middleware."""
        if scope["type"] == "http" and self._api is not None:
            await self._api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> AsyncGenerator[None]:
        assembly = assemble(
            self.settings,
            keys=self._keys,
            upstreams=self._upstreams,
            breakers=self._breakers,
            health=self.health,
            metrics=self.metrics,
            request_log=self._request_log,
            in_flight=self.in_flight,
        )
        dependencies, fleet = assembly.dependencies, assembly.fleet
        self._use(dependencies)
        self.router.routes.extend(admin_routes(dependencies))
        share = partial(self._share, fleet)
        background = [
            ticking((self.health.beat, self._keys.refresh, self._show, share)),
            kept("limits", dependencies.limiter.watch),
            kept("fleet", fleet.run),
        ]
        await dependencies.client.names_looked_up(NAMES_S)
        runtime_keys = dependencies.runtime_keys
        if runtime_keys is not None:
            self._keys.runtime_keys_loaded = False
            # The first request should find the runtime keys; this takes 1.5 s at most.
            await runtime_keys.refresh()
            background.append(kept("keys", runtime_keys.watch))
        if self._file is not None:
            follows = partial(follow, self._file, self._reload, self._report_refused_settings)
            background.append(kept("settings", follows))
        # Objects that live as long as the process are never garbage: exclude them from collections.
        gc.collect()
        gc.freeze()
        # Requests leave no reference cycles, so the collector may run less often.
        gc.set_threshold(YOUNG_OBJECTS)
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await assembly.close()

    def _use(self, dependencies: Dependencies) -> None:
        """Use these dependencies from the next request on; requests in flight keep their stages."""
        self._dependencies = dependencies
        self._api = api(dependencies, super().__call__)

    def _reload(self, settings: Settings) -> None:
        dependencies = self._dependencies
        if dependencies is None:
            raise AssertionError("settings are not followed before the application has started")
        upstreams = self._upstreams = self._book.follow(settings)
        dependencies.client.follow(settings.timeouts.connect.seconds, urls(upstreams))
        degradation = settings.degradation
        dependencies.stale.resize(degradation.stale_answers.seconds, degradation.stale_bytes)
        self._use(replace(dependencies, settings=settings, upstreams=upstreams))

    def _report_refused_settings(self, refused: bool) -> None:  # noqa: FBT001 - a callback's one argument
        self.health.settings_refused = refused
        self.metrics.settings_refused.set(refused)

    def _show(self) -> None:
        if self.page.polled and self._dependencies is not None:
            self.page.publish(detail(self._dependencies))

    def _share(self, fleet: Fleet) -> None:
        """Set this replica's share of the providers' limits."""
        for upstream in self._targets():
            if upstream.quota is not None:
                upstream.quota.share(fleet.replicas)

    def _breakers(self) -> Mapping[str, CircuitBreaker]:
        """The breakers of the current settings' targets, by their fleet names."""
        return {upstream.fleet_name: upstream.breaker for upstream in self._targets()}

    def _targets(self) -> Iterator[Upstream]:
        """The upstreams of the current settings; some occur more than once."""
        for upstreams in self._upstreams.values():
            yield from upstreams


def _not_served(request: Request, error: Exception) -> Response:
    """Answer a path that the router does not know, in OpenAI's error format."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    refusal = NotServed(status, f"{request.method} {request.url.path} is not served here.")
    headers = refusal_headers(request.scope, refusal)
    return Response(refusal.body(), status_code=status, headers=headers)
