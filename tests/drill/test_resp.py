"""The store's protocol is cut into frames wherever a stream was split, and nothing is lost."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery_drill.store.resp import ProtocolError, ReplyReader, RequestReader, pushed
from recovery_drill.store.units import blocks, name_of, subscribes

WORD = st.binary(max_size=40)  # among them line ends and what looks like a frame
PLAIN_WORD = st.text("abcXYZ019:*$", min_size=1, max_size=8).filter(lambda w: w[0] != "*")


def blob(mark: bytes, value: bytes) -> bytes:
    return b"%b%d\r\n%b\r\n" % (mark, len(value), value)


def group(mark: bytes, count: int, values: Iterable[bytes]) -> bytes:
    return b"%b%d\r\n%b" % (mark, count, b"".join(values))


LEAVES = st.one_of(
    st.sampled_from([b"+OK\r\n", b"-ERR no\r\n", b":-7\r\n", b"_\r\n", b"#t\r\n", b",1.5\r\n"]),
    st.sampled_from([b"(12345678901234567890\r\n", b"$-1\r\n", b"*-1\r\n", b"*0\r\n", b"%0\r\n"]),
    st.builds(blob, st.sampled_from([b"$", b"!", b"="]), WORD),
)


def groups(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    pair = st.tuples(values, values).map(b"".join)
    return st.one_of(
        st.lists(values, max_size=4).map(lambda vs: group(b"*", len(vs), vs)),
        st.lists(values, max_size=4).map(lambda vs: group(b"~", len(vs), vs)),
        st.lists(pair, max_size=3).map(lambda vs: group(b"%", len(vs), vs)),
        st.builds(
            lambda vs, value: group(b"|", len(vs), vs) + value, st.lists(pair, max_size=2), values
        ),
    )


VALUES = st.recursive(LEAVES, groups, max_leaves=6)
PUSHES = st.lists(VALUES, min_size=1, max_size=3).map(lambda vs: group(b">", len(vs), vs))
WORDS = st.lists(WORD, min_size=1, max_size=5).map(tuple)


def request(words: tuple[bytes, ...]) -> bytes:
    return group(b"*", len(words), [blob(b"$", word) for word in words])


def pieces(stream: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({cut % (len(stream) + 1) for cut in cuts})
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.lists(st.one_of(VALUES, PUSHES), max_size=6), CUTS)
def test_replies_come_out_whole_wherever_the_stream_is_split(
    frames: list[bytes], cuts: list[int]
) -> None:
    reader = ReplyReader()
    out = [frame for piece in pieces(b"".join(frames), cuts) for frame in reader.feed(piece)]
    assert out == frames
    assert [pushed(frame) for frame in out] == [frame[:1] == b">" for frame in frames]


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_replies_come_out_whole_byte_by_byte(frames: list[bytes]) -> None:
    reader = ReplyReader()
    stream = b"".join(frames)
    assert [f for i in range(len(stream)) for f in reader.feed(stream[i : i + 1])] == frames


@given(
    st.lists(
        st.one_of(
            WORDS.map(lambda words: (request(words), words)),
            st.lists(PLAIN_WORD, max_size=4).map(
                lambda ws: (f"{' '.join(ws)}\n".encode(), tuple(w.encode() for w in ws))
            ),
        ),
        max_size=6,
    ),
    CUTS,
)
def test_requests_come_out_with_their_words_wherever_the_stream_is_split(
    sent: list[tuple[bytes, tuple[bytes, ...]]], cuts: list[int]
) -> None:
    reader = RequestReader()
    stream = b"".join(raw for raw, _ in sent)
    out = [r for piece in pieces(stream, cuts) for r in reader.requests(piece)]
    assert [(r.raw, r.words) for r in out] == sent


@pytest.mark.parametrize("bad", [b"?what\r\n", b"$x\r\n", b"*1\r\n$?\r\n", b"+" + b"x" * 100_000])
def test_what_is_no_reply_is_refused(bad: bytes) -> None:
    with pytest.raises(ProtocolError):
        ReplyReader().feed(bad)


@pytest.mark.parametrize("bad", [b"*1\r\n:1\r\n", b"*1\r\n$-1\r\n"])
def test_what_is_no_request_is_refused(bad: bytes) -> None:
    with pytest.raises(ProtocolError):
        RequestReader().requests(bad)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("RPUSH trader-LAB-001:orders:EMA001-1704085259-E0 x", "RPUSH orders"),
        ("SADD trader-LAB-001:index:orders_open EMA001-1704085259-E0", "SADD index:orders_open"),
        ("HSET trader-LAB-001:index:order_position a b", "HSET index:order_position"),
        ("del trader-LAB-001:positions:BTCUSDT-PERP.BINANCE-EMA-001", "DEL positions"),
        ("SET trader-LAB-001:general:memory x", "SET general"),
        ("SET trader-LAB-001:strategies:EMA-001:state x", "SET strategies"),
        ("RPUSH trader-LAB-001:snapshots:orders:E0 x", "RPUSH snapshots:orders"),
        ("SET trader-L-1:0f8fad5b-d9cb-469f-a165-70867728950e:currencies:USDT x", "SET currencies"),
        ("KEYS trader-LAB-001:orders:*", "KEYS orders"),
        ("XADD trader-LAB-001:stream * a b", "XADD stream"),
        ("XREAD COUNT 1 STREAMS trader-LAB-001:stream 0", "XREAD stream"),
        ("XREAD COUNT 1", "XREAD other"),
        ("EVAL script 1 lease:LAB-001 x", "EVAL other"),
        ("SET lease:LAB-001 x", "SET other"),
        ("SET trader-LAB-001:unheard:of x", "SET other"),
        ("SCAN 0 MATCH trader-LAB-001:*", "SCAN"),
        ("CLIENT SETINFO LIB-NAME x", "CLIENT"),
        ("ping", "PING"),
        ("", ""),
    ],
)
def test_a_unit_is_named_by_command_and_kind_of_key(line: str, name: str) -> None:
    assert name_of(tuple(line.encode().split())) == name


def test_an_orders_event_is_named_too() -> None:
    row = msgspec.msgpack.encode({"type": "OrderFilled", "trade_id": "1"})
    assert name_of((b"RPUSHX", b"trader-L-1:orders:E0", row)) == "RPUSHX orders OrderFilled"
    assert name_of((b"RPUSH", b"trader-L-1:positions:P", row)) == "RPUSH positions"
    for unreadable in (b"", b"\xc1", b"\xa2\xff\xfe", b"\x81\x90\x01", b"\x81\xa4type\x01"):
        assert name_of((b"RPUSH", b"trader-L-1:orders:E0", unreadable)) == "RPUSH orders"


@given(WORDS, st.booleans())
def test_any_request_has_a_name(words: tuple[bytes, ...], of_order: bool) -> None:
    start = (b"RPUSH", b"trader-L-1:orders:E0") if of_order else ()
    assert isinstance(name_of((*start, *words)), str)


@pytest.mark.parametrize(
    ("line", "late", "unasked"),
    [
        ("BLPOP k 0", True, False),
        ("xread block 0 streams k $", True, False),
        ("WAITAOF 1 0 0", True, False),
        ("PSUBSCRIBE *", False, True),
        ("LRANGE k 0 -1", False, False),
        ("BITCOUNT k", False, False),
        ("XREAD STREAMS k 0", False, False),
    ],
)
def test_it_is_known_which_requests_wait_and_which_subscribe(
    line: str, late: bool, unasked: bool
) -> None:
    words = tuple(line.encode().split())
    assert (blocks(words), subscribes(words)) == (late, unasked)
