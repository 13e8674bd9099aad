"""
The mend at the store: read all of the trader's keys, plan, and write the plan in one transaction.

Nothing is written when anything that the plan touches has changed since it was read: another
process writes then, and the mend begins anew.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
import redis.exceptions

from ...engine.stored import Owner, Plan, RawKey, StoreFormat
from ...exit_codes import ExitCode, NodeExit, one_line
from ...venue.records import ExchangeRecord
from ..quarantine import put_aside
from .marker import KEY, foreign, is_marked, is_unreadable, mark
from .reading import NAMES, TooMuch, read_keys
from .writing import changed, write

ANSWER_SECONDS = 10.0
"""How long the store may take for one chunk of questions, or for the one transaction."""
ATTEMPTS = 3
MOST_TOLD = 50
"""How many sentences are told; of more, only how many there are."""

type Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MendReport:
    """
    What a mend has done.

    Parameters
    ----------
    keys : int
        How many keys the trader has.
    mended : Sequence[str]
        A sentence about each thing that was mended.
    put_aside : Sequence[str]
        A sentence about each key that was put aside.
    stamp : str
        Under which moment they stand in the quarantine.
    cold : str
        Why the engine starts without orders and positions; empty when it does not.
    unexplained : Sequence[str]
        Where the exchange contradicts itself: ask again, and mend again.
    unknown : Mapping[str, bool]
        Open orders that the exchange has not told of, and of each whether it may never have been
        sent: ask for them by name, and mend again.
    seconds : float
        How long it took.

    """

    keys: int
    mended: Sequence[str] = ()
    put_aside: Sequence[str] = ()
    stamp: str = ""
    cold: str = ""
    unexplained: Sequence[str] = ()
    unknown: Mapping[str, bool] = field(default_factory=dict)
    seconds: float = 0.0


class StoreMend:
    """
    One trader's keys in one store.

    Parameters
    ----------
    url : str
        The store, with user name and password.
    trader : str
        The trader's id.
    store_format : StoreFormat
        How the engine keeps its orders.
    tell : Tell
        Takes a sentence about each thing that was found and done.

    """

    def __init__(self, url: str, trader: str, store_format: StoreFormat, tell: Tell) -> None:
        self._url = url
        self._trader = trader
        self._format = store_format
        self._tell = tell

    async def foreign(self) -> str:
        """
        Return a sentence when the store's keys are another engine's or trader's; for the preflight.

        Raises
        ------
        NodeExit
            With code 75 when the store is away.

        """
        return await asyncio.to_thread(self._with_client, self._foreign)

    async def mend(
        self,
        record: ExchangeRecord,
        owners: Sequence[Owner],
        *,
        may_start_cold: bool = True,
        forgettable: Collection[str] | None = None,
    ) -> MendReport:
        """
        Bring the store to what happened; nothing is written while the exchange contradicts itself.

        Parameters
        ----------
        record : ExchangeRecord
            What the exchange says.
        owners : Sequence[Owner]
            What is traded, one a symbol.
        may_start_cold : bool
            Whether a store that cannot be mended is put aside; if not, `MendReport.unexplained`
            says why it would be, and nothing is written: ask the exchange again first. It is put
            aside in any case when the exchange has nothing to do with it.
        forgettable : Collection[str], optional
            Open orders that are none where the exchange has not told of them: it was asked for them
            by name, and no late request can bring them any more. Any other one is named in
            `MendReport.unknown`, and nothing is written. Without it every order is forgettable.

        Raises
        ------
        NodeExit
            With code 78 when the keys are another engine's, 75 when the store is away or another
            process writes them.

        """
        return await asyncio.to_thread(
            self._with_client,
            lambda client: self._mend(
                client, record, owners, may_start_cold=may_start_cold, forgettable=forgettable
            ),
        )

    async def start_cold(self, reason: str) -> MendReport:
        """
        Put orders, positions and accounts aside, so that the engine starts without them.

        Raises
        ------
        NodeExit
            With code 75 when the store is away or another process writes.

        """
        return await asyncio.to_thread(
            self._with_client,
            lambda client: self._apply_until_done(
                client, lambda keys: self._format.cold(keys, reason)
            ),
        )

    async def rewrite(self, make_plan: Callable[[dict[str, RawKey]], Plan]) -> MendReport:
        """
        Write a plan that somebody else makes of all keys, with this format's mark, or nothing.

        Raises
        ------
        NodeExit
            With code 75 when the store is away or another process writes.

        """
        return await asyncio.to_thread(
            self._with_client, lambda client: self._apply_until_done(client, make_plan)
        )

    async def look(self, take: Callable[[dict[str, RawKey]], None]) -> None:
        """
        Let somebody look at all keys.

        Raises
        ------
        NodeExit
            With code 75 when the store is away, 78 when it has more than is read.

        """
        await asyncio.to_thread(self._with_client, lambda client: take(self._read(client)))

    # -- In a thread ---------------------------------------------------------------------------

    def _with_client[Answer](self, work: Callable[[Any], Answer]) -> Answer:
        client = redis.Redis.from_url(
            self._url,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            protocol=2,
            encoding_errors=NAMES,
        )
        collects = gc.isenabled()
        # A hundred thousand events are read and kept: collecting in between costs a fifth.
        gc.disable()
        try:
            return work(client)
        except redis.exceptions.NoPermissionError as error:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"The store does not let the node mend it ({one_line(error)}); its user needs the "
                "commands and keys of deploy/store/users.acl.",
            ) from None
        except (redis.exceptions.RedisError, OSError) as error:
            raise NodeExit(
                ExitCode.AWAY, f"The store went away during the mend: {one_line(error)}."
            ) from None
        finally:
            if collects:
                gc.enable()
            client.close()

    def _foreign(self, client: Any) -> str:
        try:
            return foreign(self._marked(client), self._format, self._trader)
        except TooMuch:
            return ""  # the mend says so

    def _marked(self, client: Any) -> dict[str, RawKey]:
        """Return the mark alone when there is one, else everything."""
        key = self._format.prefix + KEY
        kind = client.type(key)
        if kind == b"string" and client.strlen(key) <= 1_000:
            marked = {KEY: RawKey("string", client.get(key))}
            if not is_unreadable(marked):
                return marked
        return read_keys(client, self._format.prefix)

    def _mend(
        self,
        client: Any,
        record: ExchangeRecord,
        owners: Sequence[Owner],
        *,
        may_start_cold: bool,
        forgettable: Collection[str] | None,
    ) -> MendReport:
        def plan(keys: dict[str, RawKey]) -> Plan:
            if sentence := foreign(keys, self._format, self._trader):
                raise NodeExit(
                    ExitCode.CONFIGURATION,
                    f"{sentence}. Nothing was changed; give this node another TRADER_ID or store.",
                )
            made = self._format.mend(keys, record, owners, time.time_ns())
            if forgettable is not None and set(made.unknown) - set(forgettable):
                return Plan(unknown=made.unknown)
            if made.cold and not (may_start_cold or made.is_cold_for_good):
                return Plan(unexplained=(f"{made.cold.rstrip('.')}.",))
            return made

        return self._apply_until_done(client, plan)

    def _apply_until_done(
        self, client: Any, make_plan: Callable[[dict[str, RawKey]], Plan]
    ) -> MendReport:
        begun = time.monotonic()
        for _ in range(ATTEMPTS):
            keys = self._read(client)
            plan = make_plan(keys)
            stamp = self._apply(client, keys, plan)
            if stamp is not None:
                report = MendReport(
                    keys=len(keys),
                    mended=plan.mended,
                    put_aside=[each.reason for each in plan.put_aside],
                    stamp=stamp,
                    cold=plan.cold,
                    unexplained=plan.unexplained,
                    unknown=plan.unknown,
                    seconds=time.monotonic() - begun,
                )
                self._tell_of(report)
                return report
        raise NodeExit(
            ExitCode.AWAY,
            f"Another process writes the keys under {self._format.prefix}; is a second node with "
            f"the id {self._trader} running?",
        )

    def _read(self, client: Any) -> dict[str, RawKey]:
        try:
            return read_keys(client, self._format.prefix)
        except TooMuch as error:
            raise NodeExit(
                ExitCode.CONFIGURATION,
                f"{error}. Look at them, delete what is none of the node's, and start again.",
            ) from None

    def _apply(self, client: Any, keys: dict[str, RawKey], plan: Plan) -> str | None:
        """Write a plan; return the quarantine's stamp, and ``None`` when something has changed."""
        prefix, now_ns = self._format.prefix, time.time_ns()
        is_marked_already = is_marked(keys, self._format, self._trader)
        if plan.unexplained or (plan.is_empty and (plan.unknown or is_marked_already)):
            return ""
        touched = sorted(plan.writes.keys() | {each.key for each in plan.put_aside} | {KEY})
        pipe = client.pipeline(transaction=True)
        try:
            pipe.watch(*(prefix + key for key in touched))
            if changed(client, prefix, touched, keys):
                return None
            pipe.multi()
            stamp = ""
            aside = [each for each in plan.put_aside if each.key in keys]
            if aside:
                stamp = put_aside(pipe, self._trader, prefix, aside, "mend", now_ns)
            write(pipe, prefix, plan)
            if not is_marked_already:
                pipe.delete(prefix + KEY)
                pipe.set(prefix + KEY, mark(self._format, self._trader))
            pipe.execute()
        except redis.exceptions.WatchError:
            return None
        finally:
            pipe.reset()
        return stamp

    def _tell_of(self, report: MendReport) -> None:
        told = [
            *report.unexplained,
            *([f"The engine starts cold: {report.cold.rstrip('.')}."] if report.cold else []),
            *(
                []
                if report.cold
                else [f"Put aside under quarantine:{self._trader}:{report.stamp}: {reason}."
                      for reason in dict.fromkeys(report.put_aside)]
            ),
            *report.mended,
        ]  # fmt: skip
        for sentence in told[:MOST_TOLD]:
            self._tell(sentence)
        if len(told) > MOST_TOLD:
            self._tell(f"And {len(told) - MOST_TOLD:,} more things that the mend has found.")
