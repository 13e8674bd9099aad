"""The whole drill: real node, exchange and store processes, real kills."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from baking import BakedProject, bake
from drill.drilled import NODES, Drilled
from processes import Process
from recovery_drill.checks import CHECKS

SECONDS = 30.0

FIVE = [
    "kill-while-flat",
    "kill-holding-position",
    "kill-then-stop-fills",
    "kill-with-order-in-flight",
    "kill-and-lose-store",
]


@pytest.fixture(scope="module")
def five(baked_project: BakedProject, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    """The five scenarios, played once."""
    return Drilled(baked_project, tmp_path_factory.mktemp("five"))


def test_the_five_scenarios_hold(five: Drilled) -> None:
    assert five.ended.returncode == 0, five.output
    assert five.verdict["outcome"] == "held"
    assert [s["name"] for s in five.verdict["scenarios"]] == FIVE
    for scenario in five.verdict["scenarios"]:
        kills = 2 if scenario["name"] == "kill-holding-position" else 1
        assert (scenario["outcome"], scenario["kills"]) == ("held", kills)
        assert scenario["fills"] > 0
        looked = {check["name"] for check in scenario["checks"] if check["evaluated"]}
        assert {name for name, check in CHECKS.items() if check.always} <= looked
    last = five.ended.stdout.strip().splitlines()[-1]
    assert last.startswith("Verdict: held. Drilled: EMA001 on BTCUSDT (1m bars). Report: ")
    assert Path(last.rsplit(" ", 1)[-1]).is_file()


def test_every_kill_is_proven_by_signal_nine(five: Drilled) -> None:
    for name in FIVE:
        *killed, last = five.history(name, "node.ended")
        assert {(end["how"], end["code"]) for end in killed} == {("killed", -9)}
        assert (last["how"], last["code"]) == ("stopped", 0)


def test_each_scenario_did_what_it_is_named_for(five: Drilled) -> None:
    def fills_while_dead(name: str) -> list[str]:
        lines = (five.folder / name / "history.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        died = next(r["mono_ns"] for r in records if r["kind"] == "node.ended")
        back = [r["mono_ns"] for r in records if r["kind"] == "node.started"][1]
        fills = five.journal(name, "order.filled")
        return [
            f["data"]["client_order_id"].split("-")[-1][0]
            for f in fills
            if died < f["mono_ns"] < back
        ]

    assert fills_while_dead("kill-then-stop-fills") == ["S"]
    assert fills_while_dead("kill-while-flat") == []

    (fired,) = five.history("kill-with-order-in-flight", "gate.fired")
    assert fired["match"] == {"leg": "entry"}
    life = five.history("kill-with-order-in-flight", "node.started")[0]
    assert life["number"] == 1

    data = five.folder / "kill-and-lose-store" / "store" / "store.log"
    assert data.read_text(errors="replace").count("Server initialized") == 2


def test_a_run_leaves_what_the_contract_names(five: Drilled) -> None:
    names = {path.name for path in five.folder.iterdir()}
    assert names == {
        *FIVE,
        "schedule.json",
        "verdict.json",
        "report.html",
        "summary.md",
        "junit.xml",
    }
    for name in FIVE:
        left = {path.name for path in (five.folder / name).iterdir()}
        expected = {"history.jsonl", "exchange.jsonl", "store.jsonl", "node-1.log", "node-2.log"}
        assert expected | {"store", "schedule.json", "undisturbed", "timeline.svg"} <= left
        undisturbed = {path.name for path in (five.folder / name / "undisturbed").iterdir()}
        assert "node-1.log" in undisturbed
        assert "node-2.log" not in undisturbed
    junit = ElementTree.parse(five.folder / "junit.xml").getroot()  # noqa: S314  # our own file
    assert [suite.get("name") for suite in junit] == FIVE
    assert all(suite.get("tests") == str(len(CHECKS)) for suite in junit)
    page = (five.folder / "report.html").read_text()
    assert (
        page.count('aria-label="the node&#39;s lives, price, orders and position over time"') == 5
    )
    assert page.count('class="badge kill" cx=') == 6
    assert "| kill-while-flat | held | 1 |" in (five.folder / "summary.md").read_text()


def test_an_old_folder_is_judged_again_with_the_same_verdict(
    baked_project: BakedProject, five: Drilled
) -> None:
    before = five.verdict
    again = baked_project.run(*(sys.executable, "-m", "recovery_drill", "check", str(five.folder)))
    assert again.returncode == 0, again.stdout + again.stderr
    assert five.verdict == before


def test_an_old_folder_that_was_tampered_with_is_judged_broken(
    baked_project: BakedProject, five: Drilled, tmp_path: Path
) -> None:
    copy = tmp_path / "run"
    subprocess.run(["cp", "-rL", five.folder, copy], check=True)
    history = copy / "kill-holding-position" / "history.jsonl"
    spoiled = history.read_text().replace('"code":-9,"how":"killed"', '"code":1,"how":"by itself"')
    history.write_text(spoiled)
    again = baked_project.run(*(sys.executable, "-m", "recovery_drill", "check", str(copy)))
    assert again.returncode == 1
    assert "broke no-zombie: Life 1 of the node ended by itself with code 1" in again.stdout


def test_one_seed_gives_one_ledger(
    baked_project: BakedProject, five: Drilled, tmp_path: Path
) -> None:
    again = Drilled(baked_project, tmp_path, *FIVE)
    assert again.ended.returncode == 0, again.output
    for name in FIVE:
        assert again.ledger(name) == five.ledger(name), name
        assert len(again.ledger(name)) > 10


def test_another_seed_gives_another_ledger(
    baked_project: BakedProject, five: Drilled, tmp_path: Path
) -> None:
    other = Drilled(baked_project, tmp_path, "kill-holding-position", "--seed", "11")
    assert other.ended.returncode == 0, other.output
    assert other.ledger("kill-holding-position") != five.ledger("kill-holding-position")


def test_the_stock_adapter_loses_the_position(baked_project: BakedProject, tmp_path: Path) -> None:
    """The negative control; seen against the simulated exchange only, not against a real one."""
    node = f"{{python}} {NODES / 'stock_adapter.py'} {baked_project.package}"
    stock = Drilled(baked_project, tmp_path, "kill-holding-position", "--node-command", node)
    assert stock.ended.returncode == 1, stock.output
    broken = stock.broken("kill-holding-position")
    (sentence,) = broken["position-equals-exchange"]
    assert sentence.startswith("The node holds 0 BTCUSDT after restart 1, but the exchange holds ")
    assert "which the exchange never made" in broken["fills-exactly-once"][0]
    assert "broke position-equals-exchange: The node holds 0 BTCUSDT" in stock.ended.stdout
    assert "with the kills it was" in broken["equals-undisturbed"][0]


def test_a_zombie_is_found(tmp_path: Path) -> None:
    project = bake(tmp_path)
    policy = project.path / "pyproject.toml"
    policy.write_text(
        project.read("pyproject.toml").replace("start_seconds = 60", "start_seconds = 2")
    )
    node = f"{{python}} {NODES / 'zombie.py'}"
    zombie = Drilled(project, tmp_path / "runs", "kill-while-flat", "--node-command", node)
    assert zombie.ended.returncode == 1, zombie.output
    said = zombie.broken("kill-while-flat")
    assert list(said) == ["no-zombie"]
    never, late = said["no-zombie"]
    assert never == "Life 1 of the node never traded: it was last in connect."
    # A machine that is slow is given longer.
    late = re.sub(r"within [\d.]+ s", "within 2 s", late)
    assert late == (
        "The node did not come to rest: the node did not reach trading within 2 s of its start."
    )


def test_an_undisturbed_play_in_which_the_node_was_degraded_is_played_again(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    node = f"{{python}} {NODES / 'degraded_once.py'} {said} {baked_project.package}"
    drilled = Drilled(baked_project, tmp_path / "runs", "kill-while-flat", "--node-command", node)
    assert drilled.ended.returncode == 0, drilled.output

    def stages(folder: str) -> list[str]:
        found = drilled.history(f"kill-while-flat/{folder}", "node.stage")
        return [data["stage"] for data in found]

    assert said.exists()
    assert "degraded" in stages("undisturbed-attempt-1")
    assert "degraded" not in stages("undisturbed")
    assert stages("undisturbed")[-1] == "stopping"


def test_an_exchange_that_dies_is_not_charged_to_the_node(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    mortal = f"{sys.executable} {NODES / 'mortal_exchange.py'}"
    drilled = Drilled(baked_project, tmp_path, "kill-while-flat", "--exchange-command", mortal)
    assert drilled.ended.returncode == 3, drilled.output
    (scenario,) = drilled.verdict["scenarios"]
    assert "exchange" in scenario["reason"]
    assert (drilled.folder / "kill-while-flat-attempt-1").is_dir()
    assert re.search("tried twice|the first was inconclusive", drilled.ended.stdout)


def test_a_node_that_cannot_start_is_no_verdict(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    ended = Drilled(baked_project, tmp_path, "kill-while-flat", "--node-command", "false")
    assert ended.ended.returncode == 3
    (scenario,) = ended.verdict["scenarios"]
    assert (scenario["outcome"], scenario["attempts"]) == ("inconclusive", 2)
    assert "the node ended with code 1 before it traded" in scenario["reason"]


def test_recorded_bars_are_traded_with_kills_between(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    bars = os.environ.get("RECORDED_BARS")
    if bars is None:
        pytest.skip("RECORDED_BARS does not name a file of recorded bars")
    arguments = ("trade-through", "--market", bars, "--bars", "500", "--kills", "4")
    drilled = Drilled(baked_project, tmp_path, *arguments)
    assert drilled.ended.returncode == 0, drilled.output
    (scenario,) = drilled.verdict["scenarios"]
    assert (scenario["outcome"], scenario["kills"]) == ("held", 4)
    assert scenario["fills"] >= 20
    assert len(drilled.history("trade-through", "bar.stepped")) == 500
    assert not drilled.broken("trade-through")


def test_a_given_store_is_used_and_left_clean(baked_project: BakedProject, tmp_path: Path) -> None:
    store_folder = tmp_path / "store"
    store_folder.mkdir()
    script = (
        "import asyncio, json, sys; from pathlib import Path\n"
        "from recovery_drill.store.server import *\n"
        "async def main():\n"
        "    store = EmbeddedStore(Path(sys.argv[1])); await store.start()\n"
        "    print(json.dumps({'url': store.url}), flush=True); await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script, str(store_folder)]
    url = Process(command, inherits=baked_project.environment).next_line(SECONDS)["url"]
    drilled = Drilled(baked_project, tmp_path / "runs", "kill-and-lose-store", "--store", url)
    assert drilled.ended.returncode == 0, drilled.output
    written = (store_folder / "data").rglob("*.aof")
    assert any(b"trader-DRILL" in path.read_bytes() for path in written)
    keys = "import redis, sys; print(redis.Redis.from_url(sys.argv[1]).keys())"
    left = baked_project.run(sys.executable, "-c", keys, url)
    assert left.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("no-such-scenario",), "There is no scenario no-such-scenario"),
        (("--store", "redis://127.0.0.1:1"), "The store at redis://127.0.0.1:1 does not answer"),
        (("--market", "nowhere.csv"), "There is no market file nowhere.csv."),
        (("--market", "README.md"), "README.md is no file of bars"),
        (("--jobs", "0"), "--jobs must be 1 or more."),
        (("--kills", "9"), "--kills belongs to trade-through: name that scenario with it."),
        (("trade-through", "--bars", "4"), "trade-through needs more --bars than --kills."),
        (("kill-while-flat", "--all"), "Name scenarios, or say --all, not both."),
        (("--project", "src"), "There is no pyproject.toml in"),
        (("--node-command", "no-such-program"), "The command of the node cannot be started"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_two(
    baked_project: BakedProject, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    refused = Drilled(baked_project, tmp_path, *arguments)
    assert refused.ended.returncode == 2
    assert list(tmp_path.iterdir()) == [], "a refused run leaves nothing"
    assert sentence in refused.ended.stderr
    assert len(refused.ended.stderr.strip().splitlines()) == 1


def test_an_exchange_that_cannot_start_is_no_verdict(
    baked_project: BakedProject, tmp_path: Path
) -> None:
    refused = Drilled(baked_project, tmp_path, "--exchange-command", "false")
    assert refused.ended.returncode == 3
    (sentence,) = refused.ended.stderr.strip().splitlines()
    assert "nothing could be judged: The exchange did not become ready" in sentence
    assert list(tmp_path.iterdir()) == []


def trades(folder: Path) -> bool:
    """Say whether the exchange of a drill has filled an order."""
    return any("order.filled" in path.read_text() for path in folder.rglob("exchange.jsonl"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_leaves_no_process(
    baked_project: BakedProject, tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "recovery_drill", "run", "--folder", str(tmp_path)]
    drill = Process(command, baked_project.path, inherits=baked_project.environment)
    drill.until_seen(lambda: trades(tmp_path), SECONDS)
    started = drill.children()
    assert len(started) >= 3
    assert drill.stop(number, SECONDS) == 3
    interrupted = "recovery-drill: interrupted; every process it started has been ended."
    assert drill.errors().strip() == interrupted
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
