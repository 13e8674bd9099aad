"""Which versions run."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from .. import __version__


@cache
def versions() -> dict[str, str]:
    """Return the versions of what decides how the node behaves, by name."""
    try:
        engine = version("nautilus_trader")
    except PackageNotFoundError:
        engine = "not installed"
    return {"node": __version__, "nautilus_trader": engine, "python": platform.python_version()}
