"""Import once, and fork a process for each start.

It is started as a file, by the interpreter that its children need, and imports nothing of the
drill. Its first argument is the descriptor of a socket that keeps messages apart; the others are
the modules that it imports. Each message is one start: what to run, with which environment, where,
and the descriptors of standard output and standard error. It answers with the process id, and says
later how the process has ended. When the other end of the socket is gone, it ends.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import types
from pathlib import Path
from typing import Any

LONGEST_MESSAGE = 1 << 20


def main() -> None:
    """Import, and then fork until the other end is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = str(Path.cwd())
    try:
        for name in sys.argv[2:]:
            importlib.import_module(name)
    except Exception as error:
        _tell(control, failed=f"{type(error).__name__}: {error}")
        return
    # What all children share is not copied by a collection in one of them.
    gc.collect()
    gc.freeze()
    _tell(control, ready=True)
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: dict[str, Any] | None = None
    while order is None:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            woken.recv(LONGEST_MESSAGE)
        if control in ready:
            message, descriptors, _, _ = socket.recv_fds(control, LONGEST_MESSAGE, 2)
            if not message:
                return
            wanted = json.loads(message)
            pid = os.fork()
            if pid == 0:
                order = wanted
                _stand_alone(wanted, descriptors)
                break
            for descriptor in descriptors:
                os.close(descriptor)
            _tell(control, number=wanted["number"], pid=pid)
        _tell_of_the_ended(control)
    # Outside of the loop, and so outside of whatever it might do with an exception.
    assert order is not None
    _run(order["kind"], order["what"], order["arguments"])


def _tell(control: socket.socket, **message: object) -> None:
    control.send(json.dumps(message).encode())


def _tell_of_the_ended(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(control, pid=pid, code=os.waitstatus_to_exitcode(status))


def _stand_alone(order: dict[str, Any], descriptors: list[int]) -> None:
    """Give a forked process what a started one has: a session, files, an environment."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in zip((nothing, *descriptors), (0, 1, 2), strict=True):
        os.dup2(descriptor, place)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    # Who starts itself anew must find its own command, not the one of the process it came from.
    sys.orig_argv[:] = order["command"]


def _run(kind: str, what: str, arguments: list[str]) -> None:
    """Run what an interpreter would have been started with."""
    match kind:
        case "module":
            sys.path[0] = str(Path.cwd())
            sys.argv = [what, *arguments]
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        case "file":
            sys.path[0] = str(Path(what).resolve().parent)
            sys.argv = [what, *arguments]
            runpy.run_path(what, run_name="__main__")
        case _:
            sys.path[0] = ""
            sys.argv = ["-c", *arguments]
            sys.modules["__main__"] = own = types.ModuleType("__main__")
            exec(compile(what, "<string>", "exec"), own.__dict__)  # noqa: S102 - as `-c` does


if __name__ == "__main__":
    main()
