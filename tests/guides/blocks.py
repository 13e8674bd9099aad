"""The fenced blocks of a Markdown page, and the commands in them: pure functions of its text."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r"\s*(```+|~~~+)\s*(\S*)\s*")
HEADING = re.compile(r"#{1,6} ")
SUFFIXES = {"python": (".py",), "toml": (".toml",), "yaml": (".yaml", ".yml"), "env": (".env",)}
"""The languages of blocks that are files, and what their names end in."""


class Unreadable(ValueError):
    """A block of which nobody can say what a reader is to do with it."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    line
        Where its fence opens, counted from 1.
    language
        What its fence says: ``sh``, ``text``, ``python`` and so on.
    text
        What stands between the fences, without the indentation of a list.
    before
        The paragraph or heading before it.
    section
        How many headings stand before it.
    """

    line: int
    language: str
    text: str
    before: str = ""
    section: int = 0

    @property
    def commands(self) -> list[str]:
        """The commands of a ``sh`` block, each in one line and without its comment."""
        return list(_commands(self))

    @property
    def file(self) -> str:
        """The file that the paragraph before names for this block; empty when it names none."""
        named = re.findall(r"`([^`\s]+)`", self.before)
        return next((n for n in reversed(named) if n.endswith(SUFFIXES[self.language])), "")


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, from top to bottom."""
    found: list[Block] = []
    paragraph: list[str] = []
    inside: list[str] = []
    fence, language, opened, section, over = "", "", 0, 0, False
    for number, line in enumerate(text.splitlines(), 1):
        mark = FENCE.fullmatch(line)
        if fence:
            if mark and mark[1] == fence and not mark[2]:
                body = textwrap.dedent("".join(f"{each}\n" for each in inside))
                found.append(Block(opened, language, body, "\n".join(paragraph), section))
                fence, paragraph = "", []
            else:
                inside.append(line)
        elif mark:
            fence, language, opened, inside = mark[1], mark[2], number, []
        elif not line.strip():
            over = True
        else:
            section += bool(HEADING.match(line))
            paragraph = [line] if over else [*paragraph, line]
            over = False
    if fence:
        raise Unreadable(f"line {opened}: its fence is never closed")
    return found


def shells(text: str) -> list[Block]:
    """Return the blocks of a page that hold commands."""
    return [block for block in blocks(text) if block.language == "sh"]


def _commands(block: Block) -> Iterator[str]:
    quote, command, text = "", "", block.text
    at = 0
    while at < len(text):
        letter = text[at]
        if letter == "\\" and text[at + 1 : at + 2] == "\n" and quote != "'":
            command, at = command.rstrip() + " ", at + 2
            while text[at : at + 1] == " ":
                at += 1
            continue
        if letter == "\\" and quote != "'":
            command, at = command + text[at : at + 2], at + 2
            continue
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif text.startswith("<<", at):
            raise Unreadable(f"line {block.line}: a here-document; show it as a file of its own")
        elif letter == "#" and (not command or command[-1].isspace()):
            at = text.find("\n", at)
            continue
        elif letter == "\n":
            if command.strip():
                yield command.strip()
            command, at = "", at + 1
            continue
        command, at = command + letter, at + 1
    if quote:
        raise Unreadable(f"line {block.line}: a quote is never closed")


def looks_like_a_command(line: str, *own: str) -> bool:
    """Say whether a line of output is one that a reader would take for a command.

    Parameters
    ----------
    line
        The line.
    own
        The project's own commands.
    """
    first = line.split(" ")[0]
    return first in {*COMMANDS, *own} or first.startswith((".venv/bin/", "$"))


COMMANDS = (
    *("make", "docker", "curl", "git", "python", "python3", "pip", "pipx", "uv", "sh", "cd"),
    *("cookiecutter", "cruft", "recovery-drill", "simulated-exchange", "pytest", "export"),
)
