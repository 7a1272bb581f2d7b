"""The agent that answers nginx' DNS queries with the gateway's pods."""

import asyncio
import socket
import struct

import pytest

from agents.edge.dns_messages import answer
from agents.edge.dns_server import Names

A, AAAA = 1, 28


def question(kind: int = A, *, name: bytes = b"\x0cgateway-pods\x00", number: int = 7) -> bytes:
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", kind, 1)


def told(message: bytes | None) -> tuple[int, list[str]]:
    """The response code and the addresses of a DNS answer."""
    assert message
    _, flags, questions, answers, *_ = struct.unpack_from(">HHHHHH", message)
    assert (flags & 0x8000, questions) == (0x8000, 1)
    records = message[len(question()) :]
    assert len(records) == 16 * answers
    found = [socket.inet_ntoa(records[i + 12 : i + 16]) for i in range(0, len(records), 16)]
    return flags & 0xF, found


def test_a_query_is_answered_with_all_pod_addresses() -> None:
    assert told(answer(question(), ["10.0.0.1", "10.0.0.2"])) == (0, ["10.0.0.1", "10.0.0.2"])


def test_queries_of_other_types_have_an_empty_answer() -> None:
    assert told(answer(question(AAAA), ["10.0.0.1"])) == (0, [])


def test_query_without_known_pods_is_answered_with_servfail() -> None:
    # nginx would cache an empty answer; after SERVFAIL it asks again.
    assert told(answer(question(), [])) == (2, [])


def test_answer_is_limited_to_200_addresses_and_4096_bytes() -> None:
    message = answer(question(), [f"10.0.{n >> 8}.{n & 255}" for n in range(1000)])
    assert message
    assert len(message) <= 4096
    assert len(told(message)[1]) == 200


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"x" * 11,
        question()[:-1],
        question(name=b"\xc0\x0c"),
        question(name=b"\x3fshort"),
        struct.pack(">HHHHHH", 1, 0x8000, 1, 0, 0, 0) + question()[12:],
        struct.pack(">HHHHHH", 1, 0, 2, 0, 0, 0) + question()[12:],
    ],
)
def test_malformed_dns_queries_are_dropped(junk: bytes) -> None:
    assert answer(junk, ["10.0.0.1"]) is None


class NameServer:
    """A stub name server that answers, fails or hangs, as the test configures it."""

    def __init__(self) -> None:
        self.known: tuple[str, ...] | None = ("10.0.0.1",)
        self.hangs = False
        self.asked = 0

    async def lookup(self, host: str) -> tuple[str, ...]:
        assert host == "gateway-pods"
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.known is None:
            raise OSError("no answer")
        return self.known


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_last_addresses_are_kept_while_the_name_server_fails() -> None:
    server = NameServer()
    names = Names("gateway-pods", server.lookup)
    names.ask()
    await settle()
    for nothing in (None, ()):
        server.known = nothing
        names.ask()
        await settle()
        assert names.addresses == ("10.0.0.1",)
    server.known = ("10.0.0.2", "10.0.0.3")
    names.ask()
    await settle()
    assert names.addresses == ("10.0.0.2", "10.0.0.3")


async def test_hanging_lookup_does_not_block_the_next_one() -> None:
    server = NameServer()
    names = Names("gateway-pods", server.lookup)
    server.hangs = True
    names.ask()
    await settle()
    server.hangs = False
    names.ask()
    await settle()
    assert names.addresses == ("10.0.0.1",)


async def test_hanging_lookups_are_limited_to_eight() -> None:
    server = NameServer()
    server.hangs = True
    names = Names("gateway-pods", server.lookup)
    for _ in range(100):
        names.ask()
        await settle()
    assert server.asked == 8


async def test_late_answer_does_not_replace_a_newer_one() -> None:
    late = asyncio.Event()
    answers = iter(["10.0.0.1", "10.0.0.2"])

    async def lookup(host: str) -> tuple[str, ...]:
        del host
        mine = next(answers)
        if mine == "10.0.0.1":
            await late.wait()
        return (mine,)

    names = Names("gateway-pods", lookup)
    names.ask()
    names.ask()
    await settle()
    late.set()
    await settle()
    assert names.addresses == ("10.0.0.2",)
