"""Which call of a tool a piece of a stream belongs to, where numbers do not say it."""

import json

__all__ = ["begins_another_call", "is_object"]


def begins_another_call(
    call_id: str, name: str, arguments: str, *, known_id: str, known_arguments: str
) -> bool:
    """Whether a piece belongs to another call than the last one of its number.

    Google's servers number all calls 0: there another id begins another call. Where ids are
    missing, a name with arguments does, after a call whose arguments are whole. An id that comes
    later than the name of its call begins none. An empty id is none.

    Args:
        call_id: of the piece.
        name: of the piece's tool.
        arguments: of the piece.
        known_id: of the last call; empty where the provider gave it none.
        known_arguments: of the last call, as far as they have come.
    """
    if call_id:
        return call_id != known_id if known_id else bool(name)
    return bool(name and arguments) and is_object(known_arguments)


def is_object(text: str) -> bool:
    """Whether the text is a whole JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
