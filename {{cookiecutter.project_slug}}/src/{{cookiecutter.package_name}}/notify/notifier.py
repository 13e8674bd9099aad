"""
The node's end of notifications: a bounded queue, and a thread that hands it to another process.

Nothing here waits for anybody: what does not fit is dropped and counted. A sender that ends is
started again, a few times.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..config.settings import Settings
from .message import Message, encode

MOST_QUEUED = 1_000
AGAIN_SECONDS = 30.0
STARTS = 5
SENDER = f"{__package__}.sender"


class Notifier:
    """
    Tells people, by another process.

    Parameters
    ----------
    settings : Settings
        To whom, where what was told is kept, and how many a minute.

    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: queue.Queue[bytes | None] = queue.Queue(MOST_QUEUED)
        self._lock = threading.Lock()
        self._dropped = 0
        self._told: dict[str, Any] = {}
        self._has_begun = False
        self._is_through = threading.Event()
        self._trouble = ""

    def begin(self) -> None:
        """Start the thread, and it the process; both once."""
        if not self._has_begun:
            self._has_begun = True
            threading.Thread(target=self._run, name="notifier", daemon=True).start()

    def tell(self, message: Message) -> None:
        """Let a message be told, if there is room for it."""
        self._put(encode(message))

    def will(self, message: Message) -> None:
        """Let a message be told if the node says nothing more, not even that it ends."""
        self._put(b'{"will": ' + encode(message).rstrip() + b"}\n")

    def end(self, how: str, seconds: float) -> None:
        """Say that the node ends, and how; wait so long at most until all is handed over."""
        self._put(json.dumps({"end": how}).encode() + b"\n")
        self._put(None)
        self.begin()
        if seconds:
            self._is_through.wait(seconds)

    def _put(self, line: bytes | None) -> None:
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            with self._lock:
                self._dropped += 1

    @property
    def sentence(self) -> str:
        """How notifications fare."""
        if not self._has_begun:
            return "They begin with trading."
        if not self._told:
            return f"Their process is starting. {self._trouble}".strip()
        told = self._told
        services = "1 service" if told["services"] == 1 else f"{told['services']} services"
        lines = [f"{told['sent']} sent to {services} in this life, {told['waiting']} waiting."]
        with self._lock:
            if self._dropped:
                lines.append(f"{self._dropped} were dropped.")
        if told["trouble"]:
            lines.append(f"Wrong: {told['trouble']}.")
        return " ".join([*lines, self._trouble]).strip()

    # -- The thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        left: bytes | None = b""
        for start in range(STARTS):
            try:
                child = self._start()
            except OSError as error:
                self._trouble = f"Their process cannot be started: {error.strerror}."
                return
            threading.Thread(target=self._hear, args=(child,), daemon=True).start()
            left = self._hand_over(child, left)
            if left is None:
                # Until it has sent what it has: its output ends with it.
                child.wait()
                self._is_through.set()
                return
            self._trouble = f"Their process has ended {start + 1} times and is started again."
            threading.Event().wait(AGAIN_SECONDS)
        self._trouble = f"Their process has ended {STARTS} times: nothing more is sent."

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self._settings
        return subprocess.Popen(
            [
                *(sys.executable, "-m", SENDER),
                *("--urls", str(settings.notify_urls_file), "--state", str(settings.state_folder)),
                *("--trader", settings.id, "--most", str(settings.notify_most_a_minute)),
            ],
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a library says of a failure may hold an address, and with it a secret.
            stderr=subprocess.DEVNULL,
            # Ctrl-C ends the node; this outlives it for its last words.
            start_new_session=True,
        )

    def _hand_over(self, child: "subprocess.Popen[bytes]", line: bytes | None) -> bytes | None:
        """Hand lines over until the last; return the one that could not be, if any."""
        assert child.stdin is not None
        try:
            while line is not None:
                if line:
                    child.stdin.write(line)
                    child.stdin.flush()
                line = b""
                self._tell_dropped(child)
                line = self._queue.get()
        except OSError:
            child.kill()
            child.wait()
            return line or b""
        with suppress(OSError):
            child.stdin.close()
        return None

    def _tell_dropped(self, child: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped and child.stdin is not None:
            child.stdin.write(json.dumps({"dropped": dropped}).encode() + b"\n")

    def _hear(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdout is not None
        for line in child.stdout:
            with suppress(ValueError):
                self._told = json.loads(line)


def _environment() -> dict[str, str]:
    """Return what the process needs: where this package is, and no setting of the node's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADER_")}
    folder = str(Path(__file__).parents[2])
    before = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": f"{folder}{os.pathsep}{before}" if before else folder}
