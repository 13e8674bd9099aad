"""The verdict as JUnit XML: a test case for each check of a scenario, or for each crash point."""

from xml.etree import ElementTree

from recovery_drill.record.verdict import ScenarioVerdict
from recovery_drill.report.fill import printable
from recovery_drill.report.material import Material
from recovery_drill.report.said import spans


def junit(material: Material) -> str:
    """Return the document; an inconclusive scenario is an error, a broken promise a failure."""
    drilled = material.verdict.drilled
    of = f" of {drilled.name}" if drilled and drilled.name else ""
    root = ElementTree.Element("testsuites", name=f"recovery-drill{of}")
    if material.exploration:
        suite = ElementTree.SubElement(root, "testsuite", name="exploration")
        for case in material.verdict.scenarios:
            _crash_point(suite, case, material.replay(case))
    else:
        for scenario in material.verdict.scenarios:
            suite = ElementTree.SubElement(root, "testsuite", name=scenario.name)
            _scenario(suite, scenario, material.replay(scenario))
    for suite in root:
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for kind in ("failure", "error", "skipped"):
            name = "skipped" if kind == "skipped" else f"{kind}s"
            suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
    for element in root.iter():
        element.attrib.update({name: printable(text) for name, text in element.items()})
        element.text = printable(element.text) if element.text else None
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _scenario(suite: ElementTree.Element, scenario: ScenarioVerdict, replay: str) -> None:
    if scenario.outcome != "skipped":
        for check in scenario.checks:
            case = _case(suite, scenario.name, check.name)
            if check.left_out is not None:
                ElementTree.SubElement(case, "skipped", message=check.left_out)
            for said in spans(check.broken):
                failure = ElementTree.SubElement(case, "failure", message=said.sentence)
                failure.text = replay
    if scenario.reason:
        _reason(_case(suite, scenario.name, "conclusive"), scenario)


def _crash_point(suite: ElementTree.Element, scenario: ScenarioVerdict, replay: str) -> None:
    case = _case(suite, "exploration", scenario.name)
    if scenario.broken:
        said = [found.sentence for check in scenario.checks for found in spans(check.broken)]
        failure = ElementTree.SubElement(case, "failure", message=" ".join(said))
        failure.text = replay
    elif scenario.reason:
        _reason(case, scenario)


def _case(suite: ElementTree.Element, of: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=of, name=name)


def _reason(case: ElementTree.Element, scenario: ScenarioVerdict) -> None:
    kind = "skipped" if scenario.outcome == "skipped" else "error"
    ElementTree.SubElement(case, kind, message=scenario.reason)
