"""Make what git does not keep, as ``make setup`` does: ``.env`` and the store's passwords."""

import subprocess
import sys


def main() -> int:
    """Call the project's own script; a project without them is still a project."""
    try:
        subprocess.run(["sh", "scripts/make-settings"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f".env and secrets/ were not made ({error}); `make setup` makes them.", file=sys.stderr
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
