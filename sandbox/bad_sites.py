"""Two sites that fail as real ones do: one never answers, one has a certificate nobody trusts.

Runs under the supervisor; like the relay it listens on this machine's loopback and lives
inside: `python -m sandbox.bad_sites SILENT_PORT SELF_SIGNED_PORT CERTIFICATE KEY`.
"""

import asyncio
import ssl
import sys

from sandbox.relay import listen_outside

# Whoever waits for an answer may wait this long; so many may wait at once.
SECONDS, CONNECTIONS = 600, 64
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Visitors:
    """Those who are connected, of whom there may be only so many."""

    def __init__(self) -> None:
        self.count = 0

    async def keep_waiting(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Take whatever is said and never answer."""
        self.count += 1
        try:
            if self.count <= CONNECTIONS:
                await asyncio.wait_for(_hear(reader), SECONDS)
        except (OSError, TimeoutError):
            return
        finally:
            self.count -= 1
            writer.close()


async def _hear(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        continue


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer somebody who trusts any certificate that there is no service here."""
    try:
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.write(REFUSAL)
        await writer.drain()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        return
    finally:
        writer.close()


async def main(silent: int, self_signed: int, certificate: str, key: str) -> None:
    """Serve both for ever."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    quiet, odd = listen_outside([silent, self_signed])
    servers = [
        await asyncio.start_server(Visitors().keep_waiting, sock=quiet),
        await asyncio.start_server(refuse, sock=odd, ssl=context, ssl_handshake_timeout=10),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
