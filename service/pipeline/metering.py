"""What a request will cost, and what it did cost, in tokens and nano-dollars.

Before the answer nobody knows its tokens: they are estimated, held, and put right at the end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex

import msgspec

from service.pipeline.exchange import Abort, Exchange
from service.pipeline.upstreams import Lane
from service.providers.chat_request import ChatCall, Format, Usage
from service.providers.dialect import UNREADABLE
from service.providers.prices import Price, dearest
from service.settings import Settings
from service.state.charges import Bucket, Charge
from service.state.key_ring import ApiKey

__all__ = ["Estimate", "Metering", "estimated"]

BYTES_PER_TOKEN = 3
"""English text has four, by https://help.openai.com/en/articles/4936856; code and others less."""
MAX_PROMPT = 200_000
"""An estimate above the context of most models is a picture, in base64."""
MAX_COMPLETION = 10_000_000
MAX_CHOICES = 128
"""What clients may say, a number of any length, is bounded before it is multiplied."""
ASSUMED_COMPLETION = 1024
"""Tokens of an answer whose request sets no bound."""
STREAM_BYTES_PER_TOKEN = 100
"""An event of OpenAI's streams has 200 bytes and one token, one of Anthropic's 120 and some."""
HELD_LONGER_S = 60
"""Than the total deadline: a reservation that is still there belongs to a process that died."""
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
    """Tokens of a request before its answer is there."""

    prompt: int
    completion: int

    @property
    def total(self) -> int:
        """Of both."""
        return self.prompt + self.completion


def estimated(call: ChatCall, body_bytes: int) -> Estimate:
    """From the size of the request, and from the bound that it sets on its answer."""
    # The largest: which of them a provider obeys is the provider's choice.
    bounds = [_whole(call, name, MAX_COMPLETION) for name in _BOUNDS]
    bound = max((bound for bound in bounds if bound is not None), default=ASSUMED_COMPLETION)
    choices = _whole(call, "n", MAX_CHOICES) or 1
    return Estimate(min(math.ceil(body_bytes / BYTES_PER_TOKEN), MAX_PROMPT), bound * choices)


class Metering:
    """Makes the charges of metered keys, and says what they came to."""

    def __init__(self, settings: Settings, lanes: Mapping[str, Sequence[Lane]]) -> None:
        self._hold_s = math.ceil(settings.admission.deadline_seconds) + HELD_LONGER_S
        self._prices = {name: dearest(lane.price for lane in some) for name, some in lanes.items()}
        for name, model in settings.models.items():
            self._prices[name] = dearest(
                lane.price for other in (name, *model.fallbacks) for lane in lanes[other]
            )

    def charge(self, exchange: Exchange, key: ApiKey, estimate: Estimate) -> Charge:
        """What `key` is charged with before the request goes on."""
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
                # One larger than the bucket would never be let in; it empties it.
                *((bucket, min(estimate.total, bucket.limit.burst)) for bucket in tokens),
            ),
            held=held,
            hold_s=self._hold_s,
        )

    @staticmethod
    def used(exchange: Exchange, estimate: Estimate) -> tuple[int, int]:
        """Tokens and nano-dollars that the request came to, also when it broke off.

        Providers tell the count at the end, Anthropic's a first part of it at the beginning: of an
        answer that ended before, it is estimated from what the client got. Who leaves while a
        provider works on the answer pays for the question, and, unless it is streamed, for the
        answer, which the provider makes to its end.
        """
        if not exchange.provider:
            if exchange.asked is None or exchange.aborted is not Abort.CLIENT_GONE:
                return 0, 0
            answer = 0 if exchange.call.stream else estimate.completion
            return _sum(Usage(estimate.prompt, answer), exchange.asked.price)
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
        return _sum(usage, exchange.committed.lane.price)


def _sum(usage: Usage, price: Price) -> tuple[int, int]:
    """Tokens and nano-dollars; what a provider says is bounded, too."""
    bounded = Usage(*(min(max(0, count), _MAX_COUNT) for count in msgspec.structs.astuple(usage)))
    return bounded.prompt + bounded.completion, price.cost(bounded)


def _whole(call: ChatCall, name: str, most: int) -> int | None:
    """A number above 0, `most` at most, read as leniently as a provider may; else None."""
    try:
        found = float(_number(call.fields.get(name, _NULL)) or 0)
    except (*UNREADABLE, ValueError, OverflowError):
        return None
    return math.ceil(min(found, most)) if found > 0 else None


def _user(call: ChatCall) -> str:
    """The user whom the client names; empty when it names none."""
    try:
        if call.format is Format.ANTHROPIC:
            return _metadata(call.fields.get("metadata", _EMPTY)).user_id or ""
        found = _text(call.fields.get("safety_identifier", _NULL))
        return found or _text(call.fields.get("user", _NULL)) or ""
    except UNREADABLE:
        return ""
