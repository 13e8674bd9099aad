"""What is deployed for monitoring: rules, routes, dashboard and runbook fit the node."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import BakedProject
from engine import needs_engine
from node.baked import module
from node.prometheus import images

FOLDER = "deploy/monitoring"
METRIC = re.compile(r"\b((?:trader|redis|process)_[a-z_]+)\b")
STORE_S_OWN = {
    "redis_up",
    "redis_memory_used_bytes",
    "redis_memory_max_bytes",
    "redis_aof_last_write_status",
    "redis_connected_slaves",
    "redis_rdb_last_bgsave_status",
}
"""What the exporter tells; a test of the stack asks it for them."""


@dataclass(frozen=True)
class Deployed:
    """The files of one bake."""

    project: BakedProject

    def read(self, name: str) -> Any:
        return yaml.safe_load(self.project.read(f"{FOLDER}/{name}"))

    @property
    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.read("rules.yml")["groups"] for rule in group["rules"]]


@pytest.fixture(scope="session")
def deployed(baked_project: BakedProject) -> Deployed:
    return Deployed(baked_project)


def anchors(text: str) -> dict[str, str]:
    """Return the sections of a page by their anchors."""
    parts = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    names = (re.sub(r"[^a-z0-9 -]", "", name.lower()).replace(" ", "-") for name in parts[1::2])
    return dict(zip(names, parts[2::2], strict=True))


def told_by_the_node() -> set[str]:
    """Return the names of every sample of a node that has something to tell of everything."""
    snapshot, samples = module("face.metrics.snapshot"), module("face.metrics.samples")
    tally = module("face.metrics.tally")
    counted = tally.Tally({"1abcdefg": ("A", "BTCUSDT")})
    told = snapshot.Snapshot(
        version="1",
        stage="trading",
        stages=["trading"],
        started=0.0,
        start_stages={"load": 1.0},
        start_seconds=1.0,
        lines=[snapshot.Line("A", "BTCUSDT", 60.0, 1.0)],
        orders=counted.orders,
        fills=counted.fills,
        refusals={("A", "BTCUSDT", "limit"): 1},
        round_trips=counted.round_trips,
        conditions=[snapshot.Wrong("store", "", True, 1.0)],
        lease=snapshot.LeaseFacts(1, 1.0),
        clock=snapshot.ClockFacts(0.0, 0.0, 0.0),
        store=snapshot.StoreFacts(0.0, 0.0),
        day=snapshot.DayFacts(1, 1, {"USDT": 1}, 1, 1),
    )
    return {sample.name for family in samples.families(told) for sample in family.samples}


# -- What rules and dashboard ask for ------------------------------------------------------------


def asked_for(expressions: list[str]) -> set[str]:
    return {name for each in expressions for name in METRIC.findall(re.sub(r'"[^"]*"', "", each))}


def unknown(expressions: list[str]) -> set[str]:
    """Return what is asked for and nobody tells."""
    own = {name for name in asked_for(expressions) if not name.startswith("process_")}
    return own - told_by_the_node() - STORE_S_OWN


def test_rules_ask_for_what_is_told(deployed: Deployed) -> None:
    assert unknown([rule["expr"] for rule in deployed.rules]) == set()


def test_the_dashboard_asks_for_what_is_told(deployed: Deployed) -> None:
    board = json.loads(deployed.project.read(f"{FOLDER}/grafana/trader.json"))
    panels = board["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    expressions += [each["expr"] for each in board["annotations"]["list"]]
    assert unknown(expressions) == set()
    assert len({panel["id"] for panel in panels}) == len(panels)
    source = deployed.read("grafana/datasource.yml")["datasources"][0]["uid"]
    for panel in panels:
        assert panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
    assert not overlapping(panels)


def overlapping(panels: list[dict[str, Any]]) -> list[str]:
    """Return the titles of panels that share a place."""
    taken: dict[tuple[int, int], str] = {}
    found = []
    for panel in panels:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                if taken.setdefault((x, y), panel["title"]) != panel["title"]:
                    found.append(panel["title"])
    return found


def test_a_metric_that_nobody_tells_is_noticed() -> None:
    assert unknown(["trader_position > 1", "sum(trader_wealth)"]) == {"trader_wealth"}


def test_every_metric_has_its_line_in_the_docs(deployed: Deployed) -> None:
    text = deployed.project.read("docs/monitoring.md")
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in told_by_the_node()}
    short = {"trader_clock_doubt_seconds", "trader_clock_age_seconds"}
    limits = {"trader_day_loss_limit_usd", "trader_day_commission_limit_usd"}
    assert {name for name in families if name not in text} <= short | limits


# -- The runbook -----------------------------------------------------------------------------------


def test_every_alert_has_its_lines_in_the_runbook(deployed: Deployed) -> None:
    book = anchors(deployed.project.read("docs/runbook.md"))
    for rule in deployed.rules:
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbook.md"
        assert anchor == rule["alert"].lower()
        assert "```sh\n" in book[anchor], f"{rule['alert']} has no command that shows it"
        assert rule["labels"]["severity"] in ("critical", "warning", "info", "none")
        assert rule["annotations"]["summary"].endswith(".")


def test_the_runbook_has_no_alert_that_there_is_not(deployed: Deployed) -> None:
    text = deployed.project.read("docs/runbook.md").partition("## Alerts")[2]
    told = re.findall(r"^### (\S+)$", text.partition("## Exit codes")[0], flags=re.MULTILINE)
    assert sorted(told) == sorted(rule["alert"] for rule in deployed.rules)


def test_every_exit_code_has_its_lines_in_the_runbook(deployed: Deployed) -> None:
    book = anchors(deployed.project.read("docs/runbook.md"))
    for code in module("exit_codes").ExitCode:
        assert str(int(code)) in book, f"{code!r} is not in the runbook"


def test_every_condition_has_its_line_in_the_runbook(deployed: Deployed) -> None:
    """The names are written where they are begun; the table of the alert lists them."""
    told = set(re.findall(r"^\| (`.+?`) \|", section(deployed, "tradercondition"), re.MULTILINE))
    names = set(re.findall(r"`([a-z ]+)`", " ".join(told)))
    about = {each.value for each in module("life.around").About}
    own = {
        module("guards.lease.guard").CONDITION,
        module("guards.clock_watch").NAME,
        module("guards.account_watch").NAME,
        module("guards.limit_book").NAME,
        module("guards.store_watch").CONDITION,
        module("life.ending").CONDITION,
        module("life.hearing").UNCLEAR,
        "symbol",
    }
    assert names == about | own


def section(deployed: Deployed, anchor: str) -> str:
    return anchors(deployed.project.read("docs/runbook.md"))[anchor]


# -- Prometheus' and Alertmanager's own checks -----------------------------------------------------


def checked(deployed: Deployed, service: str, program: str, *arguments: str) -> str:
    """Run a program of a deployed image on the deployed files; return what it said."""
    folder = deployed.project.path / FOLDER
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    done = subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "none", "--volume", f"{folder}:/asked:ro"),
            *("--workdir", "/asked", "--entrypoint", program),
            images(deployed.project.path)[service],
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_engine
def test_rules_begin_when_they_should(deployed: Deployed) -> None:
    checked(deployed, "prometheus", "promtool", "check", "rules", "--lint-fatal", "rules.yml")
    checked(deployed, "prometheus", "promtool", "test", "rules", "rules_test.yml")


def test_every_alert_has_a_unit_test(deployed: Deployed) -> None:
    text = deployed.project.read(f"{FOLDER}/rules_test.yml")
    assert {rule["alert"] for rule in deployed.rules if rule["alert"] not in text} == set()


@needs_engine
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=Watchdog", "severity=none"), "dead-mans-switch"),
        (("alertname=TraderNaked", "severity=critical"), "people"),
        (("alertname=TraderClock", "severity=warning"), "people"),
        (("alertname=TraderHalted", "severity=info"), "people"),
    ],
)
def test_alerts_go_where_they_should(
    deployed: Deployed, labels: tuple[str, ...], receiver: str
) -> None:
    checked(deployed, "alertmanager", "amtool", "check-config", "alertmanager.yml")
    route = ("config", "routes", "test", "--config.file=alertmanager.yml")
    assert checked(deployed, "alertmanager", "amtool", *route, *labels).strip() == receiver


def test_it_is_off_until_it_is_asked_for(deployed: Deployed) -> None:
    services = yaml.safe_load(deployed.project.read("compose.yaml"))["services"]
    names = {"prometheus", "alertmanager", "store-metrics", "grafana"}
    assert {n for n, s in services.items() if s.get("profiles") == ["monitoring"]} == names
    assert "COMPOSE_PROFILES=simulated\n" in deployed.project.read(".env")
    for name in names:
        for port in services[name].get("ports", ()):
            assert port.startswith("127.0.0.1:")
    # The node needs none of them.
    for name in set(services) - names:
        assert not names & set(services[name].get("depends_on", ()))


def test_the_dashboards_of_grafana_are_where_it_looks(deployed: Deployed) -> None:
    services = yaml.safe_load(deployed.project.read("compose.yaml"))["services"]
    places = dict(v.removesuffix(":ro").split(":", 1) for v in services["grafana"]["volumes"])
    for place in places:
        if place.startswith("./"):
            assert (deployed.project.path / place).is_file(), place
    folder = deployed.read("grafana/dashboards.yml")["providers"][0]["options"]["path"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert places["./deploy/monitoring/grafana/trader.json"] == home
    assert Path(home).parent == Path(folder)
