"""The table of the guides fits the pages: nothing in it is of a page of long ago."""

import re

import pytest

from baking import TEMPLATE, BakedProject
from guides.blocks import blocks, looks_like_a_command
from guides.table import GUIDES, Guide

NO_GUIDES = {
    "CHANGELOG.md": "tells what was",
    "SECURITY.md": "says where to report",
    "drill/contract.md": "shows what is said, and has no commands",
}


def called(guide: Guide) -> str:
    return f"template/{guide.page}" if guide.of_template else guide.page


def text(guide: Guide, project: BakedProject) -> str:
    return (
        (TEMPLATE / guide.page).read_text("utf-8")
        if guide.of_template
        else project.read(guide.page)
    )


def test_every_page_is_walked(baked_project: BakedProject) -> None:
    pages = {name for name in baked_project.files() if name.endswith(".md")}
    rows = [guide.page for guide in GUIDES if not guide.of_template]
    assert {*rows, *NO_GUIDES} == pages
    assert len({called(guide) for guide in GUIDES}) == len(GUIDES)


@pytest.mark.parametrize("guide", GUIDES, ids=called)
def test_every_row_of_the_table_is_of_a_command_that_is_there(
    guide: Guide, baked_project: BakedProject
) -> None:
    found = blocks(text(guide, baked_project))
    commands = {command for block in found if block.language == "sh" for command in block.commands}
    for command, way in guide.ways.items():
        assert command in commands, f"{guide.page} has no command {command!r} any more."
        assert way.reason.endswith("."), f"{command!r} has no reason: {way.reason!r}"
    for name in guide.given:
        there = any(name in block.text for block in found)
        assert there, f"{guide.page} has no {name!r} any more."


@pytest.mark.parametrize("guide", GUIDES, ids=called)
def test_no_command_is_shown_as_output(guide: Guide, baked_project: BakedProject) -> None:
    """What stands in a `text` block is run by nobody."""
    for block in blocks(text(guide, baked_project)):
        for line in block.text.splitlines() if block.language == "text" else ():
            seen = looks_like_a_command(line, baked_project.path.name)
            assert not seen, f"{guide.page}, line {block.line}: {line!r} is a command: say `sh`."


@pytest.mark.parametrize("guide", GUIDES, ids=called)
def test_every_target_of_make_that_a_page_names_is_there(
    guide: Guide, baked_project: BakedProject
) -> None:
    """Those in the sentences, too, which nobody runs."""
    makefiles = baked_project.read("Makefile")
    if guide.of_template:
        makefiles += (TEMPLATE / "Makefile").read_text("utf-8")
    targets = {*re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE)}
    for said in re.findall(r"`make ([a-z][a-z -]*)", text(guide, baked_project)):
        missing = {*said.split()} - targets
        assert not missing, f"{guide.page}: `make {said}`: there is no target {missing}."
