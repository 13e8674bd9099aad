"""Walk a page from top to bottom as its reader would, and really do what each block says."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from baking import clean_environment
from guides.blocks import Block
from guides.table import Guide, Way
from processes import Process

SECONDS_FOR_A_COMMAND = 600.0
SECONDS_UNTIL_SAID = 120.0
IN_CONTAINERS = re.compile(
    r"\bdocker\b|--runtime compose"
    r"|\bmake (.* )?(build|up|down|halt|resume|flatten|backup|restore|new-passwords"
    r"|drill-compose)\b"
)
LEADER = """
import os, signal, sys
os.setsid()  # Ctrl-C reaches the whole group, as at a terminal
signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is started in the background ignores it
os.execvp(sys.argv[1], sys.argv[1:])
"""
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
TABLE = re.compile(r"^\[([\w.-]+)\]$(?:\n(?!\[).*)*\n?", re.MULTILINE)


def in_containers(command: str, block: Block) -> bool:
    """Say whether a command needs a container engine; who asks a port belongs to its block."""
    if command.startswith("curl "):
        return any(IN_CONTAINERS.search(each) for each in block.commands)
    return bool(IN_CONTAINERS.search(command))


def with_arguments(command: str, added: str) -> str:
    """Add arguments to a command; to one of make they are its ``ARGS``."""
    if command.endswith('"') and "ARGS=" in command:
        return f'{command[:-1]} {added}"'
    return f'{command} ARGS="{added}"' if command.startswith("make ") else f"{command} {added}"


def command_of(way: Way, command: str) -> str:
    """Return what is run for a command of a page."""
    return way.instead or (with_arguments(command, way.added) if way.added else command)


def spliced(text: str, tables: str) -> str:
    """Return a TOML file with some of its tables, and those below them, in place of its own."""
    names = [match[1] for match in TABLE.finditer(tables)]

    def without(match: re.Match[str]) -> str:
        return "" if any(f"{match[1]}.".startswith(f"{name}.") for name in names) else match[0]

    return f"{TABLE.sub(without, text).rstrip()}\n\n{tables}"


class Reader:
    """Somebody at a terminal, with a page.

    Parameters
    ----------
    guide
        How the page is walked.
    home
        The folder in which each of its sections begins.
    sources
        The folders in which the page's files may be meant to be.
    environment
        What the reader's shell has.
    given
        What the values of ``guide.given`` name in braces.
    contained
        Whether it is the commands in containers that are run, or the others.
    """

    def __init__(
        self,
        guide: Guide,
        home: Path,
        sources: tuple[Path, ...],
        environment: Mapping[str, str],
        given: Mapping[str, str],
        *,
        contained: bool = False,
    ) -> None:
        self.guide, self.home, self.sources, self.contained = guide, home, sources, contained
        self.given = {name: value.format_map(given) for name, value in guide.given.items()}
        self.environment = dict(environment)
        self.staying: list[Process] = []
        self.done: list[str] = []
        self._section = -1
        self.environment["PWD"] = str(home)

    def walk(self, found: list[Block]) -> None:
        """Do what the blocks say, one after the other."""
        try:
            for command in self.guide.before:
                self._end(command, Way(reason=""), f"before {self.guide.page}")
            for block in found:
                if block.section != self._section:  # a new section is a new terminal
                    self._section = block.section
                    self.environment["PWD"] = str(self.home)
                self._block(block)
            for command in () if self.contained else self.guide.afterwards:
                self._end(command, Way(reason=""), f"after {self.guide.page}")
        finally:
            for process in self.staying:
                self._press_ctrl_c(process)

    def _block(self, block: Block) -> None:
        where = f"{self.guide.page}, line {block.line}"
        doers: Mapping[str, Callable[[Block, str], None]] = {
            "sh": self._commands,
            "text": lambda _block, _where: None,
            "sql": lambda _block, _where: None,  # asked of files by a database that is not here
            "python": self._python,
            "toml": self._toml,
            "env": self._file,
            "yaml": self._file,
        }
        language = block.language or "no language"
        assert language in doers, (
            f"{where}: nobody knows what to do with a block of {language!r}: "
            f"say one of {', '.join(doers)}."
        )
        doers[block.language](block, where)

    def _commands(self, block: Block, where: str) -> None:
        for command in block.commands:
            moves = command.startswith("cd ") and "&&" not in command
            if not moves and in_containers(command, block) != self.contained:
                continue
            way = self.guide.ways.get(command, Way(reason=""))
            if way.never:
                continue
            self._run(command, way, where)
            if way.then:
                self._end(f"({way.then})", Way(reason=way.reason), f"{where}, after {command!r}")

    def _run(self, command: str, way: Way, where: str) -> None:
        run = command_of(way, command)
        for name, value in self.given.items():
            run = run.replace(name, value)
        print(f"{where}: {run}")
        self.done.append(run)
        if not way.until:
            self._end(run, way, where)
            return
        process = Process(
            [sys.executable, "-c", LEADER, *self._shell(run, way)],
            Path(self.environment["PWD"]),
            inherits=self.environment,
        )
        self.staying.append(process)
        process.until_seen(
            lambda: any(way.until in line for line in process.output), SECONDS_UNTIL_SAID
        )
        if not way.stays:
            self._press_ctrl_c(self.staying.pop())

    def _shell(self, command: str, way: Way) -> list[str]:
        """Return the call of a shell; with a terminal for engines, and for who asks something."""
        shell = ["bash", "-c", command]
        terminal = self.contained or way.hears
        return [sys.executable, "-c", TERMINAL, *shell] if terminal else shell

    def _press_ctrl_c(self, process: Process) -> None:
        if not process.ended:
            os.killpg(process.pid, signal.SIGINT)
            process.wait()

    def _end(self, command: str, way: Way, where: str) -> None:
        """Run a command to its end; what it changes of the shell is kept for the next one."""
        after = self.home.parent / "environment-after"
        kept = f'set -a; {command}\ncode=$?; env -0 >"{after}"; exit $code'
        started = time.monotonic()
        ended = subprocess.run(
            self._shell(kept, way),
            cwd=self.environment["PWD"],
            env=self.environment,
            input=way.hears,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS_FOR_A_COMMAND,
            check=False,
        )
        print(f"    {time.monotonic() - started:.1f} s, exit code {ended.returncode}")
        assert ended.returncode in (way.code, way.or_code or way.code), (
            f"{where}: {command!r} ended with {ended.returncode}, not {way.code}.\n"
            f"{ended.stdout[-4000:]}"
        )
        assert way.says in ended.stdout, (
            f"{where}: {command!r} did not say {way.says!r}:\n{ended.stdout[-4000:]}"
        )
        names = (entry.partition("=") for entry in after.read_text("utf-8").split("\0") if entry)
        self.environment = {name: value for name, _, value in names}

    def _python(self, block: Block, where: str) -> None:
        if self.contained:
            return
        if block.file:
            self._file(block, where)
            return
        script = block.text
        for name, value in self.given.items():
            script = script.replace(name, value)
        process = Process([sys.executable, "-c", script], self.home, inherits=clean_environment())
        code = process.wait(SECONDS_UNTIL_SAID)
        assert code == 0, f"{where}: this script ended with {code}.\n{process.everything()}"
        self.done.append(where)

    def _file(self, block: Block, where: str) -> None:
        if self.contained:
            return
        path = self._path(block, where)
        path.write_text(block.text, encoding="utf-8")
        self.done.append(f"{where}: {block.file}")

    def _toml(self, block: Block, where: str) -> None:
        if self.contained:
            return
        path = self._path(block, where)
        path.write_text(spliced(path.read_text("utf-8"), block.text), encoding="utf-8")
        self.done.append(f"{where}: {block.file}")

    def _path(self, block: Block, where: str) -> Path:
        """Return the file that a block is meant to be: one that is there, or new in its folder."""
        assert block.file, f"{where}: the paragraph before it names no file for this block."
        meant = [source / block.file for source in self.sources]
        for path in meant:
            if path.exists():
                return path
        for path in meant:
            if path.parent.exists():
                return path
        raise AssertionError(f"{where}: there is no folder for {block.file}.")


def fresh_environment(*first: Path, **more: str) -> dict[str, str]:
    """Return a shell's environment: programs are looked for in some folders first."""
    inherited = clean_environment()
    path = os.pathsep.join([*map(str, first), inherited["PATH"]])
    return {**inherited, "PATH": path, **more}
