"""Starts Redis or Sentinel: writes the files, waits until it may start, and becomes the server."""

import os
import socket
import time
from typing import NoReturn

from agents.log import say
from agents.redis.cluster_view import observe
from agents.redis.configuration import (
    redis_configuration,
    sentinel_configuration,
    users,
    write_private,
)
from agents.redis.reachability import await_route
from agents.redis.settings import Settings
from agents.redis.start_rule import Decision, Follow, Lead, Wait, decide

__all__ = ["start_redis", "start_sentinel"]

_LOOK_EVERY_S = 0.5


def start_redis(settings: Settings) -> NoReturn:
    """Wait for a decision, then become redis-server. Never exits while it waits."""
    os.umask(0o077)  # Redis rewrites its files, which hold passwords
    settings.redis_folder.mkdir(parents=True, exist_ok=True)
    # An earlier container of this pod may have left it, and the next hand-over is not done yet.
    settings.stopped_file.unlink(missing_ok=True)
    write_private(settings.run / "users.acl", users(settings))
    settings.waiting_file.touch()
    await_route(settings.own_host, settings.redis_port)
    decision = _await_decision(settings)
    master = decision.master if isinstance(decision, Follow) else None
    say(f"start as replica of {master}" if master else "start as master")
    file = settings.run / "redis.conf"
    write_private(file, redis_configuration(settings, master=master))
    settings.waiting_file.unlink(missing_ok=True)
    os.execvp("redis-server", ["redis-server", str(file)])  # noqa: S606 - no shell wanted


def start_sentinel(settings: Settings) -> NoReturn:
    """Become redis-sentinel once every host's name resolves, since it would exit otherwise."""
    os.umask(0o077)  # Sentinel rewrites its file, which holds passwords
    file = settings.sentinel_file
    earlier = file.read_text() if file.exists() else ""
    write_private(file, sentinel_configuration(settings, earlier))
    logged = ""
    while unresolved := [host for host in settings.hosts if not _resolves(host)]:
        if (line := f"waiting for DNS: {', '.join(unresolved)}") != logged:
            logged = line
            say(line)
        time.sleep(_LOOK_EVERY_S)
    await_route(settings.own_host, settings.sentinel_port)
    os.execvp("redis-server", ["redis-server", str(file), "--sentinel"])  # noqa: S606 - same


def _await_decision(settings: Settings) -> Follow | Lead:
    logged: Decision | None = None
    while True:
        settings.waiting_file.touch()
        decision = decide(observe(settings))
        if not isinstance(decision, Wait):
            return decision
        if decision != logged:
            logged = decision
            say(f"not starting yet: {decision.why}")
        time.sleep(_LOOK_EVERY_S)


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True
