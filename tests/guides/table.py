"""How each guide is walked: what a reader puts in, and the commands that are not simply run.

Every command of a page is run as it stands, and has to end with 0. A `Way` says what is otherwise,
and why; one that fits no command of its page fails the test, and so does a stand-in that stands
nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a command is run that is not simply run.

    Parameters
    ----------
    reason
        Why, as a sentence.
    never
        It is not run at all.
    instead
        Run in its place.
    added
        Arguments that are added to it.
    until
        It runs until Ctrl-C: what it says before that is pressed.
    stays
        It is stopped at the end of the page only.
    code
        What it ends with.
    or_code
        What it may end with as well, for the market goes on.
    says
        What it says.
    hears
        What is typed when it asks.
    then
        Run after it, before the next one.
    """

    reason: str
    never: bool = False
    instead: str = ""
    added: str = ""
    until: str = ""
    stays: bool = False
    code: int = 0
    or_code: int = 0
    says: str = ""
    hears: str = ""
    then: str = ""


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A page, and how it is walked.

    Parameters
    ----------
    page
        Its name, in the project's folder, or in the template's.
    given
        What stands in the page for something of the reader's, and what this reader puts there.
    ways
        What is not simply run: by the command, as it stands in the page.
    of_template
        It is a page of the template itself.
    before
        What the reader has done before the page begins.
    afterwards
        What shows that the files of the page do what they should.
    trades
        A node trades on this machine, with the reader's settings, before the page begins.
    stack
        The same in containers.
    """

    page: str
    given: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, Way] = field(default_factory=dict)
    of_template: bool = False
    before: tuple[str, ...] = ()
    afterwards: tuple[str, ...] = ()
    trades: bool = False
    stack: bool = False


def shorter(added: str) -> Way:
    """Return the way of a play that would take minutes."""
    return Way(added=added, reason="It takes minutes: the same with less to play.")


NO_CLUSTER = Way(
    never=True,
    reason="There is no cluster; tests/template/test_kubernetes.py has the manifests.",
)
KUBECTL = "kubectl --namespace my-trader"
ONLY_READ = Way(
    added="--market nowhere.csv",
    code=2,
    says="There is no market file nowhere.csv.",
    reason="Minutes of what other pages play: whether its names and options are taken is tried, "
    "and nothing is played.",
)
CTRL_C = "It runs until Ctrl-C."
READY = '"event": "ready"'
ONE_POINT = "--bars 2 --once --only '^stage trading'"
TRADES_AGAIN = 'until my-trader state | grep -E "^node .* at (trading|degraded)"; do :; done'
NO_DRILL = "PYTEST_ADDOPTS='--deselect tests/test_recovery.py'"
SYSTEMD = Way(
    never=True, reason="Not every machine has systemd; tests/template looks at the units."
)
KILLED = Way(
    then="docker compose up --detach --wait",
    reason="The process that is killed is this one's container's; a reader looks again when it is "
    "back.",
)
CI_DRILLS = Way(
    instead="make --dry-run drill",
    reason="The job `drill` of .github/workflows/ci.yml runs it on every push.",
)
IN_A_STACK = (
    "HAProxy's image is not on every machine; where it is, tests/stack/test_high_availability.py "
    "does the same."
)

CHECKED_DEPLOY = Way(
    instead="make --dry-run check-deploy",
    reason="It installs ninety distributions; the job `check-deploy` runs it on every push.",
)

GUIDES = (
    Guide(
        page="README.md",
        of_template=True,
        given={
            "<this repository>": "{template}",
            "<its folder>": "template",
            "<path, git URL or zip of this repository>": "{template}",
        },
        ways={
            "make drill": CI_DRILLS,
            ".venv/bin/recovery-drill run kill-holding-position --node-command "
            '"{python} ../../tests/drill/nodes/stock_adapter.py my_trader"': Way(
                code=1, reason="This node has the bug that the page tells of."
            ),
            "cookiecutter <path, git URL or zip of this repository>": Way(
                hears="\n" * 20, reason="It asks nine questions; every answer is the default."
            ),
            "cd my-trader && make drill": Way(
                instead="cd my-trader && make --dry-run drill",
                reason="Its environment takes a minute more; the project's README.md drills.",
            ),
            ".venv/bin/recovery-drill explore": shorter(ONE_POINT),
        },
    ),
    Guide(
        page="README.md",
        given={
            "localhost:8080": "localhost:{node_port}",
            "localhost:8090": "localhost:{exchange_port}",
            "backups/FILE": '"$(ls -t backups/* | head -n 1)"',
        },
        ways={
            "make drill": shorter("kill-while-flat"),
            "make run": Way(until="node      trading", reason=CTRL_C),
            "docker compose logs --follow node": Way(until="trading", reason=CTRL_C),
            "docker compose exec node sh -c 'kill -9 -1'": KILLED,
            "make flatten": Way(hears="yes\n", reason="It asks before it closes anything."),
            "make drill-compose": shorter("container-process-kill"),
        },
    ),
    Guide(page="docs/archive.md"),
    Guide(page="docs/books.md", trades=True),
    Guide(page="docs/engine-v2.md"),
    Guide(page="docs/going-live.md"),
    Guide(
        page="docs/guide.md",
        trades=True,
        stack=True,
        given={"localhost:8080": "localhost:{node_port}"},
        ways={
            'make drill ARGS="store-kill"': ONLY_READ,
            "make drill": ONLY_READ,
            "make drill-explore": ONLY_READ,
            'make drill ARGS="--env STRATEGY_TRADES=grid"': ONLY_READ,
            "make run": Way(until="node      trading", reason=CTRL_C),
            "docker compose exec node sh -c 'kill -9 -1'": KILLED,
        },
    ),
    Guide(
        page="docs/halt-and-flatten.md",
        trades=True,
        given={"localhost:8080": "localhost:{node_port}", "$TOKEN": "{token}"},
        ways={
            'my-trader flatten --why "prices look wrong"': Way(
                hears="yes\n",
                then=f"timeout 60 sh -c '{TRADES_AGAIN}'",
                reason="It asks; and a node that gave way is back when its supervisor started it.",
            ),
        },
    ),
    Guide(
        page="docs/high-availability.md",
        ways={
            "make up": Way(
                instead="docker compose config --quiet",
                reason=IN_A_STACK,
            ),
            "docker compose kill --signal KILL store": Way(never=True, reason=IN_A_STACK),
            "docker compose up --detach --wait": Way(never=True, reason=IN_A_STACK),
            "docker compose exec store sh /etc/store/ask INFO replication": Way(
                never=True, reason=IN_A_STACK
            ),
            "docker compose exec sentinel-1 sh /etc/ha/ask-sentinel SENTINEL "
            "get-master-addr-by-name trader": Way(never=True, reason=IN_A_STACK),
            'make drill ARGS="store-failover store-failover-split store-failover-cut"': ONLY_READ,
            'make drill ARGS="store-failover-before-intent store-failover-after-intent '
            'store-failovers"': ONLY_READ,
        },
    ),
    Guide(
        page="docs/kubernetes.md",
        ways={
            **{
                f"{KUBECTL} {command}": NO_CLUSTER
                for command in (
                    "rollout status deployment/node",
                    "port-forward service/node 8080:8080",
                    "logs --follow deployment/node",
                    "exec deployment/node -- my-trader doctor",
                    'exec deployment/node -- my-trader halt --why "…" --who me',
                    "exec store-0 -- sh /etc/store/ask --rdb - >store.rdb",
                    "exec --stdin store-0 -- sh -c 'exec \"$STORE_SERVER-check-rdb\" /dev/stdin' "
                    "<store.rdb",
                    'exec deployment/node -- python -c "import socket; '
                    "socket.create_connection(('1.1.1.1', 80), 5)\"",
                    "rollout restart deployment/node",
                    "rollout restart statefulset/store",
                    "scale deployment/node --replicas=0",
                )
            },
            "kubectl apply --filename manifests.yaml": NO_CLUSTER,
            "make manifests OVERLAY=simulated >manifests.yaml": Way(
                instead="if command -v kubectl; then make manifests OVERLAY=simulated "
                ">manifests.yaml; else touch manifests.yaml; fi",
                reason="Not every machine has kubectl.",
            ),
            "make check-deploy": CHECKED_DEPLOY,
        },
    ),
    Guide(
        page="docs/monitoring.md",
        trades=True,
        stack=True,
        given={"localhost:8080": "localhost:{node_port}"},
        ways={
            "make up": Way(
                instead="PROMETHEUS_PORT=0 ALERTMANAGER_PORT=0 docker compose up --detach "
                "prometheus alertmanager store-metrics",
                reason="Grafana's image is not on every machine, and the ports may be taken.",
            ),
        },
    ),
    Guide(
        page="docs/moving-house.md",
        stack=True,
        given={
            "localhost:8090": "localhost:{exchange_port}",
            "away/FILE": '"$(ls -t away/* | head -n 1)"',
            "backups/FILE": '"$(ls -t backups/* | head -n 1)"',
            "backups/COMMANDS": '"$(ls -t backups/*.aof* | head -n 1)"',
        },
        ways={
            "sudo cp deploy/backup/trader-backup@.* /etc/systemd/system/": SYSTEMD,
            'sudo systemctl enable --now "trader-backup@$(systemd-escape --path "$PWD").timer"': (
                SYSTEMD
            ),
        },
    ),
    Guide(
        page="docs/notifications.md",
        ways={
            "my-trader notify --test": Way(
                code=78, reason="Whoever walks here has named no service."
            ),
        },
    ),
    Guide(
        page="docs/one-owner.md",
        trades=True,
        given={"8081": "{port}"},
        ways={
            "TRADER_HTTP_PORT=8081 my-trader run --standby": Way(
                until='"stage": "lease"', reason="It waits for as long as the other node trades."
            ),
            'make drill ARGS="two-nodes kill-beside-standby pause-beside-standby '
            'pause-in-flight-beside-standby"': ONLY_READ,
        },
    ),
    Guide(
        page="docs/recovery.md",
        stack=True,
        ways={
            **{
                f"docker compose run --rm --no-deps node {command}": Way(
                    or_code=70, reason="A stop may fill while no node runs: that is a difference."
                )
                for command in ("state", "doctor")
            },
            'make drill ARGS="trade-through --bars 500 --kills 10"': ONLY_READ,
            'make drill ARGS="trade-through --market bars.csv.gz"': shorter("--bars 6 --kills 1"),
            'make drill ARGS="--seed 3"': ONLY_READ,
            'make drill ARGS="store-kill host-kill two-nodes"': ONLY_READ,
            "make drill-explore": ONLY_READ,
        },
    ),
    Guide(
        page="docs/runbook.md",
        trades=True,
        stack=True,
        given={"localhost:8080": "localhost:{node_port}"},
        ways={
            "timedatectl": Way(never=True, reason="Not every machine has systemd."),
            "curl -s localhost:9090/-/healthy": Way(
                never=True,
                reason="This stack is not watched; tests/stack/test_monitoring.py has one that is.",
            ),
        },
    ),
    Guide(
        page="docs/status-page.md",
        trades=True,
        given={"localhost:8080": "localhost:{node_port}"},
    ),
    Guide(
        page="docs/supply-chain.md",
        ways={
            "make audit": Way(
                never=True,
                reason="It asks the internet; tests/template/test_supply_chain.py has who answers.",
            ),
            "make pin-images": Way(
                never=True,
                reason="It asks registries; tests/template/test_supply_chain.py has its own.",
            ),
            "make check-deploy": CHECKED_DEPLOY,
        },
    ),
    Guide(
        page="docs/updating.md",
        before=("git checkout --quiet --orphan first-$$",),
        afterwards=("pipx run cruft check",),
        ways={
            "pipx run cruft diff": Way(
                then='date >>"$TEMPLATE"/*project_slug*/docs/one-owner.md && '
                'git -C "$TEMPLATE" commit --quiet --all --message Newer',
                reason="A newer template is there now.",
            ),
            "make check test": Way(
                instead=f"SKIP=mypy {NO_DRILL} make check test",
                reason="Types and drill take minutes, and other pages show them.",
            ),
        },
    ),
    Guide(
        page="docs/event-driven.md",
        ways={"make drill": shorter("kill-holding-position")},
    ),
    Guide(
        page="docs/your-strategy.md",
        ways={
            "make drill": shorter("kill-holding-position"),
            "make test": Way(
                instead=f"{NO_DRILL} make test",
                reason="The drill under pytest takes minutes, and is played above.",
            ),
        },
    ),
    Guide(
        page="drill/README.md",
        given={
            "runs/latest/CASE": '"$(ls -d runs/latest/*/ | head -n 1)"',
            "--project-name NAME": "--project-name drill-of-nobody",
        },
        afterwards=("pytest tests/test_recovery.py -k kill-while-flat",),
        ways={
            "pip install -e drill": Way(
                added="--no-deps --no-build-isolation --no-index",
                reason="It asks a registry for what builds it, and for what it needs.",
            ),
            "recovery-drill init": Way(
                code=2,
                says="has a table [tool.recovery-drill] already",
                reason="It is for a repository without a policy; a generated one has its own.",
            ),
            "pip install ./drill": Way(
                added="--no-deps --no-build-isolation --no-index",
                reason="It asks a registry for what builds it, and for what it needs.",
            ),
            "recovery-drill random": ONLY_READ,
            "recovery-drill soak --hours 8": ONLY_READ,
            "recovery-drill run": shorter("kill-while-flat"),
            "recovery-drill run store-kill two-nodes": ONLY_READ,
            "recovery-drill run trade-through --market bars.csv": shorter("--bars 6 --kills 1"),
            "recovery-drill explore": ONLY_READ,
            "recovery-drill replay runs/latest/CASE --times 10": Way(
                added="--times 1 --market bars.csv",
                reason="Once is enough here, and what was played last was played on these bars.",
            ),
            "recovery-drill run --runtime compose": shorter("container-process-kill"),
            "recovery-drill stack": Way(until="node      trading", reason=CTRL_C),
            "recovery-drill explore --only 'RPUSHX orders OrderFilled|RPUSH positions'": ONLY_READ,
            "recovery-drill explore --each 3": ONLY_READ,
            "recovery-drill run --env STRATEGY_TRADES=grid": ONLY_READ,
            "recovery-drill run --env 'STRATEGY_TRADES=ema_cross grid@ETHUSDT' --symbol BTCUSDT "
            "--symbol ETHUSDT": ONLY_READ,
            "recovery-drill explore --bars 60 --seed 3 --once": ONLY_READ,
        },
    ),
    Guide(
        page="drill/random.md",
        ways={
            "recovery-drill random": shorter("--seed 7 --runs 1"),
            "recovery-drill random --seed 5 --runs 40": ONLY_READ,
            "recovery-drill random --minutes 30 --jobs 2": ONLY_READ,
            "recovery-drill replay runs/latest/smallest --times 10": Way(
                code=2,
                says="is not the folder of a drill",
                reason="Nothing has failed that could be replayed.",
            ),
            "recovery-drill soak --hours 8": ONLY_READ,
        },
    ),
    Guide(
        page="drill/exchange.md",
        given={"8080": "{port}"},
        ways={
            "simulated-exchange --port 8080 --speed 60": Way(
                until=READY, stays=True, reason="The page trades on it."
            ),
            "simulated-exchange --stepped --symbol BTCUSDT --symbol ETHUSDT --regime crash": Way(
                until=READY, reason=CTRL_C
            ),
            "simulated-exchange --market bars.csv --speed 600": Way(until=READY, reason=CTRL_C),
            "simulated-exchange --state exchange/": Way(until=READY, reason=CTRL_C),
            "simulated-exchange --speed 600 --funding drawn": Way(until=READY, reason=CTRL_C),
        },
    ),
)
