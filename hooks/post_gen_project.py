"""Finish a bake: what cookiecutter cannot do by itself, and a word about what to do next.

cruft generates the project twice more at each update and stages what differs between the two. So
when cruft calls, nothing is made that git does not keep: no settings, no passwords, no repository.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

RENDERED = r"""{{ cookiecutter | tojson }}"""

ARCHIVED = "$Format:%H$"
"""The commit, where git made an archive of the template; see .gitattributes."""

PROJECT = "{" + "{cookiecutter.project_slug}" + "}"
"""The folder of the template that becomes the project; in pieces, or it would be rendered here."""
PACKAGE = "{" + "{cookiecutter.package_name}" + "}"

UNKNOWN = "unknown"
"""Stands for a commit that cannot be known: an update fails instead of finding nothing to do."""

KEPT = Path(".before-this-bake")
"""Where the hook before this one put what an overwriting bake must not touch."""

CACHES = frozenset({"__pycache__", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache"})

HERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
"""Variables of a git that called cookiecutter, which name another repository than this one."""


def git(*arguments: str, folder: Path | None = None) -> str | None:
    """Return what git says, or None if there is no git or it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in HERE}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def template_folder(given: str) -> Path | None:
    """Find the template's folder, which cookiecutter names as it was called."""
    called_from = [Path(f"/proc/{os.getppid()}/cwd"), Path(os.environ.get("PWD", "/"), given)]
    for folder in [Path(given)] if Path(given).is_absolute() else called_from:
        with contextlib.suppress(OSError):
            if (folder / PROJECT).is_dir():
                return folder.resolve()
    return None


# -- the files ----------------------------------------------------------------------------------


def files_of(template: Path) -> Iterator[Path]:
    """Yield the files of this project that the template has, less those whose name is a choice."""
    root = template / PROJECT
    package = json.loads(RENDERED)["package_name"]
    for folder, _, names in os.walk(root):
        for name in names:
            path = (Path(folder) / name).relative_to(root)
            made = Path(str(path).replace(PACKAGE, package))
            if made.is_file():
                yield made


def remove_caches(template: Path) -> None:
    """Remove what tools had left in the template's folder and cookiecutter copied."""
    for path in list(files_of(template)):
        for folder in path.parents:
            if folder.name in CACHES:
                shutil.rmtree(folder, ignore_errors=True)


def mend_line_ends(template: Path) -> None:
    """Give text its LF where the template's checkout has Windows line ends."""
    for path in files_of(template):
        text = path.read_bytes()
        if b"\r\n" in text and b"\0" not in text:
            path.write_bytes(text.replace(b"\r\n", b"\n"))


def choose_engine(engine: str) -> None:
    """Leave the room of the chosen engine, and its locks; the other one's go."""
    other = {"v1": "v2", "v2": "v1"}[engine]
    shutil.rmtree(Path("src", json.loads(RENDERED)["package_name"], "engine", other), True)
    own = Path("requirements", "v2")
    if engine == "v2":
        for path in own.iterdir():
            path.replace(own.parent / path.name)
        # The template's own line can be read by whoever looks for new versions of it.
        [pin] = re.findall(
            r"(?m)^nautilus_trader==\S+", Path("requirements/runtime.in").read_text()
        )
        project = Path("pyproject.toml")
        text = project.read_text(encoding="utf-8")
        project.write_text(re.sub(r"nautilus_trader==[^\"]+", pin, text), encoding="utf-8")
    shutil.rmtree(own, ignore_errors=True)


def put_back() -> None:
    """Put what is the user's back over what this bake wrote in its place."""
    if KEPT.is_dir():
        shutil.copytree(KEPT, Path.cwd(), dirs_exist_ok=True)
        shutil.rmtree(KEPT)


# -- what a project has beside its files ----------------------------------------------------------


def make_settings() -> None:
    """Call the project's own script; a project without settings is still a project."""
    try:
        subprocess.run(["sh", "scripts/make-settings"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(
            f".env and secrets/ were not made ({error}); `make setup` makes them.", file=sys.stderr
        )


def source_of(answers: Mapping[str, str], template: Path | None) -> dict[str, str | None]:
    """Return where the template is, its commit and its folder there, as far as can be known."""
    source = answers["_template"]
    if (
        template is None
        or git("ls-files", "--error-unmatch", "cookiecutter.json", folder=template) is None
    ):
        known = None if ARCHIVED.startswith("$") else ARCHIVED
        is_here = template is not None and answers["_repo_dir"] == source
        return {
            "template": str(template) if is_here else source,
            "commit": known,
            "directory": None,
        }
    if answers["_repo_dir"].startswith(source):  # a folder of this machine, not a clone
        source = git("rev-parse", "--show-toplevel", folder=template) or str(template)
    else:  # written in full here, whatever it was abbreviated to
        source = git("config", "--get", "remote.origin.url", folder=template) or source
    inside = git("rev-parse", "--show-prefix", folder=template)
    return {
        "template": re.sub(r"^(https?://)[^/@]*@", r"\1", source),  # without a password
        "commit": git("rev-parse", "HEAD", folder=template),
        "directory": inside.rstrip("/") if inside else None,
    }


def record(answers: Mapping[str, str], template: Path | None) -> None:
    """Write down what this project was made from, in the form that cruft reads."""
    source = source_of(answers, template)
    given = {name: value for name, value in answers.items() if not name.startswith("_")}
    state = {
        "template": source["template"],
        "commit": source["commit"] or UNKNOWN,
        "checkout": answers.get("_checkout"),
        "context": {"cookiecutter": {**given, "_template": source["template"]}},
        "directory": source["directory"],
    }
    text = json.dumps(state, indent=2, ensure_ascii=False)
    Path(".cruft.json").write_text(f"{text}\n", encoding="utf-8")


def make_repository() -> bool:
    """Make the folder a git repository, unless it lies in one; return whether it is one itself."""
    if git("rev-parse", "--is-inside-work-tree") is None:
        git("init", "--quiet", "--initial-branch=main")
    return git("rev-parse", "--show-prefix") == ""


def say_what_is_next(is_repository: bool) -> None:
    """Print the two commands that come first."""
    called_from = os.environ.get("PWD", "/")
    folder = Path(os.path.relpath(Path.cwd(), called_from))
    shown = folder if ".." not in folder.parts else Path.cwd()
    print(f"\n{Path.cwd().name} is made. What comes next:\n")
    print(f"  cd {shlex.quote(str(shown))}")
    if is_repository:
        print('  git add --all && git commit --message "As generated"')
    print("  make drill    # kills its node while it trades, and judges what comes back\n")
    print("README.md goes on from there; docs/updating.md says how a newer template comes in.")


def main() -> int:
    """Finish the project in the working directory; return the exit code."""
    answers = json.loads(RENDERED)
    template = template_folder(answers["_repo_dir"]) if "_repo_dir" in answers else None
    if template is not None:
        remove_caches(template)
        mend_line_ends(template)
    choose_engine(answers["engine"])
    put_back()
    if b"\r" in Path("scripts/make-settings").read_bytes():
        print(
            "The template was checked out with Windows line ends, which no shell reads: clone it "
            "anew, or call `git rm -r --cached . && git reset --hard` in its folder.",
            file=sys.stderr,
        )
        return 1
    if "_repo_dir" not in answers:  # cruft calls
        return 0
    make_settings()
    record(answers, template)
    say_what_is_next(make_repository())
    return 0


if __name__ == "__main__":
    sys.exit(main())
