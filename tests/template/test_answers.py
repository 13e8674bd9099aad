"""Bad answers are refused: one sentence each, all at once, and nothing is left behind."""

import importlib.metadata
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from baking import OPTIONS, PROJECT, QUESTIONS, TEMPLATE, bake, cookiecutter

GOOD = {
    "project_name": "My Trader",
    "project_slug": "my-trader",
    "package_name": "my_trader",
    "description": "What it is.",
    "author_name": "Somebody",
    "trader_id": "TRADER-001",
    "symbol": "BTCUSDT",
}

BAD = {
    "project_name": ["", "  ", "two\nlines", "{{ 7 * 7 }}", "tab\there", "bell\a"],
    "project_slug": [
        *("", ".", "..", "-a", "a-", "a--b", "a_b", "A", "a b", "a/b", "a\\b", "../a", "é", "a\n"),
        *("x" * 41, "redis", "nautilus-trader", "recovery-drill", "simulated-exchange", "pip"),
    ],
    "package_name": [
        *("", "1a", "a-b", "A", "a b", "a.b", "é", "_a", "a\n", "x" * 41),
        *("class", "import", "json", "asyncio", "test", "compression", "annotationlib"),
        *("redis", "aiohttp", "nautilus_trader", "dotenv", "attr", "pydantic_settings"),
        *("simulated_exchange", "recovery_drill", "tests", "drill", "src"),
    ],
    "description": ["", "two\nlines", "a } brace", "\x00"],
    "author_name": ["", "two\r\nlines", "a { brace", "\u2028"],
    "trader_id": [
        *("", "TRADER", "-001", "TRADER-", "TRADER 1-001", "É-1", "a:b-1", "a*-1", "A-1\n", "A--1"),
        *("A-" + "1" * 11, "A" * 30 + "-001"),
    ],
    "symbol": [
        "",
        "USDT",
        "btcusdt",
        "BTC-USDT",
        "BTCUSD",
        "BTCUSDT.P",
        "BTCUSDT\n",
        "B" * 17 + "USDT",
    ],
}

ACCEPTED = {
    "project_name": ["X", "O'Brien's \"best\" \\ trader", "Zürich 😀"],
    "project_slug": ["a", "x" * 40, "z9", "9lives", "a-b-c"],
    "package_name": ["a", "x" * 40, "z9_", "my_trader", "match"],
    "description": ['It\'s "quoted" \\ and # commented', "100 % → done"],
    "author_name": ['O\'Brien "x"', "back\\slash", "张伟"],
    "trader_id": ["A-1", "TRADER-001", "EMA_CROSS-BTC-A1", "A-" + "1" * 10],
    "symbol": ["BTCUSDT", "1000PEPEUSDT", "1USDT"],
}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "pre_gen_project", TEMPLATE / "hooks" / "pre_gen_project.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, answers in BAD.items() for answer in answers]
)
def test_a_bad_answer_is_refused_with_one_sentence(
    hook: ModuleType, name: str, answer: str
) -> None:
    sentences = list(hook.problems({**GOOD, name: answer}))
    assert len(sentences) == 1
    assert sentences[0].startswith("The ")
    assert sentences[0].endswith(".")
    assert "\n" not in sentences[0]
    assert not answer.strip() or repr(answer) in sentences[0]


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, answers in ACCEPTED.items() for answer in answers]
)
def test_an_unusual_answer_is_accepted(hook: ModuleType, name: str, answer: str) -> None:
    assert list(hook.problems({**GOOD, name: answer})) == []


def test_every_question_has_bad_and_accepted_answers_here() -> None:
    questions = {name for name in QUESTIONS if not name.startswith("_")}
    assert questions - OPTIONS.keys() == BAD.keys() == ACCEPTED.keys() == GOOD.keys()
    prompts = QUESTIONS["__prompts__"]
    assert isinstance(prompts, dict)
    assert questions == prompts.keys()


