"""Notifications without a network: what is sent when, what is kept, and what no file may hold."""

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.baked import module
from node.test_answers import fill

CONFIG = module("config.notify")
OUTBOX = module("notify.outbox")
MESSAGE = module("notify.message")
RECORD = module("notify.record")
NOTIFIER = module("notify.notifier")
SENDER = module("notify.sender")
SUMMARY = module("life.day_summary")
NOTICES = module("life.notices")
Income = module("plan.day").Income
NodeExit, ExitCode = module("exit_codes").NodeExit, module("exit_codes").ExitCode
Kind = MESSAGE.Kind
SECRET = "aVerySecretToken"


def message(number: int, kind: Any = Kind.FILLS, **changes: Any) -> Any:
    return MESSAGE.Message(kind, f"fill {number}", f"title {number}", "text", **changes)


# -- Settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "without an address"),
        ("# only a remark\n\n", "without an address"),
        (f"{SECRET}\n", "line 1 is no address"),
        (f"json://127.0.0.1\n# x\n{SECRET}://\n", "line 3 is no address"),
        (f"json://127.0.0.1/{SECRET} twice\n", "line 1 is no address"),
        ("json://127.0.0.1\n" * 21, "names 21 addresses"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_its_secrets(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "urls"
    path.write_text(text, "utf-8")
    [said] = CONFIG.notify_complaints(path)
    assert complaint in said
    assert SECRET not in said


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "urls"
    path.write_text("one\njson://x\ntwo\n", "utf-8")
    assert len(CONFIG.notify_complaints(path)) == 2
    assert "No such file" in CONFIG.notify_complaints(tmp_path / "none")[0]
    assert CONFIG.notify_complaints(None) == []


# -- What is sent when -----------------------------------------------------------------------------


def drain(box: Any, now: float) -> list[Any]:
    found = []
    while (letter := box.next(now)) is not None:
        found.append(letter)
        box.sent(letter)
    return found


def test_a_burst_is_sent_in_part_and_the_rest_as_one_digest() -> None:
    box = OUTBOX.Outbox("TRADER-001", 5, 0.0)
    for number in range(40):
        box.put(message(number))
    box.put(message(99, Kind.STOP_OUTS, is_loud=False))
    letters = drain(box, 0.0)
    assert [len(each.names) for each in letters] == [1, 1, 1, 1, 37]
    digest = letters[-1]
    assert "36 fills, 1 stop-outs" in digest.text
    assert digest.text.splitlines()[1] == "- title 99 [fill 99]", "what matters most stands first"
    assert "and 25 more" in digest.text
    box.put(message(100))
    assert box.next(1.0) is None
    assert box.due(1.0) == pytest.approx(11.0)
    assert box.next(12.0).names == ("fill 100",)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 300)), max_size=60))
def test_no_more_than_so_many_a_minute_and_each_once(steps: list[tuple[float, int]]) -> None:
    box, now, told, at = OUTBOX.Outbox("T-1", 6, 0.0), 0.0, [], []
    for pause, number in steps:
        now += pause
        box.put(message(number))
        for letter in drain(box, now):
            told += letter.names
            at.append(now)
    told += [name for letter in drain(box, now + 1_000) for name in letter.names]
    assert {*told} == {f"fill {number}" for _, number in steps}
    for moment in at:
        assert sum(moment - 60 <= each <= moment for each in at) <= 12  # a full bucket and a minute


def test_what_waits_too_long_is_dropped_and_counted() -> None:
    box = OUTBOX.Outbox("T-1", 5, 0.0)
    for number in range(OUTBOX.MOST_WAITING + 7):
        box.put(message(number))
    assert len(box) == OUTBOX.MOST_WAITING
    assert "7 messages were dropped" in box.next(0.0).text


def test_what_nobody_takes_is_tried_later_and_later() -> None:
    box = OUTBOX.Outbox("T-1", 600, 0.0)
    box.put(message(1))
    now, pauses = 0.0, []
    for _ in range(9):
        assert box.next(now) is not None
        box.failed(now)
        pauses.append(box.due(now))
        now += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_message_says_under_which_name_it_is_told_once() -> None:
    box = OUTBOX.Outbox("TRADER-001", 5, 0.0)
    box.put(message(7))
    box.put(message(7))
    [letter] = drain(box, 0.0)
    assert letter.text.endswith("[TRADER-001 fill 7]")


