"""The one way of the servers to an address of this machine."""

from __future__ import annotations

import re
import socket
import sys

from backgammon.tools.errors import ConfigError
from backgammon.tools.quoting import quote

BACKLOG = 1024
"""Connections that the system keeps for a server until they are taken."""

_HOST = re.compile(r"[\w.:%-]{1,255}")  # a name, an IPv4 or IPv6 address with its zone


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for connections.

    Args:
        host: a name or an address of this machine; 127.0.0.1 lets nobody in from outside.
        port: 0 takes a free one.

    Raises:
        ConfigError: the address cannot be used.
    """
    if _HOST.fullmatch(host) is None:
        raise ConfigError(f"--host {quote(host)}: this is no name and no address; give one such as 127.0.0.1")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if sys.platform != "win32":  # where it would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)  # or a port that another server holds were noticed too late
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(f"cannot listen on {host}:{port} ({error}): choose another --host or --port") from error
    return listener
