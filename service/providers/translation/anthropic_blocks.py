"""Converts parts of OpenAI's messages into content blocks of Anthropic's messages."""

import base64
import binascii
import re

import msgspec

from service.providers.dialect import UNREADABLE, Untranslatable
from service.providers.encoding import Encoding, fit_name
from service.providers.translation.openai_request_fields import File, Json, Part, ToolCall

__all__ = ["LONGEST_NAME", "content_block", "marked", "text_block", "tool_use_block"]

LONGEST_NAME = 128
"""Characters of a tool's name that Anthropic accepts."""
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.+)", re.DOTALL | re.IGNORECASE)
_MEDIA_TYPES = {
    **{name: name for name in ("image/jpeg", "image/png", "image/gif", "image/webp")},
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
}
"""The media types that Anthropic accepts, by the ones that clients send."""
_STARTS = (
    ("/9j/", "image/jpeg"),
    ("iVBORw0KGgoAAAAN", "image/png"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)
"""The first base64 characters of image data, and the type that they show."""
_PDF = "application/pdf"
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def content_block(part: Part, how: Encoding) -> Json:
    """The block for a part of a user's message.

    Raises:
        Untranslatable: Anthropic's API has no such block.
    """
    if part.type == "text":
        return text_block(part.text)
    if part.type == "image_url" and part.image_url is not None:
        image = part.image_url
        url = image if isinstance(image, str) else image.url
        return {"type": "image", "source": _image(url, how)}
    if part.type == "file" and part.file is not None:
        return _document(part.file)
    raise Untranslatable(f"This provider accepts no part of type '{part.type:.32}'.", "messages")


def marked(block: Json, part: Part) -> Json:
    """The block with the cache mark of the part, if the client set one."""
    return {**block, "cache_control": part.cache_control} if part.cache_control else block


def text_block(text: str) -> Json:
    """A block of text."""
    return {"type": "text", "text": text}


def _document(file: File) -> Json:
    """A document block for a PDF inside the request; an uploaded file exists only at OpenAI."""
    found = _DATA_URL.fullmatch(file.file_data)
    if found is None or found[1].strip().lower() != _PDF:
        raise Untranslatable("A file is not a PDF as base64 data, which is required.", "messages")
    source = {"type": "base64", "media_type": _PDF, "data": _base64(found[2])}
    title = {"title": file.filename} if file.filename else {}
    return {"type": "document", "source": source, **title}


def _image(url: str, how: Encoding) -> Json:
    """The source of an image; its type comes from the data if possible, which Anthropic checks."""
    if url.startswith(("https://", "http://")):
        return {"type": "url", "url": url}
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise Untranslatable("An image is neither an http(s) URL nor base64 data.", "messages")
    data = _base64(found[2])
    declared = _MEDIA_TYPES.get(found[1].strip().lower())
    media_type = next((name for start, name in _STARTS if data.startswith(start)), declared)
    if media_type is None:
        raise Untranslatable("An image is not a JPEG, PNG, GIF or WebP.", "messages")
    if media_type != found[1]:
        how.adapted.add("messages")
    return {"type": "base64", "media_type": media_type, "data": data}


def _base64(text: str) -> str:
    """The data without white space.

    Raises:
        Untranslatable: it is not base64.
    """
    data = "".join(text.split())
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Untranslatable("The data of an image or a file is not base64.", "messages") from None
    return data


def tool_use_block(call: ToolCall, call_id: str, how: Encoding) -> Json:
    """The block for a call of a tool, with the unique id `call_id`."""
    text = call.function.arguments or "{}"
    arguments: object
    try:
        arguments = _decode_object(text.strip() or "{}") if isinstance(text, str) else text
    except UNREADABLE:
        # Wrong arguments of a model in the history must not end the conversation.
        how.adapted.add("messages")
        arguments = {"arguments": text}
    name = fit_name(call.function.name, LONGEST_NAME, how)
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
