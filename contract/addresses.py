"""Addresses of servers: base URLs, to which a path is appended.

Environments write them and the gateway reads them in its settings. Both use the same check, so
neither accepts an address that the other one refuses.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

__all__ = ["EXAMPLE", "WORDS", "check_base_url", "without_secrets"]

WORDS = "an http or https URL"
EXAMPLE = "https://api.example/v1"

_MAX_NAME = 253
"""Maximum number of characters of a host's name; RFC 1035, 2.3.4."""
_MAX_PORT = 65535
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?P<port>:.*)?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
"""Underscores are allowed, because names of containers may have them."""
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""Resolvers take a name with such an ending for an address:
https://url.spec.whatwg.org/#ends-in-a-number-checker"""
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
"""RFC 3986, 3.3."""
_SCHEME = re.compile(r"\W*[A-Za-z][A-Za-z0-9+.-]*:/+")
_QUERY = re.compile(r"(?<=[?#]).+", re.DOTALL)


def check_base_url(url: str) -> str:
    """Return the URL unchanged.

    Raises:
        ValueError: it is not the base URL of a server. The message says what is wrong and what to
            do, without the URL.
    """
    fault = _fault(url)
    if fault:
        raise ValueError(f"must be {WORDS}, such as {EXAMPLE}; this one {fault}")
    return url


def without_secrets(text: str) -> str:
    """A wrong value for a message, without the parts that may be a password or a key in a URL."""
    scheme = _SCHEME.match(text)
    start = scheme[0] if scheme else ""
    before, at, rest = text[len(start) :].rpartition("@")
    if at and (start or ":" in before):
        before = "[redacted]"
    return f"{start}{before}{at}{_QUERY.sub('[redacted]', rest)}"


def _fault(url: str) -> str:
    """What is wrong with the URL and what to do; empty when nothing is wrong."""
    if not (url.isascii() and url.isprintable()) or " " in url:
        return "has a space, or a sign that is not ASCII: write xn-- in a name, and %XX in a path"
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https"):
        return "does not begin with http:// or https://: write that, in lower case"
    if "?" in rest or "#" in rest:
        return "has a query or a fragment: leave out what begins with ? or #"
    authority, slash, path = rest.partition("/")
    fault = _fault_before_the_path(authority)
    if not fault and not _PATH.fullmatch(slash + path):
        fault = "has a path with signs that no path has: write them as %XX"
    return fault


def _fault_before_the_path(text: str) -> str:
    if "@" in text:
        return "has a user or a password: leave out what ends with @, keys have their own files"
    found = _AUTHORITY.fullmatch(text)
    if found is None or not _is_host(found["host"]):
        return "has no valid host: give a name, an IPv4 address, or an IPv6 address in brackets"
    if found["port"] is not None and not _is_port(found["port"].removeprefix(":")):
        return f"has no valid port: give a number from 1 to {_MAX_PORT}, or leave out the colon"
    return ""


def _is_host(text: str) -> bool:
    try:
        if text.startswith("["):
            # An address with a zone is valid on one machine only.
            return "%" not in text and bool(IPv6Address(text[1:-1]))
        if len(text) > _MAX_NAME or not _NAME.fullmatch(text):
            return False
        last = text.rstrip(".").rpartition(".")[2]
        return not _NUMBER.fullmatch(last) or bool(IPv4Address(text))
    except AddressValueError:
        return False


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= _MAX_PORT
