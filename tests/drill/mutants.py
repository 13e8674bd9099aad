"""The mutants: which bug shows where, and which check must name it."""

from dataclasses import dataclass

from drill.mutant_cases import (
    AT_REST,
    BAR_CLOSED,
    CANCEL_UNANSWERED,
    END_BEFORE_FILL,
    ENGINE_LIED_TO,
    ENTRY_FILLED,
    ENTRY_PROCESSED,
    ENTRY_RECEIVED,
    ENTRY_UNANSWERED,
    EXIT_PROCESSED,
    FATE_UNHEARD,
    FATE_UNKNOWN,
    FILL_LOST,
    HISTORY_LAGS,
    KILLED_BESIDE,
    LOCKED_OUT,
    OTHER_BOT,
    PAUSED_BESIDE,
    PAUSED_IN_FLIGHT,
    POSITION_UNWRITTEN,
    REPORT_FAILS,
    STOP_FILLS,
    STOPS_REFUSED,
    STORE_AWAY,
    STORE_LOST,
    SYMBOL_SETTLES,
    TWO_NODES,
)
from drill.nodes.mutants import (
    decisions,
    ending,
    orders,
    protection,
    refusals,
    start,
    store,
    watching,
)
from drill.nodes.mutants.bugs import Bug
from drill.watch_cases import (
    BAR_MISSED,
    CANCEL_REFUSED,
    CLOCK_WRONG,
    CLOSED_UNHEARD,
    DEAF_FOR_BARS,
    DENIED,
    ENTRY_UNHEARD,
    EXCHANGE_SILENT,
    NO_KEY,
    NO_KEY_IN_FLIGHT,
    NOTHING_TO_WRITE,
    ODD_BARS,
    SNAPSHOT_FAILS,
    STORE_AWAY_FOR_BARS,
)
from recovery_drill.play.case import Subject


@dataclass(frozen=True)
class Mutant:
    """A node with one bug.

    Parameters
    ----------
    bug : Callable
        Patches the production package; its docstring says what the node does wrong.
    case : Subject
        Where the bug shows; the sound node holds there.
    check : str
        The check that must name it.

    """

    bug: Bug
    case: Subject
    check: str

    @property
    def name(self) -> str:
        """The name of the bug."""
        return self.bug.__name__

    @property
    def wrong(self) -> str:
        """What the node does wrong, in one sentence."""
        return " ".join((self.bug.__doc__ or "").split())


@dataclass(frozen=True)
class Waiting:
    """A bug that the sound node itself still has: its guard is missing.

    Parameters
    ----------
    name, wrong : str
        What the mutant will be called, and what the node does wrong, in one sentence.
    case : Subject
        Where the bug shows.
    check : str
        The check that names it.
    guard : str
        What is missing in the production package.

    """

    name: str
    wrong: str
    case: Subject
    check: str
    guard: str


