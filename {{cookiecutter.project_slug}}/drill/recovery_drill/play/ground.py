"""On what ground cases are played: the project, its market, its store, and where they run."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from recovery_drill.proc.spawn import Spawn, start_cold
from recovery_drill.record.machine import Machine, scaled
from recovery_drill.record.policy import Policy
from recovery_drill.record.schedule import RuntimeName, Starts
from recovery_drill.runtimes.containers.runtime import Containers
from recovery_drill.runtimes.processes import Processes
from recovery_drill.runtimes.protocol import Runtime


@dataclass(frozen=True)
class Ground:
    """Where and against what cases are played.

    Parameters
    ----------
    policy : Policy
        What the drilled project promises.
    project : Path
        Its folder.
    exchange_command : tuple[str, ...]
        The exchange's command line, without the arguments that the drill adds.
    seed : int
        Of the market; decides everything that happens there.
    epoch : int or None
        Where market time begins (ms); None leaves it to the exchange.
    market : Path or None
        A file of recorded bars instead of the seeded market.
    store_url : str or None
        A given store; None starts an embedded one for each play.
    runtime : {"process", "compose"}
        Whether processes are drilled, or the containers of the project's ``compose.yaml``.
    guest : str
        The trader's name in a given store: one that nobody has, so that nobody's keys are read or
        removed. All plays share it, for an order id may name its trader, and a play is compared
        with an undisturbed one.
    starts : {"cold", "warm"}
        Whether each process is started anew, or forked from one that has imported what it imports.
    spawn : Spawn
        What starts exchange and nodes that are processes.
    machine : Machine
        What it is played on.

    """

    policy: Policy
    project: Path
    exchange_command: tuple[str, ...]
    seed: int = 7
    epoch: int | None = None
    market: Path | None = None
    store_url: str | None = None
    runtime: RuntimeName = "process"
    guest: str = field(default_factory=lambda: f"DRILL{time.time_ns() % 10**15}")
    starts: Starts = "cold"
    spawn: Spawn = start_cold
    machine: Machine = field(default_factory=Machine)

    @property
    def judged_by(self) -> Policy:
        """The policy with the budgets of the machine."""
        return scaled(self.policy, self.machine)

    @property
    def most_jobs(self) -> int | None:
        """How many plays may be at once; those in a given store share it, one after another."""
        return None if self.store_url is None else 1

    def exchange_arguments(self) -> list[str]:
        """Return the command line of an exchange that is a process."""
        command = [*self.exchange_command, "--port", "0", *self.exchange_options()]
        if self.market is not None:
            command += ["--market", str(self.market.resolve())]
        return command

    def exchange_options(self) -> list[str]:
        """Return what any exchange is told, less the file of recorded bars."""
        options = ["--stepped", "--seed", str(self.seed)]
        options += ["--history", str(self.policy.history)]
        for symbol in self.policy.symbols:
            options += ["--symbol", symbol]
        if self.epoch is not None:
            options += ["--epoch", str(self.epoch)]
        return options

    def runtime_in(self, folder: Path, *, replicated: bool = False) -> Runtime:
        """
        Return what one play is made of, not yet started; its files are kept in a folder.

        Parameters
        ----------
        folder : Path
            The folder.
        replicated : bool
            Whether an embedded store has replicas.

        """
        if self.runtime == "compose":
            return Containers(
                self.policy,
                project=self.project,
                folder=folder,
                exchange_options=self.exchange_options(),
                market=self.market,
            )
        return Processes(
            self.policy,
            project=self.project,
            folder=folder,
            exchange_command=self.exchange_arguments(),
            store_url=self.store_url,
            guest=self.guest,
            spawn=self.spawn,
            replicated=replicated,
        )
