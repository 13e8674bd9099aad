"""A page that is wrong is found, and so is a block that nobody can do anything with."""

import os
from pathlib import Path

import pytest

from guides.blocks import blocks
from guides.table import Guide, Way
from guides.walk import Reader, fresh_environment

PAGE = """# A page

Write `notes.toml`:

```toml
[a]
x = 1
```

```sh
cat notes.toml
NAME=value
cd folder       # the shell remembers both
test "$NAME" = value && test "$(basename "$PWD")" = folder
```

```text
[a]
```

## A section begins at home again

```sh
test -d folder
```
"""


def walk(home: Path, page: str, **ways: Way) -> list[str]:
    """Walk a page; a way's name is its command, with underscores for blanks."""
    folder = home / "home"
    (folder / "folder").mkdir(parents=True)
    (folder / "notes.toml").touch()
    guide = Guide(page="page.md", ways={name.replace("_", " "): way for name, way in ways.items()})
    reader = Reader(guide, folder, (folder,), fresh_environment(), {})
    reader.walk(blocks(page))
    return reader.done


def test_a_page_is_done_from_top_to_bottom(tmp_path: Path) -> None:
    first, shown, *commands, last = walk(tmp_path, PAGE)
    assert first == "page.md, line 5: notes.toml"
    assert (tmp_path / "home" / "notes.toml").read_text() == "\n\n[a]\nx = 1\n"
    assert shown == "cat notes.toml"
    assert len(commands) == 3
    assert last == "test -d folder"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("```sh\ncat notes.toml\nmake nothing\n```\n", "line 1: 'make nothing' ended with 2"),
        ("```\nls\n```\n", "a block of 'no language'"),
        ("```ruby\nputs\n```\n", "a block of 'ruby'"),
        ("```yaml\na: 1\n```\n", "names no file"),
        ("In `nowhere/at/all.py`:\n\n```python\n```\n", "there is no folder for nowhere/at/all.py"),
        ("```python\nimport nothing_like_this\n```\n", "this script ended with 1"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        walk(tmp_path, wrong)


def test_a_command_may_end_with_the_code_that_the_table_says(tmp_path: Path) -> None:
    page = "```sh\nfalse\n```\n"
    assert walk(tmp_path, page, false=Way(code=1, reason="It is.")) == ["false"]


def test_a_command_that_runs_until_ctrl_c_gets_it(tmp_path: Path) -> None:
    page = "```sh\nwhile echo begun; do sleep 1; done\n```\n"
    guide = Guide(
        page="page.md",
        ways={"while echo begun; do sleep 1; done": Way(until="begun", reason="It waits.")},
    )
    Reader(guide, tmp_path, (), fresh_environment(), {}).walk(blocks(page))


def test_what_is_in_containers_is_walked_apart(tmp_path: Path) -> None:
    """And with a terminal, which an engine's commands ask for."""
    page = "```sh\ncd folder\ntest -t 1  # docker\n: docker; test -t 1\n```\n"
    (tmp_path / "home" / "folder").mkdir(parents=True)
    guide = Guide(page="page.md", ways={"test -t 1": Way(code=1, reason="There is none.")})
    for contained, done in ((False, ["test -t 1"]), (True, [": docker; test -t 1"])):
        environment = fresh_environment(PYTHONUNBUFFERED=os.environ.get("PYTHONUNBUFFERED", ""))
        reader = Reader(guide, tmp_path / "home", (), environment, {}, contained=contained)
        reader.walk(blocks(page))
        assert reader.done[-1:] == done
