"""The drill's command line takes what it always took, and says in a sentence what it does not."""

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from baking import PROJECT, BakedProject
from recovery_drill import __version__, options
from recovery_drill.cli import main, parse

COMMANDS: dict[str, tuple[type, tuple[str, ...]]] = {
    "list": (options.Listing, ()),
    "run": (options.Run, ()),
    "explore": (options.Explore, ()),
    "replay": (options.Replay, ("somewhere",)),
    "check": (options.Check, ("somewhere",)),
    "report": (options.Report, ("somewhere",)),
    "stack": (options.Stack, ()),
}

DRILLED = {
    "--project": ("src", "project", Path("src")),
    "--node-command": ("a 'b c'", "node_command", "a 'b c'"),
    "--exchange-command": ("a b", "exchange_command", "a b"),
}
SEEDED = {"--seed": ("-3", "seed", -3), "--epoch": ("60000", "epoch", 60_000)}
TOLD = {
    "--env": ("A=b c", "env", ["A=b c"]),
    "--symbol": ("ETHUSDT", "symbol", ["ETHUSDT"]),
}
PLAYED = {
    "--market": ("bars.csv", "market", Path("bars.csv")),
    "--store": ("redis://127.0.0.1:1/2", "store", "redis://127.0.0.1:1/2"),
    "--jobs": ("4", "jobs", 4),
    "--folder": ("elsewhere", "folder", Path("elsewhere")),
}
SOMEWHERE = {"--runtime": ("compose", "runtime", "compose")}

# What each command took before there was typer: option, what is said, field, what it is then.
GRAMMAR: dict[str, dict[str, tuple[str | None, str, object]]] = {
    "list": {},
    "run": {
        **DRILLED,
        **SEEDED,
        **TOLD,
        **PLAYED,
        **SOMEWHERE,
        "--all": (None, "all", True),
        "--warm": (None, "warm", True),
        "--bars": ("9", "bars", 9),
        "--kills": ("3", "kills", 3),
    },
    "explore": {
        **DRILLED,
        **SEEDED,
        **TOLD,
        **PLAYED,
        **SOMEWHERE,
        "--bars": ("9", "bars", 9),
        "--each": ("3", "each", 3),
        "--only": ("^order|^bar", "only", "^order|^bar"),
        "--most": ("4", "most", 4),
        "--once": (None, "once", True),
        "--cold": (None, "warm", False),
    },
    "replay": {**DRILLED, **PLAYED, "--times": ("10", "times", 10)},
    "check": {},
    "report": {},
    "stack": {
        **DRILLED,
        **SEEDED,
        **TOLD,
        "--speed": ("0.5", "speed", 0.5),
        "--folder": ("elsewhere", "folder", Path("elsewhere")),
    },
}
DEFAULTS: dict[str, dict[str, object]] = {
    "run": {
        "scenarios": [],
        "env": [],
        "symbol": [],
        "project": Path(),
        "node_command": None,
        "exchange_command": f"{shlex.quote(sys.executable)} -m simulated_exchange",
        "seed": 7,
        "epoch": None,
        "market": None,
        "store": None,
        "jobs": 2,
        "folder": Path("runs"),
        "runtime": "process",
        "all": False,
        "bars": None,
        "kills": None,
        "warm": False,
    },
    "explore": {"bars": 24, "each": 1, "only": "", "most": None, "once": False, "warm": True},
    "replay": {"schedule": Path("somewhere"), "times": 1, "jobs": 2, "folder": Path("runs")},
    "check": {"folder": Path("somewhere")},
    "report": {"folder": Path("somewhere")},
    "stack": {"seed": 7, "epoch": None, "speed": 60.0, "folder": Path("runs/stack")},
}
TAKEN = [(command, option) for command, taken in GRAMMAR.items() for option in taken]


@pytest.mark.parametrize(("command", "option"), TAKEN, ids=" ".join)
def test_every_option_of_before_is_taken(command: str, option: str) -> None:
    kind, needed = COMMANDS[command]
    said, field, value = GRAMMAR[command][option]
    words = (option,) if said is None else (option, said)
    forms: list[Sequence[str]] = [(*needed, *words), (*words, *needed)]
    if said is not None:
        forms.append((f"{option}={said}", *needed))
    for form in forms:
        asked = parse([command, *form])
        assert isinstance(asked, kind)
        assert getattr(asked, field) == value
        assert type(getattr(asked, field)) is type(value)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_said_is_as_it_was(command: str) -> None:
    kind, needed = COMMANDS[command]
    asked = parse([command, *needed])
    assert type(asked) is kind
    wanted = DEFAULTS.get(command, {})
    assert {name: getattr(asked, name) for name in wanted} == wanted


