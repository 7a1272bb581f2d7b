"""Download of the official plugin from its vendor; a local server plays the vendor."""

import http.server
import io
import platform
import tarfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seawall.common.errors import BuildError
from seawall.common.progress import Progress
from seawall.engine.programs import PROVIDER
from seawall.testbed.toolchain.cache import Cache
from seawall.testbed.toolchain.provider import download_provider

pytestmark = pytest.mark.engine

RELEASE = "4.25.0"


def archive() -> bytes:
    """A plugin archive as its vendor packs it, with a fake program."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        program = b"#!/bin/sh\necho plugin\n"
        entry = tarfile.TarInfo(PROVIDER)
        entry.mode, entry.size = 0o755, len(program)
        tar.addfile(entry, io.BytesIO(program))
    return packed.getvalue()


@contextmanager
def vendor(files: dict[str, bytes]) -> Generator[str]:
    """The URL of a server that has only these files."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            del format, args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.mark.parametrize("has_it", [True, False])
def test_provider_download_succeeds_or_fails_with_one_line(
    tmp_path: Path,
    pulumi_cli: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_it: bool,  # noqa: FBT001 - a parameter
) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    name = f"/{PROVIDER}-v{RELEASE}-linux-{machine}.tar.gz"
    cache = Cache(tmp_path / "cache", lambda _: None)
    progress = Progress(tmp_path / "durations.json", emit=lambda _: None)
    with vendor({name: archive()} if has_it else {}) as url:
        monkeypatch.setenv("PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES", f"^.*kubernetes.*$={url}")
        if has_it:
            folder = download_provider(pulumi_cli, RELEASE, cache, progress)
            assert (folder / PROVIDER).stat().st_mode & 0o111
        else:
            with pytest.raises(BuildError, match=f"^download pulumi-kubernetes {RELEASE} failed"):
                download_provider(pulumi_cli, RELEASE, cache, progress)
