"""The bucket of the backups; the only module of the agents that imports boto3."""

import base64
import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from agents.backup.errors import BackupError
from agents.backup.settings import BackupSettings
from contract import paths

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["PART_BYTES", "Content", "Store", "content_of"]

PART_BYTES = 16 * 2**20
"""The size of a part of a multipart upload; S3 accepts 10,000 parts, so a dump of 156 GiB fits."""
_THREADS = 2
"""Parts that are uploaded at once; each is held in memory."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an object.

    Attributes:
        size: bytes.
        checksum: SHA-256 in S3's format: base64. For a multipart upload it is the SHA-256 of the
            parts' digests, followed by a dash and the number of parts.
            https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """

    size: int
    checksum: str


def content_of(file: Path) -> Content:
    """The content that the object must have after the upload of `file`."""
    digests: list[bytes] = []
    with file.open("rb") as parts:
        while part := parts.read(PART_BYTES):
            digests.append(hashlib.sha256(part).digest())
    size = file.stat().st_size
    if size < PART_BYTES:
        return Content(size, base64.b64encode(b"".join(digests)).decode())
    whole = hashlib.sha256(b"".join(digests)).digest()
    return Content(size, f"{base64.b64encode(whole).decode()}-{len(digests)}")


class Store:
    """The bucket of the settings. Every call raises BackupError with the storage's error code."""

    def __init__(self, settings: BackupSettings) -> None:
        self._bucket = settings.bucket
        with self._told("client"):
            self._client = _client(settings)

    def upload(self, file: Path, key: str) -> None:
        """Upload `file`, in parts when it is large; the storage checks each part's SHA-256."""
        config = TransferConfig(
            multipart_threshold=PART_BYTES,
            multipart_chunksize=PART_BYTES,
            max_concurrency=_THREADS,
        )
        with self._told("upload"):
            self._client.upload_file(
                Filename=str(file),
                Bucket=self._bucket,
                Key=key,
                ExtraArgs={"ChecksumAlgorithm": "SHA256"},
                Config=config,
            )

    def content(self, key: str) -> Content:
        """The object's content as the storage reports it; a missing checksum is empty."""
        with self._told("HEAD"):
            head = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
        return Content(head["ContentLength"], head.get("ChecksumSHA256", ""))

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """The bytes of each object below `prefix`, by key."""
        with self._told("list"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{prefix}/"
            )
            return {
                item.get("Key", ""): item.get("Size", 0)
                for page in pages
                for item in page.get("Contents", [])
            }

    def remove(self, key: str) -> None:
        """Remove one object; a bucket with versioning keeps it as an old version."""
        with self._told(f"removal of {key}"):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        try:
            yield
        except (Boto3Error, BotoCoreError, ClientError) as failed:
            raise BackupError(f"bucket {self._bucket}: {what}: {_why(failed)}") from failed


def _client(settings: BackupSettings) -> "S3Client":
    files = (paths.BACKUP_ACCESS_KEY_FILE, paths.BACKUP_SECRET_KEY_FILE)
    by_secret = settings.credentials == "secret"
    access, secret = map(settings.secret, files) if by_secret else (None, None)
    return boto3.client(  # pyright: ignore[reportUnknownMemberType] - services without stubs
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        config=Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 3},
            # Self-hosted storages rarely have a DNS name for each bucket.
            s3={"addressing_style": "path" if settings.endpoint else "auto"},
        ),
    )


def _why(failed: BaseException) -> str:
    """The storage's error code; its messages are left out, since they may repeat sent data."""
    if isinstance(failed, ClientError):
        code = failed.response.get("Error", {}).get("Code", "no code")
        return f"{failed.operation_name} was answered with {code}"
    inner = failed.__cause__ or failed.__context__
    if isinstance(failed, Boto3Error) and inner is not None:
        return _why(inner)
    return type(failed).__name__