# -- What goes through the pipe --------------------------------------------------------------------


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(list(Kind)), st.booleans())
def test_a_message_comes_through_in_one_line(
    name: str, text: str, kind: Any, is_loud: bool
) -> None:
    line = MESSAGE.encode(MESSAGE.Message(kind, name, text, text, is_loud))
    assert line.count(b"\n") == 1
    found = MESSAGE.decode(json.loads(line))
    assert (found.kind, found.is_loud) == (kind, is_loud)
    assert found.title.isprintable()
    assert "\x1b" not in found.text


# -- What is kept ----------------------------------------------------------------------------------


def test_the_record_is_bounded_and_read_again(tmp_path: Path) -> None:
    record = RECORD.Record(tmp_path, "TRADER-001")
    assert record.is_new
    record.add(f"fill {number}" for number in range(RECORD.MOST_NAMES + 5))
    record.end = "it was asked to stop"
    record.write()
    again = RECORD.Record(tmp_path, "TRADER-001")
    assert not again.is_new
    assert (again.has("fill 4"), again.has("fill 5")) == (False, True)
    assert again.end == "it was asked to stop"
    assert [path.name for path in tmp_path.iterdir()] == ["notified-TRADER-001.json"]


def test_a_node_that_starts_again_and_again_sends_no_more_than_one_that_does_not(
    tmp_path: Path,
) -> None:
    record = RECORD.Record(tmp_path, "TRADER-001")
    record.sent_s = [time.time() - 61]
    for number in range(4):
        record.sent([f"fill {number}"])
    record.write()
    recently = len(RECORD.Record(tmp_path, "TRADER-001").sent_recently(time.time()))
    assert recently == 4
    box = OUTBOX.Outbox("T-1", 5, 0.0, recently)
    for number in range(9):
        box.put(message(number))
    assert [len(letter.names) for letter in drain(box, 0.0)] == [9]
    assert box.due(0.0) is None


def test_an_end_that_comes_again_and_again_is_told_once_an_hour() -> None:
    def name(sentence: str, now: float) -> Any:
        return NOTICES._name_of(NodeExit(ExitCode.AWAY, sentence), now)

    at = 1_700_000_000.0
    assert name("No answer within 3 s.", at) == name("No answer within 17 s.", at + 60)
    assert name("No answer within 3 s.", at) != name("No answer within 3 s.", at + 3_600)
    assert name("No answer within 3 s.", at) != name("Another reason.", at)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 9, "told": [], "end": 1}'])
def test_a_record_that_cannot_be_read_begins_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notified-TRADER-001.json").write_bytes(content)
    record = RECORD.Record(tmp_path, "TRADER-001")
    assert record.is_new
    assert record.trouble


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    record = RECORD.Record(tmp_path / "none", "TRADER-001")
    record.write()
    assert record.trouble == "No such file or directory"


# -- The process that sends, without sending -------------------------------------------------------


class Mailbox:
    """A service that keeps what it is given."""

    def __init__(self) -> None:
        self.loud, self.missed, self.called = self, 0, "a mailbox"
        self.letters: list[Any] = []
        self.takes = True

    def send(self, letter: Any, now: Any) -> bool:
        if self.takes:
            self.letters.append(letter)
        return self.takes

    @property
    def names(self) -> list[str]:
        return [name for letter in self.letters for name in letter.names]


def sender(folder: Path, mailbox: Mailbox) -> Any:
    box = OUTBOX.Outbox("TRADER-001", 600, time.monotonic())
    return SENDER.Sender([mailbox], RECORD.Record(folder, "TRADER-001"), box)


def hear(one: Any, *messages: Any) -> None:
    for each in messages:
        one.hear(json.loads(MESSAGE.encode(each)))
    while one.send():
        pass


