"""Every block of the guides does what it says: each page is walked from top to bottom.

A page is found by itself, its blocks are found in it, and each command is run as it stands. What
is not simply run, and why, is in one table: `guides/table.py`.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from baking import PROJECT, TEMPLATE, BakedProject, cookiecutter, copy_of_the_template
from engine import Stack, needs_engine, own_name
from guides.blocks import blocks, shells
from guides.presumed import make_bars, trading
from guides.table import GUIDES, Guide
from guides.walk import Reader, fresh_environment, in_containers
from processes import free_port
from workflows import git

BIN = Path(sys.executable).parent
TOKEN = "only-for-a-walk-through-a-page"
PIPX = f"""#!/bin/sh
# pipx run PROGRAM …: what it would fetch is here.
program=$2
shift 2
exec "{BIN}/$program" "$@"
"""


@dataclass(frozen=True)
class Workshop:
    """A clone of the template and a project made from it, set up as its README says.

    Parameters
    ----------
    template
        The repository that the template is cloned from.
    clone
        The clone; the project is in its folder ``build``.
    project
        The project.
    tools
        A folder with the programs that the pages presume and that are not the project's.
    settings
        A folder with the settings and passwords that ``make setup`` has written; a page may
        change them.
    """

    template: Path
    clone: Path
    project: BakedProject
    tools: Path
    settings: Path

    def anew(self) -> None:
        """Bring the project back to what was generated, and to the settings of its first day."""
        git(self.clone, "clean", "--quiet", "-dffx", "--exclude=/build")
        git(self.project.path, "checkout", "--quiet", "--force", "main")
        git(self.project.path, "reset", "--quiet", "--hard", "generated")
        git(
            self.project.path,
            "clean",
            "--quiet",
            "-dfx",
            "--exclude=.venv",
        )
        shutil.copytree(self.settings, self.project.path, symlinks=True, dirs_exist_ok=True)
        make_bars(self.project.path / "bars.csv")

    def text(self, guide: Guide) -> str:
        """Return a page as its reader sees it."""
        where = self.clone if guide.of_template else self.project.path
        return (where / guide.page).read_text("utf-8")

    def reader(self, guide: Guide, environment: dict[str, str], *, contained: bool) -> Reader:
        """Return a reader of a page, who sits in the folder that it speaks of."""
        project = self.project.path
        given = {
            "template": str(self.template),
            "port": str(free_port()),
            "token": TOKEN,
            "node_port": environment.get("NODE_PORT", environment.get("TRADER_HTTP_PORT", "")),
            "exchange_port": environment.get("EXCHANGE_PORT", ""),
        }
        return Reader(
            guide,
            self.clone if guide.of_template else project,
            (project, project / "src" / self.project.package),
            environment,
            given,
            contained=contained,
        )

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a shell in which the project's is active."""
        venv = self.project.path / ".venv" / "bin"
        curl, config = self.tools / ".curlrc", os.devnull
        curl.write_text("fail-with-body\nsilent\nshow-error\n", encoding="utf-8")
        own = {"CURL_HOME": str(self.tools), "COOKIECUTTER_CONFIG": config}
        own |= {"PAGER": "cat", "TEMPLATE": str(self.template)}
        own |= {
            f"GIT_{who}_{what}": f"nobody@{what}".lower()
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        return fresh_environment(venv, self.tools, **own, **more)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A project as its reader has it, made once; each test puts it back to how it was."""
    desk = tmp_path_factory.mktemp("guides")
    template = copy_of_the_template(desk / "template")
    git(template, "init", "--quiet", "--initial-branch=main")
    git(template, "add", "--all")
    git(template, "commit", "--quiet", "--message", "As it stands")
    git(desk, "clone", "--quiet", str(template), "clone")
    build = ("--output-dir", str(desk / "clone" / "build"))
    made = cookiecutter(desk, template, *build, project_slug="my-trader")
    assert made.returncode == 0, made.stderr
    project = BakedProject(desk / "clone" / "build" / "my-trader")
    setup = project.make("setup")
    assert setup.returncode == 0, setup.stderr
    git(project.path, "init", "--quiet", "--initial-branch=main")  # in the clone it is given none
    git(project.path, "add", "--all")
    git(project.path, "commit", "--quiet", "--message", "As generated")
    git(project.path, "tag", "generated")
    tools = desk / "tools"
    tools.mkdir()
    (tools / "cookiecutter").symlink_to(BIN / "cookiecutter")
    (tools / "pipx").write_text(PIPX, encoding="utf-8")
    (tools / "pipx").chmod(0o755)
    settings = desk / "settings"
    shutil.copytree(project.path / "secrets", settings / "secrets", symlinks=True)
    shutil.copy(project.path / ".env", settings)
    return Workshop(template, desk / "clone", project, tools, settings)


@pytest.fixture
def fresh(workshop: Workshop) -> Workshop:
    """The project as it was generated."""
    workshop.anew()
    return workshop


def called(guide: Guide) -> str:
    return f"template/{guide.page}" if guide.of_template else guide.page


def source(guide: Guide) -> str:
    """Return a page as the template has it."""
    return ((TEMPLATE if guide.of_template else PROJECT) / guide.page).read_text("utf-8")


CONTAINED = [
    guide
    for guide in GUIDES
    if any(in_containers(c, block) for block in shells(source(guide)) for c in block.commands)
]


@pytest.mark.parametrize("guide", GUIDES, ids=called)
def test_a_guide_can_be_followed(guide: Guide, fresh: Workshop, tmp_path: Path) -> None:
    environment = fresh.environment()
    if guide.trades:
        environment |= trading(fresh.project.path, tmp_path, environment, TOKEN)
    fresh.reader(guide, environment, contained=False).walk(blocks(fresh.text(guide)))


@needs_engine
@pytest.mark.parametrize("guide", CONTAINED, ids=called)
def test_a_guide_can_be_followed_in_containers(
    guide: Guide, fresh: Workshop, request: pytest.FixtureRequest
) -> None:
    stack = Stack(fresh.project.path, own_name("guides"))
    request.addfinalizer(stack.remove)
    stack.compose("build", "--quiet")
    if guide.stack:
        stack.compose("up", "--detach", "--wait")
    environment = fresh.environment() | {
        name: value for name, value in stack.environment.items() if name not in ("PATH", "PWD")
    }
    fresh.reader(guide, environment, contained=True).walk(blocks(fresh.text(guide)))