def test_all_bad_answers_are_named_at_once_before_cookiecutter_speaks(tmp_path: Path) -> None:
    bad = {
        "project_slug": "No Name",
        "package_name": "redis",
        "trader_id": "TRADER",
        "symbol": "btc",
        "author_name": "a { brace",
    }
    refused = cookiecutter(tmp_path, **bad)
    assert refused.returncode != 0
    lines = refused.stderr.splitlines()
    assert [line for line in lines if line.startswith("The ")] == lines[: len(bad)]
    for answer in bad.values():
        assert sum(repr(answer) in line for line in lines[: len(bad)]) == 1
    assert list((tmp_path / "baked").iterdir()) == []


@pytest.mark.parametrize("slug", ["a/b", "a/b/c", "/a", "./a/b", "../a", "../a/b", "a\\b", "A b"])
def test_a_refused_slug_leaves_no_folder_behind(tmp_path: Path, slug: str) -> None:
    output = tmp_path / "here"
    output.mkdir()
    if slug.startswith("/"):
        slug = f"{tmp_path}/elsewhere{slug}"
    refused = cookiecutter(output, project_slug=slug)
    assert refused.returncode != 0
    assert refused.stderr.startswith("The project slug ")
    left = {path.relative_to(output).as_posix() for path in output.rglob("*")}
    assert {name for name in left if not name.startswith(".")} <= {"baked"}
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_refusal_leaves_what_was_there_before(tmp_path: Path) -> None:
    mine = tmp_path / "baked" / "a" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    assert cookiecutter(tmp_path, project_slug="a/b/c").returncode != 0
    assert mine.read_text("utf-8") == "mine"
    assert [path.name for path in mine.parent.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("project_name", "slug", "package"),
    [
        ("My Trader", "my-trader", "my_trader"),
        ("EMA Cross 2", "ema-cross-2", "ema_cross_2"),
        ("3 Ducks", "3-ducks", "trader_3_ducks"),
        ("O'Brien's Zürich_Desk", "o-brien-s-zurich-desk", "o_brien_s_zurich_desk"),
        ("The Longest Name That Anybody Ever Gave To A Trader", None, None),
        ("2 Longest Names That Anybody Ever Gave To A Trader", None, None),
        ("x" * 90, "x" * 40, "x" * 40),
    ],
)
def test_an_ordinary_project_name_is_enough(
    tmp_path: Path, project_name: str, slug: str | None, package: str | None
) -> None:
    project = bake(tmp_path, project_name=project_name)
    assert slug in (None, project.path.name)
    assert package in (None, project.package)
    assert project.read("README.md").startswith(f"# {project_name}\n")


def locked() -> set[str]:
    lock = (PROJECT / "requirements" / "dev.txt").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))


def test_the_hook_knows_every_locked_distribution(hook: ModuleType) -> None:
    assert set(hook.DEPENDENCIES.split()) == locked()


def test_no_module_of_a_dependency_can_be_hidden(hook: ModuleType) -> None:
    # A compiled distribution's helper modules have names that no answer can have.
    for module, distributions in importlib.metadata.packages_distributions().items():
        names = {re.sub(r"[-_.]+", "-", name).lower() for name in distributions}
        if names & locked() and re.fullmatch(r"[a-z][a-z0-9_]*", module):
            assert list(hook.package_problems(module)), f"{module} of {names} can be hidden"


def test_no_folder_of_the_project_can_be_hidden(hook: ModuleType) -> None:
    folders = [*PROJECT.iterdir(), *(PROJECT / "drill").iterdir()]
    for name in {folder.name for folder in folders if folder.is_dir()}:
        assert list(hook.package_problems(name)), f"{name} can be hidden"


def test_the_standard_library_of_every_supported_python_is_known(hook: ModuleType) -> None:
    for module in sys.stdlib_module_names:
        assert list(hook.package_problems(module)), f"{module} can be hidden"
