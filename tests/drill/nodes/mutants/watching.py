"""Bugs in what watches while the node trades, and in what it does about what it sees."""

from typing import Any

from drill.nodes.mutants.package import Package
from drill.nodes.mutants.store import store_loss_not_noticed


def _send_without_a_lease(package: Package) -> None:
    package.lease.Lease.left = lambda self: package.lease.LEASE_SECONDS


def rival_not_noticed(package: Package) -> None:
    """Trades while another node with the same name trades."""
    package.without("lease")
    _send_without_a_lease(package)


def replaced_trades_on(package: Package) -> None:
    """Does not look who holds the lease, nor until when, once it has taken it."""
    package.lease._why_lost = lambda own, found: ""
    # It would hear of the other one's orders, which it has not sent.
    package.start.hear_rivals = lambda *_: None
    _send_without_a_lease(package)


def window_not_cut(package: Package) -> None:
    """Lets the exchange accept for a minute what it sends, however soon its lease ends."""
    clock = package.signing_clock.SigningClock
    clock.stamp = lambda self, *, is_change: {"recvWindow": 60_000, "timestamp": self.now_ms()}


def stands_by_in_vain(package: Package) -> None:
    """Stands by for ever, whatever has become of the node that trades."""
    if package.came_back:
        held = package.lease.Free.HELD
        package.lease.Claim.judge = lambda self, *look, **may_be_old: held


def account_not_watched(package: Package) -> None:
    """Never compares what it holds with what the exchange says."""
    package.without("account")


def silent_exchange_believed(package: Package) -> None:
    """Trades on when the exchange does not tell what stands there."""
    package.account_watch.Silence.lasts = lambda self, asked, now: False


def unheard_order_waited_for(package: Package) -> None:
    """Waits for ever for news of an order that the exchange has taken."""
    package.without("account")
    package.unknown_outcomes.UnknownOutcomes._quiet = lambda self, now: []


def market_not_watched(package: Package) -> None:
    """Waits for the stream to bring a bar, and never asks for one."""
    package.without("market")


def clock_not_watched(package: Package) -> None:
    """Looks at its clock when it starts, and never again."""
    package.without("clock")


def odd_bars_believed(package: Package) -> None:
    """Decides on a bar as the stream brings it, however far it is from the one before."""
    package.bars.BarWindow.expects = lambda self, bar: True


def deaf_stream_believed(package: Package) -> None:
    """Goes on listening to a user stream that is open and says nothing."""
    package.without("account")
    package.deaf_stream.DeafStream.missed = lambda self: None


def lost_stream_not_told(package: Package) -> None:
    """Trades on when its user stream has broken and cannot be opened again."""
    package.without("account")
    package.start.EngineV1._on_lost_stream = lambda self, sentence: None


def refused_cancel_believed(package: Package) -> None:
    """Takes an order whose cancelling is refused for one that is gone."""
    package.keeper.NO_SUCH_ORDER_TO_CANCEL = ""


def denial_believed_at_once(package: Package) -> None:
    """Sends an order again as soon as the exchange says that it does not know it."""
    package.unknown_outcomes.LATE_SECONDS = 0.0


def asked_fill_under_own_number(package: Package) -> None:
    """Books a fill that it has asked for under a number of its own."""
    stock = package.telling.TradeId
    package.telling.TradeId = lambda number: stock(f"asked-{number}")


def refused_writes_not_noticed(package: Package) -> None:
    """Takes a store that answers for one that takes what is written."""
    marks = package.store_marks
    stock = marks.StoreMarks.judge

    def judge(self: Any, look: Any, seconds: float) -> Any:
        if not look.trouble or look.trouble.startswith("takes no writes"):
            return marks.Store.RIGHT
        return stock(self, look, seconds)

    marks.StoreMarks.judge = judge


def lost_write_not_noticed(package: Package) -> None:
    """Does not look whether what it has written is in its store."""
    store_loss_not_noticed(package)


def condition_not_told(package: Package) -> None:
    """Notices what is wrong, opens nothing, and says that all is well."""
    package.hearing.Hearing.wrong_or_right = lambda self: None


def degraded_called_healthy(package: Package) -> None:
    """Says at /health that it is well while it is degraded."""
    stock, stage = package.runner.open_endpoint, package.stages.Stage

    class Hopeful:
        def __init__(self, stages: Any) -> None:
            self._stages = stages

        @property
        def current(self) -> Any:
            now = self._stages.current
            return stage.TRADING if now is stage.DEGRADED else now

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stages, name)

    def open_endpoint(host: str, port: int, stages: Any, *more: Any) -> Any:
        return stock(host, port, Hopeful(stages), *more)

    package.runner.open_endpoint = open_endpoint


def opens_while_degraded(package: Package) -> None:
    """Opens positions while it is degraded."""
    # While its store is away its lease ends, and nothing would be sent.
    _send_without_a_lease(package)
    package.conditions.Conditions.may_open = lambda self, symbol, besides: True
