"""Request ids: the client's own when it is well formed, else a random one."""

import os
import random
import re

from starlette.types import Scope

from contract.headers import REQUEST_ID

__all__ = ["request_id"]

_NAME = REQUEST_ID.encode()
_number = random.Random(os.urandom(32)).getrandbits  # noqa: S311 - unique, and no secret
"""Seeded once: random bytes from the kernel would cost each request five microseconds."""
_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{1,128}").fullmatch


def request_id(scope: Scope) -> str:
    """The id of a request; a client's id is bounded in length, because it is written to logs."""
    for name, value in scope["headers"]:
        if name == _NAME and _WELL_FORMED(value):
            return value.decode()
    return f"{_number(128):032x}"
