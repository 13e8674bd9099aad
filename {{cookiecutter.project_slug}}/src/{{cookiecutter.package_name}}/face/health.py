"""
Ask the node on this machine whether it trades: ``python -m``, for a container's health check.

It runs every few seconds beside the node, so it imports nothing but what it needs of the standard
library, and no proxy comes between.
"""

import json
import os
import socket
import sys
import time

HOST = "127.0.0.1"
PORT = "8080"
"""The node's own default."""
HIGHEST_PORT = 65_535
SECONDS = 2.0
"""The bound on connecting and answering together."""
MOST_BYTES = 65_536


def main() -> int:
    """Return 0 if the node trades; else print one line that says what it does, and return 1."""
    port = os.environ.get("TRADER_HTTP_PORT") or PORT
    if port.isdecimal() and 0 < int(port) <= HIGHEST_PORT:
        try:
            complaint = judge(ask(int(port), SECONDS))
        except OSError as error:
            reason = error.strerror or f"no answer within {SECONDS:g} s"
            complaint = f"Nothing answers at {HOST}:{port}: {reason}."
    else:
        complaint = f"TRADER_HTTP_PORT is no port: {port}."
    if complaint is None:
        return 0
    sys.stdout.write(complaint + "\n")
    return 1


def ask(port: int, seconds: float) -> bytes:
    """
    Return the answer to ``GET /health``, head and body.

    Raises
    ------
    OSError
        If nothing answers in full within so many seconds.

    """
    deadline = time.monotonic() + seconds
    with socket.create_connection((HOST, port), timeout=seconds) as connection:
        # HTTP/1.0: the answer ends where the connection does.
        connection.sendall(f"GET /health HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        answer = b""
        while len(answer) < MOST_BYTES:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            chunk = connection.recv(MOST_BYTES)
            if not chunk:
                break
            answer += chunk
    return answer


def judge(answer: bytes) -> str | None:
    """Return what keeps the node from trading, in one line; ``None`` when it trades."""
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        status = head.split()[1]
        health = json.loads(body)
        stage, reason = str(health["stage"]), " ".join(str(health["reason"]).split())
    except (IndexError, KeyError, TypeError, ValueError):
        return "What answers is not the node: it does not tell its stage."
    if status == b"200" and stage == "trading":
        return None
    return f"The node is at {stage}: {reason}" if reason else f"The node is at {stage}."


if __name__ == "__main__":
    sys.exit(main())
