"""A real S3 server on loopback, for tests that store objects."""

import os
import secrets
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from seawall.common.wait import wait_until
from tests.support.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["ObjectStore", "serve_objects"]


@dataclass(frozen=True)
class ObjectStore:
    """A real S3 server on loopback."""

    endpoint: str
    credentials: dict[str, str]

    def client(self) -> "S3Client":
        return boto3.client(  # pyright: ignore[reportUnknownMemberType] - services without stubs
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
        )

    def url(self, bucket: str) -> str:
        """The URL of a bucket in the form that `pulumi login` accepts."""
        return f"s3://{bucket}?region=us-east-1&endpoint={self.endpoint}&s3ForcePathStyle=true"


@contextmanager
def serve_objects(program: Path, folder: Path) -> Generator[ObjectStore]:
    """Run the Versity S3 gateway on two folders below `folder`, with versioning."""
    objects, versions = folder / "objects", folder / "versions"
    objects.mkdir()
    versions.mkdir()
    port = free_port()
    key, secret = "tests", secrets.token_urlsafe(24)
    words = ["--port", f"127.0.0.1:{port}", "--quiet"]
    with subprocess.Popen(
        [program, *words, "posix", "--versioning-dir", versions, objects],
        env={**os.environ, "ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_until(lambda: _answers(port), deadline_s=15, what="the S3 server")
            yield ObjectStore(
                f"http://127.0.0.1:{port}",
                {
                    "AWS_ACCESS_KEY_ID": key,
                    "AWS_SECRET_ACCESS_KEY": secret,
                    "AWS_REGION": "us-east-1",
                },
            )
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
