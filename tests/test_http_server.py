"""The HTTP server: every client that keeps to the rules is answered, whatever the others do."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from backgammon.protocols.http_guard import HttpLimits, is_loopback
from backgammon.protocols.http_server import HttpServer
from backgammon.tools.errors import ConfigError

LIMITS = HttpLimits(
    target=200, head=2048, body=100, larger_bodies={"/echo/long": 300}, client_seconds=0.4, connections=8
)
LARGE = "x" * (8 << 20)
"""More than the buffers of a socket hold."""


async def echo(request: Request) -> Response:
    return JSONResponse({"body": (await request.body()).decode()})


async def slow(_: Request) -> Response:
    await asyncio.sleep(1)
    return PlainTextResponse("late")


async def large(_: Request) -> Response:
    return PlainTextResponse(LARGE)


APP = Starlette(
    routes=[
        Route("/", lambda _: JSONResponse({"hello": "there"})),
        Route("/echo/{name}", echo, methods=["POST"]),
        Route("/slow", slow),
        Route("/large", large),
    ]
)


@contextmanager
def serving(host: str = "127.0.0.1", limits: HttpLimits = LIMITS) -> Iterator[HttpServer]:
    with HttpServer(APP, host, 0, limits) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with serving() as running:
        yield running


def ask(
    server: HttpServer, target: str = "/", method: str = "GET", body: Any = None, **headers: str
) -> tuple[int, dict[str, Any] | None]:
    """(status, body)."""
    connection = http.client.HTTPConnection(*server.address, timeout=20)
    try:
        connection.request(method, target, body, headers, encode_chunked=not isinstance(body, (bytes, type(None))))
        response = connection.getresponse()
        data = response.read()
        return response.status, json.loads(data) if data.startswith(b"{") else None
    finally:
        connection.close()


def connect(server: HttpServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=20)


def read_to_the_end(client: socket.socket) -> bytes:
    found = bytearray()
    try:
        while data := client.recv(1 << 16):
            found += data
    except ConnectionError:
        pass
    return bytes(found)


def drip(client: socket.socket, data: bytes, pause: float) -> bytes:
    """Send byte by byte until the server has had enough; its answer."""
    client.setblocking(False)
    found = b""
    for index in range(len(data)):
        try:
            client.send(data[index : index + 1])
            time.sleep(pause)
            found = client.recv(4096)
        except BlockingIOError:
            continue
        except ConnectionError:
            return found
        if found:
            return found
    raise AssertionError("nobody stopped it")


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST", "LocalHost:8080", "localhost.", "board.localhost", "127.0.0.1", "127.0.0.1:8080"),
        *("127.1.2.3", "[::1]", "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:1"),
    ],
)
def test_this_machine_may_be_spelt_in_any_way(server: HttpServer, host: str) -> None:
    assert ask(server, Host=host) == (200, {"hello": "there"})


@pytest.mark.parametrize(
    "host",
    [
        *("example.org", "localhost.example.org", "127.0.0.1.example.org", "xlocalhost", "[::2]", "10.0.0.1", ""),
        *("[", ":", "0.0.0.0", "example.org:127.0.0.1", "[localhost", "[localhost]", "::1", "[::1", "[::1:8080"),
    ],
)
def test_another_name_is_refused(server: HttpServer, host: str) -> None:
    assert ask(server, Host=host) == (403, {"message": "this server answers to localhost only"})


def test_loopback_is_told_from_the_world() -> None:
    assert is_loopback("::1")
    assert is_loopback("127.0.0.53")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("::")
    assert not is_loopback("example.org")


def test_a_server_for_the_network_is_called_by_any_name() -> None:
    with serving("0.0.0.0") as server:
        assert ask(server, Host="board.example.org")[0] == 200


def test_a_server_on_ipv6_answers() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with serving("::1") as server:
            assert server.url == f"http://[::1]:{server.address[1]}"
            assert ask(server, Host="[::1]")[0] == 200
    except ConfigError:
        pytest.skip("no IPv6 here")


def test_head_is_get_without_the_body(server: HttpServer) -> None:
    with connect(server) as client:
        client.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        head, _, body = read_to_the_end(client).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: 17" in head.lower()
    assert body == b""


def test_old_and_new_http_are_answered_in_one_connection_or_many(server: HttpServer) -> None:
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"there" in read_to_the_end(client)
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        client.shutdown(socket.SHUT_WR)
        assert read_to_the_end(client).count(b"there") >= 1


def test_a_client_that_closes_its_half_still_gets_its_answer(server: HttpServer) -> None:
    with connect(server) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        assert b"late" in read_to_the_end(client)


def test_a_body_of_the_allowed_size_arrives_and_a_larger_one_is_refused(server: HttpServer) -> None:
    assert ask(server, "/echo/short", "POST", b"y" * 100) == (200, {"body": "y" * 100})
    assert ask(server, "/echo/long", "POST", b"y" * 300)[0] == 200
    assert ask(server, "/echo/short", "POST", b"y" * 101)[0] == 413
    assert ask(server, "/echo/long", "POST", b"y" * 301)[0] == 413
    assert ask(server, "/echo/short", "POST", iter([b"y" * 60] * 2))[0] == 413
    assert ask(server, "/echo/short", "POST", iter([b"y" * 50] * 2)) == (200, {"body": "y" * 100})


def test_a_length_without_end_is_refused(server: HttpServer) -> None:
    assert ask(server, "/echo/short", "POST", b"", **{"Content-Length": "9" * 1000})[0] in (400, 413)


def test_a_long_target_and_a_long_head_are_refused(server: HttpServer) -> None:
    assert ask(server, "/?" + "a" * 300) == (414, {"message": "a request has at most 200 characters"})
    assert ask(server, "/?" + "a" * 100_000)[0] in (414, 431)  # by whole lines, or by what has come of an endless one
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000)
        assert b'{"message": "the head of this request is too long"}' in read_to_the_end(client)


@pytest.mark.parametrize("nonsense", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/x\r\n\r\n", b"\r\n" * 9])
def test_nonsense_gets_a_refusal_or_silence_and_the_next_client_an_answer(server: HttpServer, nonsense: bytes) -> None:
    with connect(server) as client:
        client.sendall(nonsense)
        found = read_to_the_end(client)
    assert not found or b" 400 " in found or b" 408 " in found
    assert ask(server)[0] == 200


def test_no_dripping_byte_buys_time(server: HttpServer) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Drip: " + b"a" * 1000
    with connect(server) as client:
        assert b" 408 " in drip(client, head, 0.01)
    with connect(server) as client:
        client.sendall(b"POST /echo/long HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300\r\n\r\n")
        assert drip(client, b"a" * 299, 0.01) == b""


def test_a_silent_client_is_closed_and_a_working_server_is_not_hurried(server: HttpServer) -> None:
    with connect(server) as client:
        assert read_to_the_end(client) == b""
    with connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"there" in read_to_the_end(client)
    assert LIMITS.client_seconds < 1
    with connect(server) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"late" in read_to_the_end(client)


def test_a_client_that_does_not_fetch_its_answer_is_closed(server: HttpServer) -> None:
    with connect(server) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(4 * LIMITS.client_seconds)
        assert len(read_to_the_end(client)) < len(LARGE)
    with connect(server) as client:
        client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert len(read_to_the_end(client)) > len(LARGE)


def test_when_all_places_are_taken_the_one_that_waits_longest_goes() -> None:
    limits = HttpLimits(client_seconds=60, connections=4)
    with serving(limits=limits) as server:
        silent = [connect(server) for _ in range(12)]
        for _ in range(10):
            assert ask(server)[0] == 200
        assert read_to_the_end(silent[0]) == b""
        for client in silent:
            client.close()


def test_when_every_place_waits_for_an_answer_one_more_is_told_to_come_again() -> None:
    with serving(limits=HttpLimits(connections=3)) as server:
        busy = [connect(server) for _ in range(3)]
        for client in busy:
            client.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)
        assert ask(server) == (503, {"message": "all places are taken; try again"})
        for client in busy:
            assert b"late" in read_to_the_end(client)
            client.close()
        assert ask(server)[0] == 200


def test_a_port_in_use_and_an_address_of_others_are_mistakes_with_a_mend(server: HttpServer) -> None:
    for host, port in ((server.address[0], server.address[1]), ("192.0.2.1", 8080), ("no.such.name.invalid", 1)):
        with pytest.raises(ConfigError, match="--host"):
            HttpServer(APP, host, port)


def test_the_server_says_nothing_about_its_clients_and_ends_with_ctrl_c() -> None:
    code = """if True:
        import os, signal, threading, time, socket
        from tests.test_http_server import APP, HttpServer, LIMITS
        server = HttpServer(APP, "127.0.0.1", 0)
        def visit():
            with socket.create_connection(server.address) as client, socket.create_connection(server.address):
                client.sendall(b"nonsense\\r\\n\\r\\n")
                client.recv(100)
                with socket.create_connection(server.address) as waiting:
                    waiting.sendall(b"GET /slow HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                    time.sleep(.1)
                    os.kill(os.getpid(), signal.SIGINT)
                    print(waiting.recv(1000)[:15])
        thread = threading.Thread(target=visit)
        thread.start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            thread.join()
            print("interrupted")
    """
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("b'HTTP/1.1 200 OK'\ninterrupted\n", "")
