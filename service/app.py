"""The application: builds what the stages use, and runs what must go on in the background.

A FastAPI application, so that pages off the hot path can be added the usual way; the API itself
goes past its middleware.
"""

import asyncio
import contextlib
import gc
import random
from collections.abc import AsyncGenerator, Callable

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import NotServed
from service.pipeline.exchange import Exchange
from service.pipeline.lanes import build_lanes
from service.pipeline.services import Services
from service.providers.http import UpstreamClient
from service.resilience.byte_budget import ByteBudget
from service.resilience.gate import Gate
from service.routes.openai_api import ROUTES, api, refusal_headers
from service.settings import RedisState, Settings
from service.state.key_ring import KeyRing
from service.state.limiter import Limiter
from service.state.memory import MemoryStore
from service.state.protocol import Store
from service.state.redis_client import RedisStore
from service.telemetry.health import Health
from service.telemetry.log import RequestLog
from service.telemetry.metrics import Metrics

__all__ = ["Gateway"]

TICK_S = 1.0
"""Heartbeat of the loop, and how soon a changed key file is noticed."""


def _store(settings: Settings) -> Store:
    state = settings.state
    if isinstance(state, RedisState):
        return RedisStore(state, settings.secrets_dir)
    return MemoryStore()


class Gateway(FastAPI):
    """The ASGI application and what the server needs to know of it."""

    def __init__(self, settings: Settings, request_log: RequestLog) -> None:
        """Check everything that can be checked before the port is opened.

        Raises:
            SettingsError: the API keys or a provider's kind are wrong.
        """
        super().__init__(
            docs_url=None, redoc_url=None, openapi_url=None, lifespan=Gateway._lifespan
        )
        self.settings = settings
        self.health = Health()
        self.metrics = Metrics(routes=ROUTES, providers=settings.providers)
        self.in_flight: set[Exchange] = set()
        self._request_log = request_log
        self._keys = KeyRing(settings.secrets_dir / settings.api_keys_file)
        self._lanes = build_lanes(settings, self.metrics)
        self._api: ASGIApp | None = None
        self.add_exception_handler(HTTPException, _not_served)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; API paths do not pass the middleware."""
        if scope["type"] == "http" and self._api is not None:
            await self._api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _lifespan(self) -> AsyncGenerator[None]:
        settings = self.settings
        limiter = Limiter(
            _store(settings),
            replicas=settings.replicas,
            on_local=self.metrics.limiter_local.set,
            on_error=self.metrics.state_error,
        )
        urls = [provider.base_url for provider in settings.providers.values()]
        upstream = UpstreamClient(settings.timeouts.connect_seconds, urls)
        gate = Gate(settings.admission.max_in_flight, settings.admission.queue)
        self.metrics.queued.set_function(lambda: gate.waiting)
        services = Services(
            settings=settings,
            health=self.health,
            metrics=self.metrics,
            request_log=self._request_log,
            gate=gate,
            buffered=ByteBudget(
                max(settings.admission.max_buffered_bytes, settings.admission.max_body_bytes)
            ),
            in_flight=self.in_flight,
            keys=self._keys,
            limiter=limiter,
            upstream=upstream,
            lanes=self._lanes,
            random=random.random,
        )
        self._api = api(services, super().__call__)
        background = [
            asyncio.create_task(self._tick((self.health.beat, self._keys.refresh))),
            asyncio.create_task(limiter.watch()),
        ]
        # What lives as long as the process is never garbage: the collector need not look at it.
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await upstream.close()
            await limiter.close()

    @staticmethod
    async def _tick(jobs: tuple[Callable[[], None], ...]) -> None:
        while True:
            for job in jobs:
                job()
            await asyncio.sleep(TICK_S)


def _not_served(request: Request, error: Exception) -> Response:
    """What the router does not know, in OpenAI's error shape."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    refusal = NotServed(status, f"{request.method} {request.url.path} is not served here.")
    headers = refusal_headers(request.scope, refusal)
    return Response(refusal.body(), status_code=status, headers=headers)
