"""`python -m service`: it tells where it is, answers, and ends by a signal."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_it_serves_until_a_signal_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {**os.environ, "METACORE_URL": "memory://", "SERVICE_PORT": str(port)}
    command = [sys.executable, "-m", "service"]
    with subprocess.Popen(command, cwd=EXAMPLES, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == f"service: http://127.0.0.1:{port}\n"
            assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=30).json()["status"] == "ok"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
