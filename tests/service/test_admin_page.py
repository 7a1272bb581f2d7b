"""The gateway's admin page in a real browser, while a provider fails."""

import base64
import os
import re
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from seawall.common.wait import wait_until
from tests.service.kit import API_KEY, Gateway, Simulator, http_request, key_entry

pytestmark = [pytest.mark.servers]

PLAIN_KEY = "sk-test-of-somebody-who-is-no-admin"
BROWSER_S = 60.0
PNG = b"\x89PNG\r\n"


@pytest.fixture
def polled(folder: Path, alpha: Simulator, beta: Simulator) -> Generator[Gateway]:
    keys = (key_entry(admin=True), key_entry(PLAIN_KEY, id="plain"))
    gateway = Gateway(folder, (alpha, beta), keys=keys)
    yield gateway
    gateway.stop()


def browse(gateway: Gateway, folder: Path, *options: str) -> str:
    """Open the page and let it run for three seconds of its virtual time."""
    profile = folder / "profile"
    done = subprocess.run(
        [
            *("chromium", "--headless=new", "--disable-gpu", "--hide-scrollbars"),
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            *(f"--user-data-dir={profile}", "--window-size=1100,800"),
            *("--virtual-time-budget=4000", *options),
            f"http://admin:{API_KEY}@127.0.0.1:{gateway.health_port}/ui",
        ],
        capture_output=True,
        text=True,
        timeout=BROWSER_S,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    return done.stdout


def shown(page: str, name: str) -> str:
    found = re.search(rf'id="{name}"[^>]*>([^<]*)<', page)
    assert found, page
    return found[1]


def test_a_browser_shows_which_provider_fails(
    polled: Gateway, folder: Path, alpha: Simulator
) -> None:
    alpha.fault("status", code=500)
    for _ in range(6):
        assert polled.chat().status == 200
    # The state is computed only on request, so request it before the page does.
    wait_until(lambda: state(polled, API_KEY) == 200, deadline_s=10, what="the state to be made")
    page = browse(polled, folder, "--dump-dom")
    assert shown(page, "status") == "degraded"
    assert "the breaker of alpha/sim-0 is" in page
    assert '<td class="open">open, again in' in page or '<td class="half_open">' in page
    assert float(shown(page, "per_second")) > 0
    assert shown(page, "limits") == "in memory"
    assert "http_5xx" in page

    picture = folder / "page.png"
    browse(polled, folder, f"--screenshot={picture}")
    assert picture.read_bytes().startswith(PNG)
    assert picture.stat().st_size > 10_000, "an empty page is smaller"


def state(gateway: Gateway, key: str) -> int:
    token = base64.b64encode(f"any:{key}".encode()).decode()
    url = gateway.health_url("/ui/state")
    return http_request("GET", url, headers={"authorization": f"Basic {token}"}).status


def test_page_requires_an_admin_key(polled: Gateway) -> None:
    assert state(polled, PLAIN_KEY) == 401
    assert state(polled, "") == 401
    for path in ("/ui", "/ui/page.js", "/ui/state", "/ui/../state"):
        assert polled.health(path).status == 401 or path == "/ui/../state"
    challenge = polled.health("/ui").headers["www-authenticate"]
    assert challenge.startswith("Basic")


def test_page_loads_no_external_resources(polled: Gateway) -> None:
    headers = {"authorization": f"Bearer {API_KEY}"}
    for path in ("/ui", "/ui/page.css", "/ui/page.js"):
        answer = http_request("GET", polled.health_url(path), headers=headers)
        assert answer.status == 200
        assert b"http:" not in answer.body
        assert b"https:" not in answer.body
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    missing = http_request("GET", polled.health_url("/ui/none"), headers=headers)
    assert missing.status == 404
