"""A page's blocks and commands are found as its reader would find them."""

import pytest

from guides.blocks import Block, Unreadable, blocks, looks_like_a_command
from guides.walk import in_containers, spliced, with_arguments

PAGE = """# One

Write this to `src/one.py`, not to `two.txt`:

```python
x = 1
```

- In a list:

  ```sh
  make run  # until Ctrl-C
  curl -d '{"a": "b # c"}' \\
    localhost:1     # asks
  ```

## Two
~~~text
```
~~~
"""


def test_blocks_are_found_with_language_line_and_what_stands_before() -> None:
    python, shell, text = blocks(PAGE)
    assert (python.language, python.line, python.text) == ("python", 5, "x = 1\n")
    assert python.file == "src/one.py"
    assert (shell.language, shell.line, shell.before) == ("sh", 11, "- In a list:")
    assert (text.language, text.text, text.before) == ("text", "```\n", "## Two")
    assert [block.section for block in blocks(PAGE)] == [1, 1, 2]


def test_commands_are_lines_without_their_comments() -> None:
    shell = blocks(PAGE)[1]
    assert shell.commands == ["make run", """curl -d '{"a": "b # c"}' localhost:1"""]


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("# only a comment\n\n", []),
        ("echo a#b\n", ["echo a#b"]),
        ("echo 'a\nb'\n", ["echo 'a\nb'"]),
        ('echo "it\'s \\" # not" # but\n', ['echo "it\'s \\" # not"']),
        ("echo \\# \\\n   b\n", ["echo \\# b"]),
        ("a && b; c\n", ["a && b; c"]),
    ],
)
def test_a_shell_would_read_them_so(text: str, commands: list[str]) -> None:
    assert Block(1, "sh", text).commands == commands


@pytest.mark.parametrize("text", ["echo 'a\n", "cat <<END\nEND\n"])
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(Unreadable):
        assert Block(1, "sh", text).commands


def test_a_fence_that_is_never_closed_is_said() -> None:
    with pytest.raises(Unreadable, match="line 3"):
        blocks("\n\n```sh\nmake\n")


@pytest.mark.parametrize(
    "line", ["make run", "docker compose ps", ".venv/bin/x", "$ ls", "my-bot halt"]
)
def test_a_command_is_told_from_output(line: str) -> None:
    assert looks_like_a_command(line, "my-bot")


@pytest.mark.parametrize(
    "line", ["", "store  redis://", "          kill -9 4  to see it", "making it"]
)
def test_output_is_told_from_a_command(line: str) -> None:
    assert not looks_like_a_command(line, "my-bot")


def test_who_asks_a_port_asks_what_its_block_speaks_of() -> None:
    alone = Block(1, "sh", "curl localhost:1\n")
    beside = Block(1, "sh", "curl localhost:1\nmake run\nmake build up\n")
    assert not in_containers("curl localhost:1", alone)
    assert in_containers("curl localhost:1", beside)
    assert not in_containers("make run", beside)
    assert in_containers("make build up", beside)
    assert in_containers('make halt WHY="…"', beside)
    assert in_containers("recovery-drill run --runtime compose", beside)


def test_arguments_are_added_where_a_command_takes_them() -> None:
    assert with_arguments("make drill", "--seed 3") == 'make drill ARGS="--seed 3"'
    assert with_arguments('make drill ARGS="a"', "b") == 'make drill ARGS="a b"'
    assert with_arguments("recovery-drill run", "a") == "recovery-drill run a"


def test_tables_take_the_place_of_those_with_their_names() -> None:
    before = "[a]\nx = 1\n\n[a.b]\ny = [\n  1,\n]\n\n[ab]\nz = 1\n"
    assert spliced(before, "[a]\nx = 2\n") == "[ab]\nz = 1\n\n[a]\nx = 2\n"
