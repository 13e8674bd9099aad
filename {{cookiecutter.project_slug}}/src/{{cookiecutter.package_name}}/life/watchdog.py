"""
A deadline that holds even while the interpreter is blocked.

The engine's constructor loads the store in native code and keeps the interpreter lock while it
waits: no Python thread runs, no signal handler fires. A sub-interpreter has a lock of its own, so
a thread in it can still end the process with the right exit code.
"""

import importlib
import os
import select
import threading
import time

from ..exit_codes import ExitCode, NodeExit

AWAKE_SECONDS = 10.0
"""How long the watchdog may take to wake up; it needs some hundredths of a second."""

_LOOP = """
import os, select, time
os.write({ready}, b"r")
deadline, code, sentence, buffer = float("inf"), 0, b"", b""
while True:
    left = None if deadline == float("inf") else max(0.0, deadline - time.monotonic())
    readable, _, _ = select.select([{orders}], [], [], left)
    if not readable:
        if sentence:
            os.write(2, sentence + b"\\n")
        os._exit(code)
    chunk = os.read({orders}, 65536)
    if not chunk:
        break
    buffer += chunk
    *lines, buffer = buffer.split(b"\\n")
    for line in lines:
        when, _, rest = line.partition(b" ")
        number, _, sentence = rest.partition(b" ")
        deadline, code = float(when), int(number)
"""


class Watchdog:
    """
    End the process when a deadline passes, whatever the main interpreter is doing.

    Returning from the constructor means that the watchdog is awake; it has no deadline yet.

    Raises
    ------
    NodeExit
        With code 1 if it did not wake up in time.

    """

    def __init__(self) -> None:
        orders, self._pipe = os.pipe()
        awake, ready = os.pipe()
        script = _LOOP.format(ready=ready, orders=orders)
        threading.Thread(target=_interpret, args=(script,), name="watchdog", daemon=True).start()
        if not select.select([awake], [], [], AWAKE_SECONDS)[0]:
            raise NodeExit(
                ExitCode.DEFECT,
                f"The watchdog did not wake up within {AWAKE_SECONDS:.0f} s, and without it no "
                "start is bounded; look for what keeps the processor busy, then start again.",
            )
        os.read(awake, 1)
        os.close(awake)
        os.close(ready)

    def arm(self, seconds: float, code: ExitCode, sentence: str) -> None:
        """
        Replace the deadline.

        Parameters
        ----------
        seconds : float
            Seconds from now.
        code : ExitCode
            The exit code of the process when the deadline passes.
        sentence : str
            The line to write to stderr then; nothing is written when it is empty.

        """
        line = f"{time.monotonic() + seconds} {int(code)} {' '.join(sentence.splitlines())}\n"
        os.write(self._pipe, line.encode())

    def disarm(self) -> None:
        """Take the deadline back; the watchdog stays awake."""
        self.arm(float("inf"), ExitCode.STOPPED, "")


def _interpret(script: str) -> None:
    # Python 3.14 has a public module for this; these are its foundations in the releases before.
    try:
        interpreters = importlib.import_module("_interpreters")
    except ModuleNotFoundError:  # Python 3.12
        interpreters = importlib.import_module("_xxsubinterpreters")
    interpreters.run_string(interpreters.create(), script)
