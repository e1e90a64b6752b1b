"""Tells VMs the time of this machine, by NTP: a stand-in for the time servers of a site.

Runs under the supervisor in the network of the site's router. An NTP daemon of Debian in its
place would displace the one that keeps this machine's own time.
"""

import socket
import struct
import time

ADDRESS = ("198.51.100.2", 123)  # the router's, which every network with a way out can reach
# The era of NTP (RFC 5905) began in 1900, that of Unix in 1970.
_BETWEEN_ERAS = 2_208_988_800
_HEADER = struct.Struct("!BBbb II4s QQQQ")
_CLIENT, _SERVER = 3, 4
_STRATUM, _PRECISION = 2, -20  # this machine's clock is kept by somebody else; about 1 µs


def timestamp(seconds: float) -> int:
    """Return a time of Unix as NTP writes it: 32 bits of seconds, 32 of fractions."""
    return int((seconds + _BETWEEN_ERAS) * 2**32) & (2**64 - 1)


def answer(request: bytes, received: float, now: float) -> bytes | None:
    """Return the answer to a client's request; None to all else, which is left unanswered."""
    if len(request) < _HEADER.size or request[0] & 7 != _CLIENT:
        return None
    first, _, poll, *_, sent = _HEADER.unpack_from(request)
    head = (first & 0b111000 | _SERVER, _STRATUM, poll, _PRECISION, 0, 0, b"HOST")
    times = (timestamp(received), sent, timestamp(received), timestamp(now))
    return _HEADER.pack(*head, *times)


def serve(server: socket.socket) -> None:
    """Answer until the end of the process."""
    while True:
        request, client = server.recvfrom(1024)
        received = time.time()
        if said := answer(request, received, time.time()):
            server.sendto(said, client)


if __name__ == "__main__":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(ADDRESS)
        serve(own)
