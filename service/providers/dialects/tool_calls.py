"""Which tool call a piece of a stream belongs to, when its index does not show it."""

import json

__all__ = ["begins_another_call", "is_object"]


def begins_another_call(
    call_id: str, name: str, arguments: str, *, known_id: str, known_arguments: str
) -> bool:
    """Whether a piece begins another call than the last one with its index.

    Google's servers give all calls the index 0, so another id begins another call. Without ids, a
    name with arguments begins another call if the arguments of the last call are complete. An id
    that arrives after the name of its call begins no other call. An empty id counts as no id.

    Args:
        call_id: the id in the piece.
        name: the name of the tool in the piece.
        arguments: the arguments in the piece.
        known_id: the id of the last call; empty if the provider gave it none.
        known_arguments: the arguments of the last call that have arrived so far.
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
