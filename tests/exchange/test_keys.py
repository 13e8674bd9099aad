"""Several keys of the account: one is made, another taken away, while the exchange runs."""

import pytest

from simulated_exchange.errors import ExchangeError
from simulated_exchange.protocol.signing import Credentials, Keys


def test_keys_are_made_and_taken_away() -> None:
    keys = Keys(Credentials("first", "secret"))
    keys.make("second", "another")
    assert keys.of("second").secret == "another"
    assert keys.of("first").secret == "secret"
    assert keys.take_away("first")
    assert not keys.take_away("first")
    assert keys.names == ["second"]
    with pytest.raises(ExchangeError) as refused:
        keys.of("first")
    assert (refused.value.code, refused.value.status) == (-2015, 401)


def test_no_key_is_no_key() -> None:
    with pytest.raises(ExchangeError) as refused:
        Keys(Credentials("first", "secret")).of("")
    assert refused.value.code == -2014
