"""Settings of your strategies' own, beside the template's."""

from typing import Any

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from .complaints import ConfigurationError, sentence

OWN_PREFIX = "STRATEGY_"


class OwnSettings(BaseSettings):
    """
    Base of the settings in ``strategies/settings.py``: the field ``fast`` is ``STRATEGY_FAST``.

    Raises
    ------
    ConfigurationError
        If anything is missing or wrong: all of it at once.

    """

    model_config = SettingsConfigDict(
        env_prefix=OWN_PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _all_errors_at_once(
        cls, values: Any, handler: ModelWrapValidatorHandler["OwnSettings"]
    ) -> "OwnSettings":
        try:
            return handler(values)
        except ValidationError as error:
            raise ConfigurationError(
                sorted({sentence(dict(each), OWN_PREFIX) for each in error.errors()})
            ) from None
