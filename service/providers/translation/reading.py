"""Decodes a request of one format for its translation into another."""

from typing import TypeVar

import msgspec

from service.providers.chat_request import ChatCall
from service.providers.dialect import UNREADABLE, Untranslatable
from service.providers.encoding import Encoding
from service.providers.lenient import read_json

__all__ = ["read_request"]

_T = TypeVar("_T", bound=msgspec.Struct)
_NOTHING = frozenset((b"null", b"false", b"0", b"0.0", b"[]", b'""'))
"""Values that are the same as a missing field."""
_encode = msgspec.json.Encoder().encode


def read_request(
    call: ChatCall,
    decoder: "msgspec.json.Decoder[_T]",
    *,
    known: frozenset[str],
    altering: frozenset[str],
    how: Encoding,
) -> _T:
    """Decode the fields of a request that the other format can express.

    Args:
        call: the client's request.
        decoder: decodes the fields that are translated.
        known: fields that are translated, or that do not change the answer.
        altering: fields without a counterpart that change the answer.
        how: records every other field, which is left out.

    Raises:
        Untranslatable: the other format cannot express the request, or it is unreadable.
    """
    for name, value in call.fields.items():
        if name in known or bytes(value) in _NOTHING:
            continue
        if name in altering:
            raise Untranslatable(f"This provider does not support the field '{name}'.", name)
        how.adapted.add(name)
    body = _encode(call.fields)
    try:
        return read_json(body, decoder)
    except UNREADABLE as error:
        raise Untranslatable(f"The request cannot be read: {error}", "messages") from None
