"""JSON that holds half a character.

Some providers cut a character in two, so that each half is an escape that stands for nothing alone,
and clients send such text back. Python's json takes and writes such halves, msgspec does not.
"""

import json

import msgspec

__all__ = ["whole_characters", "write_json"]

_encode = msgspec.json.Encoder().encode


def whole_characters(data: bytes) -> bytes:
    """The same JSON: two halves that meet are one character, one that is alone is U+FFFD.

    Raises:
        msgspec.DecodeError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False)
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def write_json(document: object) -> bytes:
    """The document; half a character stays the escape that it was, for the client to put together.

    Raises:
        TypeError: it holds what JSON has no form for.
    """
    try:
        return _encode(document)
    except UnicodeEncodeError:
        return json.dumps(document, default=_raw).encode()


def _raw(value: object) -> object:
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    raise TypeError(type(value).__name__)
