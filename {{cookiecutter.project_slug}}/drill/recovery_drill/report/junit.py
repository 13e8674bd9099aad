"""The verdict as JUnit XML: a test case for each check of each scenario."""

from xml.etree import ElementTree

from recovery_drill.verdict import Verdict


def junit(verdict: Verdict) -> str:
    """Return the document; an inconclusive scenario is an error, a broken promise a failure."""
    root = ElementTree.Element("testsuites", name="recovery-drill")
    for scenario in verdict.scenarios:
        suite = ElementTree.SubElement(root, "testsuite", name=scenario.name)
        for check in scenario.checks:
            case = ElementTree.SubElement(
                suite, "testcase", classname=scenario.name, name=check.name
            )
            if check.left_out is not None:
                ElementTree.SubElement(case, "skipped", message=check.left_out)
            for sentence in check.broken:
                ElementTree.SubElement(case, "failure", message=sentence)
        if scenario.outcome == "inconclusive":
            case = ElementTree.SubElement(
                suite, "testcase", classname=scenario.name, name="conclusive"
            )
            ElementTree.SubElement(case, "error", message=scenario.reason)
        cases = suite.findall("testcase")
        suite.set("tests", str(len(cases)))
        for kind in ("failure", "error", "skipped"):
            name = "skipped" if kind == "skipped" else f"{kind}s"
            suite.set(name, str(sum(case.find(kind) is not None for case in cases)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
