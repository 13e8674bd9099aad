"""What is wrong with settings, in sentences that name the setting."""

from typing import Any

from ..exit_codes import ExitCode, NodeExit

PREFIX = "TRADER_"
"""Of the template's settings; those of your strategies have another one, see `own`."""


class ConfigurationError(NodeExit):
    """The settings cannot be used; the sentence has one line an error."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(ExitCode.CONFIGURATION, "\n".join(sentences))
        self.sentences = sentences


def sentence(error: dict[str, Any], prefix: str = PREFIX) -> str:
    """Return one error of pydantic's as a sentence."""
    name = prefix + str(error["loc"][0]).upper() if error["loc"] else "The settings"
    if error["type"] == "missing":
        if name in (f"{PREFIX}EXCHANGE_HTTP_URL", f"{PREFIX}EXCHANGE_WS_URL"):
            return f"{name} is not set; it has no default, so that none leads to a real exchange."
        return f"{name} is not set."
    reason = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "enum":
        reason = f"must be {error['ctx']['expected']}"
    if error["type"] == "string_pattern_mismatch":
        reason = "must be DEBUG, INFO, WARNING or ERROR"
    if error["type"] == "value_error":
        return f"{name} {reason}."
    return f"{name} is wrong: {reason[0].lower()}{reason[1:]}."
