"""Carries the public ports from this machine's loopback into the sandbox's network.

Runs under the supervisor, inside the sandbox's namespaces. A socket belongs to the
network it was made in, so listening outside and connecting inside needs one process
that makes its listening sockets before anything else.
"""

import asyncio
import ctypes
import os
import socket
import sys

HOST_NETWORK = "/run/netns/host"
CLONE_NEWNET = 0x40000000
CHUNK = 65536


def enter_network(path: str) -> None:
    """Move this process to the network that the file stands for."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path) as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the network {path}")


def listen_outside(ports: list[int]) -> list[socket.socket]:
    """Return sockets that listen on this machine's loopback."""
    inside = f"/proc/{os.getpid()}/ns/net"
    with open(inside) as home:
        enter_network(HOST_NETWORK)
        sockets = [socket.create_server(("127.0.0.1", port), backlog=128) for port in ports]
        enter_network(f"/proc/self/fd/{home.fileno()}")
    return sockets


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction of a connection until its end."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Join a connection from outside with the service of the same port inside."""
    port = writer.get_extra_info("sockname")[1]
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
    inner_writer.close()
    writer.close()


async def main(ports: list[int]) -> None:
    """Serve all ports for ever."""
    servers = [await asyncio.start_server(carry, sock=sock) for sock in listen_outside(ports)]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main([int(port) for port in sys.argv[1:]]))