def test_what_was_told_before_is_not_told_again(tmp_path: Path) -> None:
    mailbox = Mailbox()
    hear(sender(tmp_path, mailbox), message(1), message(2))
    hear(sender(tmp_path, mailbox), message(1, was_before=True), message(2), message(3))
    assert mailbox.names == ["fill 1", "fill 2", "fill 3"]


def test_the_first_life_tells_nothing_of_the_time_before_it(tmp_path: Path) -> None:
    mailbox = Mailbox()
    hear(sender(tmp_path, mailbox), message(1, was_before=True), message(2))
    hear(sender(tmp_path, mailbox), message(1, was_before=True), message(4, was_before=True))
    assert mailbox.names == ["fill 2", "fill 4"]


def test_a_kill_between_sending_and_noting_sends_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox, one = Mailbox(), None
    one = sender(tmp_path, mailbox)
    monkeypatch.setattr(one._record, "write", lambda: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        hear(one, message(1))
    hear(sender(tmp_path, mailbox), message(1, was_before=True))
    assert mailbox.names == ["fill 1", "fill 1"]
    assert mailbox.letters[0].text == mailbox.letters[1].text


def test_how_the_life_before_has_ended_is_told_with_the_next_start(tmp_path: Path) -> None:
    mailbox, start = Mailbox(), message(1, Kind.RESTARTS)
    one = sender(tmp_path, mailbox)
    hear(one, start)
    one.hear({"end": "it ended with 75"})
    assert "Of the life before" not in mailbox.letters[0].text
    hear(sender(tmp_path, mailbox), message(2, Kind.RESTARTS))
    assert "Of the life before: it ended with 75." in mailbox.letters[1].text
    hear(sender(tmp_path, mailbox), message(3, Kind.RESTARTS))
    assert "it was killed, or it has crashed" in mailbox.letters[2].text


def test_the_last_will_is_told_only_of_a_node_that_says_nothing_more(tmp_path: Path) -> None:
    for end, names in ((None, ["fill 9"]), ({"end": "it was asked to stop"}, [])):
        mailbox = Mailbox()
        one = sender(tmp_path, mailbox)
        one.hear({"will": json.loads(MESSAGE.encode(message(9, Kind.RESTARTS)))})
        one.hear(end)
        one.hear(None)
        hear(one)
        assert mailbox.names == names
        (tmp_path / "notified-TRADER-001.json").unlink()


# -- The node's end --------------------------------------------------------------------------------


def test_a_full_queue_drops_and_never_waits(tmp_path: Path) -> None:
    notifier = NOTIFIER.Notifier(SimpleNamespace())
    began = time.monotonic()
    for number in range(5_000):
        notifier.tell(message(number))
    assert time.monotonic() - began < 2
    assert notifier._dropped == 5_000 - NOTIFIER.MOST_QUEUED


def test_a_failure_here_stays_here(capsys: pytest.CaptureFixture[str]) -> None:
    fills = SimpleNamespace(profit=lambda name: 1 / 0)
    settings = SimpleNamespace(notify_urls_file=Path("x"), notify_fills=CONFIG.Volume.ON)
    notices = NOTICES.Notices(settings, fills)
    notices.reconciled([fill(1)])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_day_in_a_sentence() -> None:
    day = 19_723 * 86_400_000
    rows = [
        Income("1", "REALIZED_PNL", SUMMARY.Decimal("12.5"), day + 5, "BTCUSDT 1"),
        Income("2", "COMMISSION", SUMMARY.Decimal("-0.5"), day + 5, "BTCUSDT 1"),
        Income("3", "COMMISSION", SUMMARY.Decimal("-0.5"), day + 9, "BTCUSDT 2"),
        Income("4", "FUNDING_FEE", SUMMARY.Decimal("-1"), day + 9),
        Income("5", "FUNDING_FEE", SUMMARY.Decimal("-900"), day + 86_400_000),
    ]
    assert SUMMARY.name_of(day) == "2024-01-01"
    assert SUMMARY.summary(rows, day) == (
        "Result +10.50 US dollars: +12.50 realized, -1.00 commission, -1.00 funding and other; "
        "2 fills."
    )
    assert SUMMARY.summary([], day) == "Nothing was won or paid."
