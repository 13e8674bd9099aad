"""Make what git does not keep: ``.env`` and the store's random passwords, as ``make setup`` does."""

import subprocess
import sys


def main() -> int:
    """Call the project's own script; a project without them is still a project."""
    try:
        subprocess.run(["sh", "scripts/make-settings"], check=True)  # noqa: S607 - the shell's usual name
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f".env and secrets/ were not made ({error}); `make setup` makes them.", file=sys.stderr
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
