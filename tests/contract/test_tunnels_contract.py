"""SSH tunnels with a real sshd: what they lead to, what they leave behind, what goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orchestrator.drivers.asking import ask_here, ask_on_node
from orchestrator.drivers.tunnels import tunnel
from orchestrator.errors import DeploymentFailedError, RequestError
from orchestrator.model import Hop

pytestmark = pytest.mark.contract

ENV = dict(os.environ)


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers.get("Authorization") == "Basic bWU6c2VjcmV0"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b"hello" if known else b"who are you?")

    def log_message(self, *_args):
        pass


@pytest.fixture
def service():
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def gone(port, seconds=10):
    end = time.monotonic() + seconds
    while listens(port) and time.monotonic() < end:
        time.sleep(0.1)
    return not listens(port)


def test_a_service_is_reached_and_the_tunnel_ends_with_the_block(on_node, service):
    with tunnel(on_node.node, service, workdir=on_node.workdir, env=ENV) as port:
        answer = ask_here(f"http://127.0.0.1:{port}/", user="me", password="secret")
        assert (answer.status, answer.text) == (200, "hello")
        assert ask_here(f"http://127.0.0.1:{port}/").status == 401
    assert gone(port)


def test_a_service_is_reached_through_a_hop(on_node, service):
    hop = Hop(host="127.0.0.1", user=on_node.node.user, port=on_node.node.port)
    behind = replace(on_node.node, hop=hop)
    with tunnel(behind, service, workdir=on_node.workdir, env=ENV) as port:
        assert ask_here(f"http://127.0.0.1:{port}/").status == 401


def test_an_error_in_the_block_ends_the_tunnel_too(on_node, service):
    with (
        pytest.raises(KeyError),
        tunnel(on_node.node, service, workdir=on_node.workdir, env=ENV) as port,
    ):
        raise KeyError
    assert gone(port)


def test_a_service_that_is_not_there_is_no_answer_and_the_tunnel_stays_up(on_node):
    with tunnel(on_node.node, 1, workdir=on_node.workdir, env=ENV) as port:
        assert ask_here(f"http://127.0.0.1:{port}/").status == 0
        assert listens(port)


def test_a_taken_port_is_refused_before_anything_starts(on_node, service):
    with (
        pytest.raises(RequestError, match=f"port {service} of this machine is taken"),
        tunnel(on_node.node, service, workdir=on_node.workdir, env=ENV, local_port=service),
    ):
        pytest.fail("a tunnel over a taken port")


def test_a_node_that_is_not_there_is_told(on_node):
    nowhere = replace(on_node.node, port=1)
    with (
        pytest.raises(DeploymentFailedError, match="no SSH tunnel to sky-toy") as caught,
        tunnel(nowhere, 80, workdir=on_node.workdir, env=ENV),
    ):
        pytest.fail("a tunnel to nowhere")
    assert "refused" in caught.value.facts["ssh says"]


PROGRAM = """
import os, sys, time
from pathlib import Path
from orchestrator.drivers.tunnels import tunnel
from orchestrator.model import Node
from orchestrator.workdir import Workdir
node = Node(name="sky", address="127.0.0.1", port=int(sys.argv[2]), user=sys.argv[3], groups=("a",), private_ip="127.0.0.1")
with tunnel(node, int(sys.argv[4]), workdir=Workdir(Path(sys.argv[1])), env=dict(os.environ)) as port:
    print(port, flush=True)
    time.sleep(600)
"""


def test_ssh_ends_also_when_we_are_killed(on_node, service):
    node = on_node.node
    words = [str(on_node.workdir.path), str(node.port), node.user, str(service)]
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words], stdout=subprocess.PIPE, text=True
    )
    port = int(child.stdout.readline())
    assert listens(port)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert gone(port)


def test_a_service_is_asked_on_the_node_and_the_password_is_on_no_command_line(on_node, service):
    seen, url = [], f"http://127.0.0.1:{service}/"
    done = threading.Event()

    def watch():
        while not done.is_set():
            told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
            seen.append("canary-4711" in told)

    watcher = threading.Thread(target=watch)
    watcher.start()
    ask = {"workdir": on_node.workdir, "env": ENV}
    try:
        wrong = ask_on_node(on_node.node, url, user="me", password="canary-4711", **ask)
        right = ask_on_node(on_node.node, url, user="me", password="secret", **ask)
    finally:
        done.set()
        watcher.join()
    assert (wrong.status, right.status, right.text) == (401, 200, "hello")
    assert seen
    assert not any(seen)
    assert "canary-4711" not in repr(wrong)
