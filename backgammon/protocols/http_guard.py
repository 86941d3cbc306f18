"""What an HTTP server lets in: whose name it is called by, how long a request may be, how large its body.

Around any ASGI application, `Guard` refuses before the application sees a request. A refusal is {"message": one
sentence} like every refusal of this project's servers.

A web page of somebody else cannot ask a server of this machine by a name of its own (DNS rebinding): a server that
listens on loopback answers to the names of loopback only. Addresses cannot be rebound, so every loopback address is
good, however it is written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORBIDDEN, TOO_LARGE, TARGET_TOO_LONG = 403, 413, 414

_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost6", "ip6-localhost"})
_LOCAL_SUFFIX = ".localhost"
"""RFC 6761: every name below localhost is this machine."""


@dataclass(frozen=True)
class HttpLimits:
    """What a server takes from its clients.

    Attributes:
        target: bytes of path and query.
        head: bytes of request line and headers together.
        body: bytes of a request's body.
        larger_bodies: bytes of the body for the paths that begin so, where `body` is too small.
        client_seconds: a client may take so long for a whole request, for fetching an answer, and between two requests.
        connections: at the same time; one more takes the place of the one that has kept the server waiting longest.
    """

    target: int = 2048
    head: int = 16 << 10
    body: int = 16 << 10
    larger_bodies: Mapping[str, int] = field(default_factory=dict)
    client_seconds: float = 10.0
    connections: int = 512

    def body_of(self, path: str) -> int:
        """Bytes that the body of a request for `path` may have."""
        return next((most for start, most in self.larger_bodies.items() if path.startswith(start)), self.body)


def is_loopback(host: str) -> bool:
    """True for a name or an address of this machine alone, without port; IPv6 with or without brackets."""
    name = host.strip().lower().removesuffix(".")
    if name in _LOCAL_NAMES or name.endswith(_LOCAL_SUFFIX):
        return True
    is_bracketed = name.startswith("[") and name.endswith("]")
    try:
        address = ipaddress.ip_address(name[1:-1] if is_bracketed else name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def split_host(value: str) -> str:
    """The host of a Host header, without its port."""
    if value.startswith("["):
        inside, bracket, _ = value.partition("]")
        return inside + bracket
    return value.partition(":")[0]


class Guard:
    """An ASGI application around another one; see the module's text."""

    def __init__(self, inner: ASGIApp, limits: HttpLimits, is_local: bool) -> None:
        """Keep what is let in.

        Args:
            inner: gets what is let in.
            limits: of a request.
            is_local: answer to names of this machine only.
        """
        self._inner = inner
        self._limits = limits
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let the application answer."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._inner(scope, _bounded(receive, self._limits.body_of(scope["path"])), send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer to what is not let in; None where it is."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if self._is_local and not is_loopback(split_host(headers.get(b"host", "localhost"))):
            return refuse(FORBIDDEN, "this server answers to localhost only")
        if len(scope["raw_path"]) + len(scope["query_string"]) >= self._limits.target:
            return refuse(TARGET_TOO_LONG, f"a request has at most {self._limits.target} characters")
        most = self._limits.body_of(scope["path"])
        if int(headers.get(b"content-length", "0")) > most:  # h11 lets nothing but digits through
            return refuse(TOO_LARGE, _too_large(most))
        return None


def refuse(status: int, message: str) -> JSONResponse:
    """A refusal."""
    return JSONResponse({"message": message}, status)


def _too_large(most: int) -> str:
    return f"the body of this request has at most {most:,} bytes"


def _bounded(receive: Receive, most: int) -> Receive:
    """As `receive`, but a body without a length that grows too large is refused where it is read."""
    left = most

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(TOO_LARGE, _too_large(most))
        return message

    return receive_bounded
