"""The estimated and the actual cost of a request, in tokens and nano-dollars.

The tokens of an answer are unknown before it arrives. They are estimated and reserved first, and
corrected at the end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import msgspec

from service.pipeline.exchange import Abort, Exchange
from service.pipeline.upstreams import Upstream
from service.providers.chat_request import ChatCall, Format, Usage
from service.providers.dialect import UNREADABLE
from service.providers.prices import Price, dearest
from service.settings import Settings
from service.state.charges import Bucket, Charge
from service.state.key_ring import ApiKey

__all__ = ["Estimate", "Metering", "estimated"]

BYTES_PER_TOKEN = 3
"""English text has four bytes a token (https://help.openai.com/en/articles/4936856).

Code and other languages have fewer.
"""
MAX_PROMPT = 200_000
"""Tokens. An estimate above the context of most models comes from an image in base64."""
MAX_COMPLETION = 10_000_000
MAX_CHOICES = 128
"""Clients may send a number of any size, so it is bounded before it is multiplied."""
ASSUMED_COMPLETION = 1024
"""Tokens of an answer whose request sets no bound."""
STREAM_BYTES_PER_TOKEN = 100
"""An event of an OpenAI stream has 200 bytes and one token; an Anthropic event has 120 and some."""
HELD_LONGER_S = 60
"""Seconds that a reservation outlasts the total deadline.

A reservation that still exists after that belongs to a process that died.
"""
_OK = 200
_MAX_COUNT = 1_000_000_000
_BOUNDS = ("max_completion_tokens", "max_tokens")
_number = msgspec.json.Decoder(int | float | str | None).decode
_text = msgspec.json.Decoder(str | None).decode
_NULL = msgspec.Raw(b"null")
_EMPTY = msgspec.Raw(b"{}")


class _Metadata(msgspec.Struct):
    user_id: str | None = None


_metadata = msgspec.json.Decoder(_Metadata).decode


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated tokens of a request, before its answer arrives."""

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt + self.completion


def estimated(call: ChatCall, body_bytes: int) -> Estimate:
    """Estimate the tokens from the size of the request and the bound that it sets on its answer."""
    # The largest bound counts: each provider decides which of the fields it obeys.
    bounds = [_whole(call, name, MAX_COMPLETION) for name in _BOUNDS]
    bound = max((bound for bound in bounds if bound is not None), default=ASSUMED_COMPLETION)
    choices = _whole(call, "n", MAX_CHOICES) or 1
    return Estimate(min(math.ceil(body_bytes / BYTES_PER_TOKEN), MAX_PROMPT), bound * choices)


class Metering:
    """Makes the charges of metered keys, and computes the actual costs afterwards."""

    def __init__(self, settings: Settings, upstreams: Mapping[str, Sequence[Upstream]]) -> None:
        self._hold_s = math.ceil(settings.admission.deadline.seconds) + HELD_LONGER_S
        self._prices = {
            name: dearest(upstream.price for upstream in some) for name, some in upstreams.items()
        }
        for name, model in settings.models.items():
            self._prices[name] = dearest(
                upstream.price
                for other in (name, *model.fallbacks)
                for upstream in upstreams[other]
            )

    def charge(self, exchange: Exchange, key: ApiKey, estimate: Estimate) -> Charge:
        """The charge that `key` has to pay before the request goes on."""
        requests = [Bucket(key.bucket, key.limit, "requests")]
        tokens = [key.tokens] if key.tokens is not None else []
        if key.per_user is not None:
            user_requests, user_tokens = key.per_user.buckets(key.account, _user(exchange.call))
            requests += user_requests
            tokens += user_tokens
        held = 0
        if key.account.budget is not None and exchange.name in self._prices:
            price = self._prices[exchange.name]
            held = price.cost(Usage(estimate.prompt, estimate.completion))
        return Charge(
            id=token_hex(12),
            account=key.account,
            buckets=(
                *((bucket, 1) for bucket in requests),
                # A charge above the bucket would never be admitted: it takes the whole bucket.
                *((bucket, min(estimate.total, bucket.limit.burst)) for bucket in tokens),
            ),
            held=held,
            hold_s=self._hold_s,
        )

    @staticmethod
    def used(exchange: Exchange, estimate: Estimate) -> tuple[int, int]:
        """The tokens and nano-dollars that the request used, even when it broke off.

        Providers report the counts at the end; Anthropic reports a first part at the beginning.
        The counts of an answer that ended early are estimated from the bytes that the client got.
        A client that leaves while a provider works on the answer pays for the prompt. It also pays
        for the answer unless that is streamed, because the provider finishes a whole answer.
        """
        if not exchange.provider:
            if exchange.last_tried is None or exchange.aborted is not Abort.CLIENT_GONE:
                return 0, 0
            answer = 0 if exchange.call.stream else estimate.completion
            return _sum(Usage(estimate.prompt, answer), exchange.last_tried.price)
        if exchange.committed.answer.status != _OK:
            return 0, 0
        usage = exchange.usage
        if not exchange.complete or not (usage.prompt or usage.completion):
            per_token = STREAM_BYTES_PER_TOKEN if exchange.streaming else BYTES_PER_TOKEN
            seen = math.ceil(exchange.bytes_out / per_token)
            usage = msgspec.structs.replace(
                usage,
                prompt=usage.prompt or estimate.prompt,
                completion=max(usage.completion, seen),
            )
        return _sum(usage, exchange.committed.upstream.price)


def _sum(usage: Usage, price: Price) -> tuple[int, int]:
    """Tokens and nano-dollars; the counts that a provider reports are bounded, too."""
    bounded = Usage(*(min(max(0, count), _MAX_COUNT) for count in msgspec.structs.astuple(usage)))
    return bounded.prompt + bounded.completion, price.cost(bounded)


def _whole(call: ChatCall, name: str, most: int) -> int | None:
    """The field as a number above 0, capped at `most`; None otherwise.

    It is parsed as leniently as a provider may parse it.
    """
    try:
        found = float(_number(call.fields.get(name, _NULL)) or 0)
    except (*UNREADABLE, ValueError, OverflowError):
        return None
    return math.ceil(min(found, most)) if found > 0 else None


def _user(call: ChatCall) -> str:
    """The end user that the request names; empty when it names none."""
    try:
        if call.format is Format.ANTHROPIC:
            return _metadata(call.fields.get("metadata", _EMPTY)).user_id or ""
        found = _text(call.fields.get("safety_identifier", _NULL))
        return found or _text(call.fields.get("user", _NULL)) or ""
    except UNREADABLE:
        return ""
