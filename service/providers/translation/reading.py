"""A request of one format, read for another."""

from typing import TypeVar

import msgspec

from service.providers.chat_request import ChatCall
from service.providers.dialect import UNREADABLE, Untranslatable
from service.providers.encoding import Encoding
from service.providers.lenient import read_json

__all__ = ["read_request"]

_T = TypeVar("_T", bound=msgspec.Struct)
_NOTHING = frozenset((b"null", b"false", b"0", b"0.0", b"[]", b'""'))
"""Values that ask for nothing."""
_encode = msgspec.json.Encoder().encode


def read_request(
    call: ChatCall,
    decoder: "msgspec.json.Decoder[_T]",
    *,
    known: frozenset[str],
    altering: frozenset[str],
    how: Encoding,
) -> _T:
    """What the client asks for, as far as the other format has words for it.

    Args:
        call: the client's.
        decoder: of what is read.
        known: fields that are read, or that change no answer.
        altering: fields without a counterpart that change what the client gets.
        how: notes every other field.

    Raises:
        Untranslatable: it asks for what the other format does not have, or cannot be read.
    """
    for name, value in call.fields.items():
        if name in known or bytes(value) in _NOTHING:
            continue
        if name in altering:
            raise Untranslatable(f"This provider does not know the field '{name}'.", name)
        how.adapted.add(name)
    body = _encode(call.fields)
    try:
        return read_json(body, decoder)
    except UNREADABLE as error:
        raise Untranslatable(f"The request cannot be read: {error}", "messages") from None
