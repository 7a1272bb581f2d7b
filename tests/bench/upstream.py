"""The mock upstream: nginx, which answers every request with the same completion."""

import json
from pathlib import Path

from tests.bench.processes import PinnedProcess, answers_on
from tests.support.ports import free_port

__all__ = ["MockUpstream"]

_ANSWER = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "bench",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "There are four foxes, one asleep. " * 3},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 24, "completion_tokens": 19, "total_tokens": 43},
}
_CONFIG = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 10000000; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 '{answer}'; }}
  }}
}}
"""


class MockUpstream:
    """One nginx worker, pinned to a core."""

    def __init__(self, folder: Path, core: int) -> None:
        self.port = free_port()
        config = folder / "nginx.conf"
        answer = json.dumps(_ANSWER, separators=(",", ":"))
        config.write_text(_CONFIG.format(folder=folder, port=self.port, answer=answer))
        self._process = PinnedProcess(
            ["nginx", "-c", str(config), "-e", "stderr"],
            core=core,
            log=folder / "nginx.log",
            env={},
        )
        self._process.wait_for(answers_on(self.port), deadline_s=10, what="the mock upstream")

    @property
    def url(self) -> str:
        """The URL without /v1."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End nginx."""
        self._process.stop()
