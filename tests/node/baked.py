"""The production package of a bake, importable in this process, for tests of its pure modules."""

import atexit
import shutil
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]  # it has none

from quick import shared_by_all

TEMPLATE = Path(__file__).parents[2]
PACKAGE = "trading_node"


@cache
def baked_project() -> Path:
    """Return a project baked from this template, with the package `trading_node` on the path."""
    output = tempfile.mkdtemp(prefix="baked-")
    atexit.register(shutil.rmtree, output, ignore_errors=True)
    with shared_by_all():  # its hooks are processes
        folder = cookiecutter(
            str(TEMPLATE),
            no_input=True,
            output_dir=output,
            extra_context={"project_slug": "trading-node", "package_name": PACKAGE},
        )
    sys.path.insert(0, str(Path(folder) / "src"))
    return Path(folder)


def module(name: str) -> Any:
    """Return a module of the package, for example ``plan.bars``."""
    baked_project()
    return import_module(f"{PACKAGE}.{name}")