@pytest.mark.parametrize("command", COMMANDS)
def test_there_is_no_option_that_was_not_there(command: str) -> None:
    told = {field.name for field in fields(COMMANDS[command][0])}
    arguments = {"run": {"scenarios"}, "replay": {"schedule"}, "check": {"folder"}}
    arguments["report"] = arguments["check"]
    taken = {field for _, field, _ in GRAMMAR[command].values()}
    assert told == taken | arguments.get(command, set())


def test_scenarios_stand_anywhere_between_the_options() -> None:
    asked = parse(["run", "one", "--jobs", "1", "two"])
    assert isinstance(asked, options.Run)
    assert asked.scenarios == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense",), "recovery-drill: No such command 'nonsense'."),
        (("--nonsense",), "recovery-drill: No such option: --nonsense"),
        (("run", "--nonsense"), "recovery-drill run: No such option: --nonsense"),
        (("list", "x"), "recovery-drill list: Got unexpected extra argument(s) (x)"),
        (("replay", "x", "y"), "recovery-drill replay: Got unexpected extra argument(s) (y)"),
        (("replay",), "recovery-drill replay: Missing argument 'SCHEDULE'."),
        (("check",), "recovery-drill check: Missing argument 'FOLDER'."),
        (("report",), "recovery-drill report: Missing argument 'FOLDER'."),
        (("run", "--seed"), "recovery-drill: Option '--seed' requires an argument."),
        (
            ("run", "--seed", "x"),
            "recovery-drill run: Invalid value for '--seed': 'x' is not a whole number.",
        ),
        (
            ("explore", "--most", "1.5"),
            "recovery-drill explore: Invalid value for '--most': '1.5' is not a whole number.",
        ),
        (
            ("stack", "--speed", "fast"),
            "recovery-drill stack: Invalid value for '--speed': 'fast' is not a number.",
        ),
        (
            ("run", "--runtime", "moon"),
            "recovery-drill run: Invalid value for '--runtime': "
            "'moon' is not one of 'process', 'compose'.",
        ),
        (("run", "--jobs", "0"), "recovery-drill: --jobs must be 1 or more."),
    ],
)
def test_wrong_usage_is_one_plain_sentence_and_exit_code_two(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


def called(project: BakedProject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call it as a user does, in a terminal that is as wide as one is by default."""
    environment = {**project.environment, "COLUMNS": "80"}
    drill = (sys.executable, "-m", "recovery_drill")
    return project.run(*drill, *arguments, environment=environment)


def test_alone_it_says_what_there_is_and_ends_with_two(baked_project: BakedProject) -> None:
    alone = called(baked_project)
    assert alone.returncode == 2
    assert alone.stdout == ""
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z].+\.$", alone.stderr, re.MULTILINE), command
    wanted = called(baked_project, "--help")
    assert (wanted.returncode, wanted.stdout, wanted.stderr) == (0, alone.stderr, "")


def test_it_says_its_version(baked_project: BakedProject) -> None:
    told = called(baked_project, "--version")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"{__version__}\n", "")


def test_a_process_refuses_in_one_line_too(baked_project: BakedProject) -> None:
    refused = called(baked_project, "run", "--seed", "x")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "recovery-drill run: Invalid value for '--seed': 'x' is not a whole number.\n"
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_plain_names_every_option_and_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([command, "--help"]) == 0
    long = capsys.readouterr().out
    assert main([command, "-h"]) == 0
    assert capsys.readouterr().out == long
    assert long.isascii()
    assert "\x1b" not in long
    assert all(len(line) <= 80 for line in long.splitlines())
    for option in GRAMMAR[command]:
        assert re.search(rf"^  (?:--\S+ / )?{option} ", long, re.MULTILINE), option
    examples = re.findall(r"^    recovery-drill (.+)$", long, re.MULTILINE)
    assert examples
    for example in examples:
        assert isinstance(parse(shlex.split(example)), COMMANDS[command][0])


def examples() -> list[str]:
    """Return each call of the drill that stands in a code block of its README."""
    text = (PROJECT / "drill" / "README.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [
        e for block in blocks for e in re.findall(r"^recovery-drill (.+)$", block, re.MULTILINE)
    ]


@pytest.mark.parametrize("example", examples())
def test_the_readme_s_examples_can_be_called(example: str) -> None:
    words = shlex.split(example, comments=True)
    assert isinstance(parse(words), int) == ("--help" in words)


def test_a_traceback_stays_the_one_of_python() -> None:
    """One made by typer could show the values of variables."""
    before = sys.excepthook
    assert main(["run", "--jobs", "0"]) == 2
    assert sys.excepthook is before
