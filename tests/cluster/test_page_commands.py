"""Runs the commands of the pages for newcomers unchanged, except for placeholders."""

import contextlib
import json
import os
import subprocess
from collections.abc import Generator

import pytest
import urllib3

from contract import ports
from seawall.common.wait import wait_until
from tests.conftest import CHECKOUT, Environment
from tests.support.page_commands import blocks

pytestmark = [pytest.mark.cluster]

RUN_ELSEWHERE = ("make up", "make down", "seawall cluster node stop")
"""The environment of the session, and test_nodes_are_lost_and_come_back.py."""
READY_S = 120.0


def variables(environment: Environment) -> dict[str, str]:
    path = f"{CHECKOUT / '.venv' / 'bin'}:{os.environ['PATH']}"
    gateway = {"GATEWAY": environment.gateway_url, "ADMIN": environment.api_key}
    return {**os.environ, **environment.variables, **gateway, "PATH": path}


def run(environment: Environment, commands: str) -> str:
    done = subprocess.run(
        ["sh", "-ec", commands],
        env=variables(environment),
        capture_output=True,
        text=True,
        timeout=READY_S,
        check=False,
    )
    assert done.returncode == 0, f"{commands}: {done.stdout}{done.stderr}"
    return done.stdout


def address_of(environment: Environment, service: str) -> str:
    where = ("-n", "seawall", "get", "service", service, "-o", "jsonpath={.spec.clusterIP}")
    return environment.kubectl(*where)


def provider_of_an_answer(environment: Environment) -> str:
    body = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}
    answer = urllib3.request(
        "POST",
        f"{environment.gateway_url}/v1/chat/completions",
        headers={"authorization": f"Bearer {environment.api_key}"},
        json=body,
    )
    assert answer.status == 200, answer.data
    return answer.headers["x-seawall-provider"]


def test_getting_started_shows_a_failover(environment: Environment) -> None:
    seen: list[str] = []
    for block in blocks("getting-started.md"):
        if block.startswith(RUN_ELSEWHERE):
            continue
        simulator = address_of(environment, "simulator-alpha")
        printed = run(environment, block.replace("<simulator>", simulator))
        seen.append(block)
        if "curl -X PUT" in block:
            assert provider_of_an_answer(environment) == "beta"
        if "seawall status" in block:
            assert "redis: 3 of 3 answer" in printed
    assert len(seen) == 4, "the page's commands without those of RUN_ELSEWHERE"
    wait_until(
        lambda: environment.seawall("status").returncode == 0,
        deadline_s=READY_S,
        what="the deleted Redis pod to be ready again",
        interval_s=2,
    )


def test_runtime_keys_are_created_listed_and_deleted(environment: Environment) -> None:
    (block,) = blocks("how-to/api-keys-and-budgets.md")
    create, list_, delete = block.replace("\\\n", " ").strip().splitlines()
    made = json.loads(run(environment, create))
    assert made["tenant"] == "shop"
    listed = json.loads(run(environment, list_))["runtime_keys"]
    assert made["id"] in [key["id"] for key in listed]
    assert made["key"] not in json.dumps(listed)
    assert "made-0123456789abcdef" in delete
    run(environment, delete.replace("made-0123456789abcdef", made["id"]))
    listed = json.loads(run(environment, list_))["runtime_keys"]
    assert made["id"] not in [key["id"] for key in listed]


@contextlib.contextmanager
def running(environment: Environment, command: str) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sh", "-ec", f"exec {command}"], env=variables(environment))
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def test_the_web_page_is_reached_through_a_forwarded_port(environment: Environment) -> None:
    (block,) = blocks("how-to/alerts-and-dashboards.md")
    command, _, comment = block.partition("#")
    url = f"http://127.0.0.1:{ports.GATEWAY_HEALTH}/ui"
    assert url in comment

    def asks_for_the_key() -> bool:
        try:
            return urllib3.request("GET", url, retries=False).status == 401
        except urllib3.exceptions.HTTPError:
            return False

    with running(environment, command.strip()) as process:
        wait_until(asks_for_the_key, deadline_s=20, what="the page to ask for an API key")
        assert process.poll() is None
