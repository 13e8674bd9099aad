"""How many lines of code there are: the exchange by room, the drill, and what runs in production.

Run with any Python of the template, from anywhere. Lines of code are those without blank lines,
comments and docstrings.
"""

import ast
import io
import tokenize
from collections.abc import Iterable
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = TEMPLATE / "{{cookiecutter.project_slug}}"
EXCHANGE = PROJECT / "drill" / "simulated_exchange"
NOT_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def count(paths: Iterable[Path]) -> tuple[int, int, int]:
    """Return how many files, lines and lines of code there are."""
    texts = [path.read_text("utf-8") for path in paths]
    return len(texts), sum(text.count("\n") for text in texts), sum(map(lines_of_code, texts))


def lines_of_code(text: str) -> int:
    """Count the lines on which anything stands but comments and docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        # A string that is a statement: a docstring, also of a constant.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def main() -> None:
    """Count and print a table."""
    rooms = sorted(path for path in EXCHANGE.iterdir() if path.is_dir() and any(path.glob("*.py")))
    rows = {f"exchange: {room.name}": sorted(room.rglob("*.py")) for room in rooms}
    rows["exchange: outside the rooms"] = sorted(EXCHANGE.glob("*.py"))
    rows["exchange"] = sorted(EXCHANGE.rglob("*.py"))
    rows["recovery drill"] = sorted((PROJECT / "drill" / "recovery_drill").rglob("*.py"))
    rows["production (src)"] = sorted((PROJECT / "src").rglob("*.py"))
    rows["the template's tests"] = sorted((TEMPLATE / "tests").rglob("*.py"))
    rows["tests of the exchange"] = sorted((TEMPLATE / "tests" / "exchange").rglob("*.py"))
    print(f"{'':30}{'files':>6}{'lines':>8}{'code':>8}")
    for name, paths in rows.items():
        files, lines, code = count(paths)
        print(f"{name:30}{files:6}{lines:8}{code:8}")


if __name__ == "__main__":
    main()