MUTANTS: tuple[Mutant, ...] = (
    Mutant(store.no_database, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.buffered_writes, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.keys_of_each_life, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.positions_not_stored, AT_REST, "store-holds-what-node-holds"),
    Mutant(store.flush_on_start, AT_REST, "store-keeps-what-it-has"),
    Mutant(store.archived_too_early, AT_REST, "store-keeps-what-it-has"),
    Mutant(store.store_not_loaded, AT_REST, "restart-changes-nothing"),
    Mutant(store.torn_write_believed, POSITION_UNWRITTEN, "position-is-sum-of-fills"),
    Mutant(store.store_not_mended, POSITION_UNWRITTEN, "store-keeps-what-it-has"),
    Mutant(store.state_only_on_stop, AT_REST, "one-protective-stop"),
    Mutant(store.store_loss_not_noticed, STORE_AWAY, "loss-is-noticed"),
    Mutant(start.no_reconciliation, STOP_FILLS, "position-equals-exchange"),
    Mutant(start.stock_adapter, BAR_CLOSED, "position-equals-exchange"),
    Mutant(start.failed_report_believed, REPORT_FAILS, "fills-exactly-once"),
    Mutant(start.engine_believed, ENGINE_LIED_TO, "position-equals-exchange"),
    Mutant(start.lagging_history_believed, HISTORY_LAGS, "fills-exactly-once"),
    Mutant(start.nothing_claimed, STORE_LOST, "position-has-one-owner"),
    Mutant(start.renamed_strategy, AT_REST, "one-protective-stop"),
    Mutant(start.trades_before_it_says_so, AT_REST, "no-decision-before-warm-up"),
    Mutant(start.short_warm_up, AT_REST, "no-decision-before-warm-up"),
    Mutant(start.bars_ignored, AT_REST, "equals-undisturbed"),
    Mutant(orders.random_order_ids, AT_REST, "equals-undisturbed"),
    Mutant(orders.ids_used_again, STORE_LOST, "client-order-ids-unique"),
    Mutant(orders.unsent_never_forgotten, ENTRY_UNANSWERED, "no-order-in-limbo"),
    Mutant(orders.cancelled_never_learned, CANCEL_UNANSWERED, "no-order-in-limbo"),
    Mutant(orders.sent_again_unasked, FATE_UNKNOWN, "client-order-ids-unique"),
    Mutant(orders.unknown_taken_for_refused, FATE_UNHEARD, "one-order-per-intent"),
    Mutant(orders.end_believed_before_fill, END_BEFORE_FILL, "fills-exactly-once"),
    Mutant(orders.lost_fill_not_asked_for, FILL_LOST, "position-equals-exchange"),
    Mutant(decisions.doubles_after_restart, AT_REST, "equals-undisturbed"),
    Mutant(decisions.flattens_after_restart, AT_REST, "equals-undisturbed"),
    Mutant(decisions.decision_repeated, ENTRY_PROCESSED, "one-order-per-intent"),
    Mutant(decisions.decision_forgotten, ENTRY_RECEIVED, "equals-undisturbed"),
    Mutant(decisions.stop_out_forgotten, STOP_FILLS, "equals-undisturbed"),
    Mutant(protection.missing_stop_not_placed, ENTRY_FILLED, "one-protective-stop"),
    Mutant(protection.stop_placed_twice, AT_REST, "one-protective-stop"),
    Mutant(protection.old_stop_cancelled_first, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_of_wrong_size, AT_REST, "one-protective-stop"),
    Mutant(protection.orders_cancelled_at_start, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_cancelled_on_sigterm, AT_REST, "one-protective-stop"),
    Mutant(protection.stop_left_behind, EXIT_PROCESSED, "no-exit-without-position"),
    Mutant(refusals.refusals_forgotten, STOPS_REFUSED, "refusals-do-not-loop"),
    Mutant(refusals.refusals_not_said, STOPS_REFUSED, "wrong-is-named"),
    Mutant(refusals.lockout_not_said, LOCKED_OUT, "wrong-is-named"),
    Mutant(refusals.symbols_not_watched, SYMBOL_SETTLES, "wrong-is-named"),
    Mutant(refusals.strangers_cancelled, OTHER_BOT, "others-are-left-alone"),
    Mutant(ending.busy_after_restart, AT_REST, "no-zombie"),
    Mutant(ending.never_trades_again, AT_REST, "no-zombie"),
    Mutant(ending.ends_with_a_traceback, AT_REST, "failure-is-told"),
    Mutant(ending.ends_without_a_word, AT_REST, "failure-is-told"),
    Mutant(ending.ignores_sigterm, AT_REST, "no-zombie"),
    Mutant(ending.ends_in_the_midst, NO_KEY_IN_FLIGHT, "one-protective-stop"),
    Mutant(watching.rival_not_noticed, TWO_NODES, "one-node-trades"),
    Mutant(watching.stands_by_in_vain, KILLED_BESIDE, "no-zombie"),
    Mutant(watching.replaced_trades_on, PAUSED_BESIDE, "one-node-trades"),
    Mutant(watching.window_not_cut, PAUSED_IN_FLIGHT, "one-order-per-intent"),
    Mutant(watching.refused_writes_not_noticed, SNAPSHOT_FAILS, "loss-is-noticed"),
    Mutant(watching.lost_write_not_noticed, NOTHING_TO_WRITE, "store-holds-what-node-holds"),
    Mutant(watching.account_not_watched, CLOSED_UNHEARD, "position-equals-exchange"),
    Mutant(watching.silent_exchange_believed, EXCHANGE_SILENT, "loss-is-noticed"),
    Mutant(watching.market_not_watched, BAR_MISSED, "no-zombie"),
    Mutant(watching.clock_not_watched, CLOCK_WRONG, "loss-is-noticed"),
    Mutant(watching.odd_bars_believed, ODD_BARS, "equals-undisturbed"),
    Mutant(watching.deaf_stream_believed, DEAF_FOR_BARS, "position-equals-exchange"),
    Mutant(watching.lost_stream_not_told, NO_KEY, "position-equals-exchange"),
    Mutant(watching.unheard_order_waited_for, ENTRY_UNHEARD, "no-order-in-limbo"),
    Mutant(watching.denial_believed_at_once, DENIED, "client-order-ids-unique"),
    Mutant(watching.asked_fill_under_own_number, FATE_UNHEARD, "fills-exactly-once"),
    Mutant(watching.refused_cancel_believed, CANCEL_REFUSED, "one-protective-stop"),
    Mutant(watching.condition_not_told, STORE_AWAY_FOR_BARS, "health-tells-the-truth"),
    Mutant(watching.degraded_called_healthy, STORE_AWAY_FOR_BARS, "health-tells-the-truth"),
    Mutant(watching.opens_while_degraded, STORE_AWAY_FOR_BARS, "no-risk-while-degraded"),
)

WAITING: tuple[Waiting, ...] = ()
