"""``run``: the node, until it is stopped or has to end."""

import time
from collections.abc import Sequence

from ..config.complaints import ConfigurationError
from ..config.load import load_hold_settings, load_settings
from ..config.settings import OnRefusal, Settings
from ..exit_codes import ExitCode, NodeExit, complain
from ..life.hold import hold_alone
from ..plan.traded import Traded, complaints


def run(*, stands_by: bool = False) -> ExitCode:
    """
    Read the settings and what is traded, run the node, and return its exit code.

    Parameters
    ----------
    stands_by : bool
        Whether it waits while another node trades, and takes over when that one has ended.

    """
    # Before the engine's import, which takes a second: by then the process before had ended.
    born = time.monotonic()
    try:
        settings, traded = load()
    except NodeExit as error:
        complain(error.sentence)
        hold_settings = load_hold_settings()
        if hold_settings.on_refusal is OnRefusal.HOLD and error.code is ExitCode.CONFIGURATION:
            hold_alone(error, hold_settings)
        return error.code

    # Imported late: it takes a second, and wrong settings should not have to wait for it.
    from ..engine import chosen
    from ..life import runner

    return runner.run(settings, traded, chosen.engine(settings), born, stands_by=stands_by)


def load() -> tuple[Settings, Sequence[Traded]]:
    """
    Return the settings, and what is traded by them.

    Raises
    ------
    NodeExit
        With code 78 if settings or the list of what is traded are wrong, 1 if ``strategies/``
        cannot be imported.

    """
    try:
        from ..strategies import traded as list_traded
        from ..strategies.settings import StrategySettings
    except Exception as error:
        raise NodeExit(
            ExitCode.DEFECT,
            f"strategies/ cannot be imported: {type(error).__name__}: {error}.",
        ) from error
    settings, own = load_settings(StrategySettings)
    try:
        traded = list_traded(settings, own)
    except ValueError as error:
        raise ConfigurationError([f"strategies/ refuses its settings: {error}."]) from error
    if found := complaints(traded, settings.id):
        raise ConfigurationError(found)
    return settings, traded
