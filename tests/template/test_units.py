"""The units of systemd that a generated project brings are ones."""

import shutil
import subprocess
from pathlib import Path

import pytest

from baking import BakedProject


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="There is no systemd-analyze.")
def test_the_units_of_the_backup_are_units(baked_project: BakedProject, tmp_path: Path) -> None:
    units = []
    for kind in ("service", "timer"):
        unit = tmp_path / f"trader-backup@tmp.{kind}"
        shutil.copy(baked_project.path / f"deploy/backup/trader-backup@.{kind}", unit)
        units.append(str(unit))
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    # docker.service need not be on the machine that looks.
    said = [line for line in done.stderr.splitlines() if "docker.service" not in line]
    assert (done.returncode, said) == (0, [])


def test_a_wrong_unit_is_found(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("There is no systemd-analyze.")
    unit = tmp_path / "wrong.service"
    unit.write_text("[Service]\nType=oneshot\n", "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
