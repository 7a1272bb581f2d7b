"""The two DNS messages that the edge proxy needs: it decodes a query, and encodes the response.

RFC 1035.
"""

import ipaddress
import struct
from collections.abc import Sequence

__all__ = ["answer"]

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHHIH")
_A, _IN = 1, 1
_RESPONSE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0100, 0x0080
_SERVFAIL = 2
_FIRST_NAME = 0xC00C
"""A pointer to the name in the query, which begins after the header."""
_TTL_S = 1
_MOST = 200
"""Addresses in one message: nginx reads 4096 bytes, and each address takes 16."""


def answer(question: bytes, addresses: Sequence[str]) -> bytes | None:
    """The response to an IPv4 query, for any name.

    Queries of other types get an empty response. Without addresses the response is SERVFAIL, so
    that no client caches an empty one. None when the message is not a query.
    """
    if len(question) < _HEADER.size:
        return None
    number, flags, questions, *_ = _HEADER.unpack_from(question)
    end = _end_of_name(question)
    if flags & _RESPONSE or questions != 1 or end is None or len(question) < end + 4:
        return None
    kind, _ = struct.unpack_from(">HH", question, end)
    listed = addresses[:_MOST] if kind == _A else ()
    code = 0 if addresses else _SERVFAIL
    bits = _RESPONSE | _RECURSION_AVAILABLE | (flags & _RECURSION_DESIRED) | code
    records = b"".join(
        _RECORD.pack(_FIRST_NAME, _A, _IN, _TTL_S, 4) + ipaddress.IPv4Address(address).packed
        for address in listed
    )
    header = _HEADER.pack(number, bits, 1, len(listed), 0, 0)
    return header + question[_HEADER.size : end + 4] + records


def _end_of_name(question: bytes) -> int | None:
    """The position after the first name, which ends with an empty label."""
    place = _HEADER.size
    while place < len(question):
        length = question[place]
        if length > 63:  # noqa: PLR2004 - two bits mark a pointer, which no query has
            return None
        place += 1 + length
        if length == 0:
            return place
    return None
