"""What the report draws and tells of a play: when each thing was, and what happened around it."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from drill.evidence_builder import BAR, SECOND, order_row
from drill.report_builder import (
    BARS,
    LOST,
    MINUTE,
    WALL,
    entry,
    flooded,
    history,
    journal,
    life,
    log,
    moves,
    record,
    told_play,
    verdict,
)
from recovery_drill.record.model import Record
from recovery_drill.record.verdict import CheckResult
from recovery_drill.report.clock import build_clock
from recovery_drill.report.drawing import draw
from recovery_drill.report.fill import fill
from recovery_drill.report.findings import Break, Finder
from recovery_drill.report.log_lines import lines_around, stamp_of
from recovery_drill.report.market_panels import ticks
from recovery_drill.report.moments import all_moments, main_moments
from recovery_drill.report.parts import NARROW, WIDE, Drawing, width_of
from recovery_drill.report.said import spans
from recovery_drill.report.times import market_time, readable
from recovery_drill.report.told_play import ToldPlay

NIGHT = [record(0, "opened"), *life(1, 0, 1, -9, 2), *life(2, 2.1, 5, 0, 6)]


def drawn(play: ToldPlay | None = None, *broken: str) -> Drawing:
    play = told_play() if play is None else play
    findings = Finder(play, all_moments(play)).find(CheckResult("a-check", 1, broken))
    drawing = draw(play, main_moments(play), findings)
    assert drawing is not None
    return drawing


def breaks(play: ToldPlay, *broken: str) -> list[Break]:
    finder = Finder(play, all_moments(play))
    return finder.breaks(finder.find(CheckResult("a-check", 1, broken)))


# times


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (1_704_088_019_999, "05:47"),
        (1_704_088_020_001, "05:47"),
        (1_704_088_034_004, "05:47:14"),
        (1 << 62, str(1 << 62)),
    ],
)
def test_a_market_time_is_said_by_the_clock(at: int, said: str) -> None:
    assert market_time(at) == said


def test_bare_milliseconds_become_times_and_names_stay() -> None:
    said = "bar 1704088019999 of EMA001-1704088019-E0, {'BTCUSDT': 1704087959999}, 17040880199991."
    assert readable(said) == (
        "bar 05:47 of EMA001-1704088019-E0, {'BTCUSDT': 05:46}, 17040880199991."
    )
    assert readable("at bar 1704088019999.", day=True) == "at bar 2024-01-01 05:47."


def test_both_clocks_move_a_play_to_the_right() -> None:
    clock = build_clock([(0, 1000), (4 * SECOND, 1000), (5 * SECOND, 1000 + MINUTE)], lives=2)
    assert clock is not None
    assert [round(place) for place in clock.places] == [0, 24, 100]
    assert clock.at(2 * SECOND) == pytest.approx(12)
    assert (clock.first(1000), round(clock.last(1000))) == (0, 24), "it stood still for long"
    assert clock.market(3 * SECOND) == 1000


def test_a_clock_never_goes_back() -> None:
    moments = [(n * SECOND, market) for n, market in enumerate((10, 30, 20, 40))]
    clock = build_clock(moments, lives=3)
    assert clock is not None
    assert all(before <= after for before, after in pairwise(clock.places))
    assert build_clock([(1, 1)], lives=1) is None


# the drawing


def test_ticks_are_round_and_few() -> None:
    assert ticks(59_210.0, 60_390.0, 4) == [59_500.0, 60_000.0]
    assert ticks(0.0612, 0.0688, 4) == [0.062, 0.064, 0.066, 0.068]
    assert ticks(5.0, 5.0, 4) == [5.0]


def test_each_life_is_drawn_with_its_start_and_its_end() -> None:
    boxes = [box.title for box in drawn().boxes if box.kind.startswith("life")]
    assert boxes == [
        "life 1, starting: 2.5 s",
        "life 1, trading: 2.0 s",
        "life 2, starting: 3.9 s",
        "life 2, trading: 3.5 s",
    ]
    assert next(w.text for w in drawn().words if w.kind == "on-trading").startswith("life 1")


def test_the_kill_and_the_time_without_a_node_go_from_top_to_bottom() -> None:
    drawing = drawn()
    (kill,) = (line for line in drawing.lines if line.kind == "moment kill")
    (outage,) = (box for box in drawing.boxes if box.kind == "outage")
    assert kill.x1 == outage.x
    assert outage.title == "down 4.0 s"
    assert kill.y2 - kill.y1 > 0.8 * drawing.height
    assert outage.width > 10, "seconds without a bar have a width"


def test_a_second_node_has_a_lane_of_its_own_and_leaves_no_outage() -> None:
    beside = replace_started_beside(history())
    drawing = drawn(told_play(history=tuple(beside)))
    assert "second node" in {words.text for words in drawing.words}
    lanes = {box.y for box in drawing.boxes if box.kind.startswith("life")}
    assert len(lanes) == 2
    assert not [box for box in drawing.boxes if box.kind == "outage"]


def replace_started_beside(records: list[Record]) -> list[Record]:
    """Return a history in which the second life is started beside the first, which goes on."""
    kept = [r for r in records if not (r.kind == "node.ended" and r.data["number"] == 1)]
    return [
        msgspec.structs.replace(r, data={**r.data, "rival": True})
        if r.kind == "node.started" and r.data["number"] == 2
        else r
        for r in kept
    ]


def test_what_was_done_to_the_store_is_drawn_in_a_lane_of_its_own() -> None:
    drawing = drawn()
    (span,) = (box for box in drawing.boxes if box.kind == "ill")
    assert span.title == "store.pause: 1.0 s"
    assert "store" in {words.text for words in drawing.words if words.kind == "lane"}


def test_a_stop_is_a_level_from_its_acceptance_and_a_resting_order_another() -> None:
    paths = {curve.kind: curve.path for curve in drawn().curves}
    assert set(paths) == {"range", "price", "stop", "resting"}
    assert paths["stop"].count("M") == paths["resting"].count("M") == 1
    assert int(paths["stop"].partition("h")[2]) > 500, "it stayed to the end"


def test_a_stop_that_was_cancelled_ends_there() -> None:
    stop = next(r for r in journal() if r.kind == "conditional.accepted").data
    closed = record(3.8, "conditional.closed", BAR, **{**stop, "status": "CANCELED"})
    play = told_play(journal=tuple(sorted([*journal(), closed], key=lambda r: r.mono_ns)))
    path = next(curve.path for curve in drawn(play).curves if curve.kind == "stop")
    assert int(path.partition("h")[2]) < 100


def test_each_bar_is_drawn_from_low_to_high_and_a_fill_at_its_own_price() -> None:
    drawing = drawn()
    ranges = next(curve for curve in drawing.curves if curve.kind == "range")
    assert ranges.path.count("M") == BARS
    (mark,) = drawing.marks
    assert (mark.kind, mark.title) == ("buy", "BUY 0.010 at 60020 (EMA001-1704085250-E0)")
    assert ranges.y < mark.y < ranges.y + ranges.height


def test_the_price_begins_where_the_history_ends_and_is_flat_while_a_node_starts() -> None:
    points = next(curve.path for curve in drawn().curves if curve.kind == "price").split()
    (first, at), (second, then) = (point[1:].split(",") for point in points[:2])
    assert int(first) == 0
    assert int(second) > 50
    assert at == then


def test_the_undisturbed_position_is_drawn_beside_the_other() -> None:
    held = [box for box in drawn().boxes if box.kind.startswith("held-long")]
    assert [box.kind for box in held] == ["held-long", "held-long ghost"]
    assert held[0].x == pytest.approx(held[1].x, abs=3)
    other = told_play(reference=tuple(entry(3.5, BAR + 5 * MINUTE, side="SELL")))
    kinds = [box.kind for box in drawn(other).boxes if box.kind.startswith("held")]
    assert kinds == ["held-long", "held-short ghost"]
    alone = drawn(told_play(reference=()))
    assert not [words for words in alone.words if "undisturbed" in words.text]


def test_a_broken_promise_is_drawn_from_its_first_moment_to_its_last() -> None:
    said = (f"It is wrong at bar {BAR + n * MINUTE}." for n in range(2, 8))
    (span,) = (box for box in drawn(None, *said).boxes if box.kind == "promise")
    assert span.width > 5
    assert not [box for box in drawn().boxes if box.kind == "promise"]


def test_a_long_play_is_drawn_as_small_as_a_short_one() -> None:
    play = told_play(journal=(*journal(), *moves(20, BARS, 3000)))
    shown = fill("picture.svg.j2", drawing=drawn(play))
    assert len(shown) < 60_000


def test_no_text_is_wider_than_what_it_stands_in() -> None:
    drawing = drawn()
    for words in drawing.words:
        for box in drawing.boxes:
            if words.anchor == "middle" and box.y < words.y < box.y + box.height:
                inside = box.x < words.x < box.x + box.width
                pixels = WIDE if words.shown == "wide" else NARROW
                if inside and box.kind != "outage" and words.kind.startswith("on-"):
                    assert width_of(words.text) <= box.width / 100 * pixels + 0.1


def test_alone_it_is_a_picture_that_can_be_read() -> None:
    picture = fill("picture.svg.j2", drawing=drawn(told_play("order.new entry, processed")))
    parsed = ElementTree.fromstring(picture)  # noqa: S314 - made a line above
    titles = [element.text or "" for element in parsed.iter() if element.tag.endswith("title")]
    assert any("killed, at order.new entry, processed (3)" in title for title in titles)


# in words


def test_the_main_moments_are_told_in_order() -> None:
    told = [f"{moment.kind}: {moment.text}" for moment in main_moments(told_play())]
    assert told == [
        "kill: kill -9: life 1 was killed, while it held 0.010 BTCUSDT long; "
        "the node traded again 4.0 s later",
        "fault: store.pause begins",
        "fault: store.pause is over, after 1.0 s",
    ]


def test_what_the_exchange_says_twice_is_told_once() -> None:
    stop = next(r for r in journal() if r.kind == "conditional.accepted").data
    twice = [record(11 + n / 100, "conditional.triggered", BAR, **stop) for n in range(2)]
    told = all_moments(told_play(journal=(*journal(), *twice)))
    assert sum(moment.text.startswith("triggered") for moment in told) == 1


def test_a_node_that_ended_by_itself_is_told_with_its_code_and_words() -> None:
    ended = [record(0, "opened"), *life(1, 0, 1, 75, 2)]
    (moment,) = main_moments(ToldPlay(tuple(ended), tuple(journal())))
    assert moment.text == "life 1 ended by itself with code 75: Gone.; none traded after it"


def test_a_machine_that_was_late_is_told() -> None:
    late = [*NIGHT, record(3, "machine.late", seconds=2.5)]
    told = [moment.text for moment in main_moments(ToldPlay(tuple(late), tuple(journal())))]
    assert "the machine was late: the drill itself lost 2.5 s" in told


def test_a_broken_promise_is_told_with_its_moment_what_was_around_it_and_the_log(
    tmp_path: Path,
) -> None:
    (tmp_path / "node-2.log").write_text(log())
    play = told_play(logs={2: tmp_path / "node-2.log"})
    (found,) = breaks(play, LOST)
    assert found.when == "05:13, 8.6 s into the play"
    assert [moment.text for moment in found.before][-2:] == ["life 2 is started", "life 2 trades"]
    assert found.after[0].text == "store.pause begins"
    assert found.life == 2
    told = [(line.kind, line.at) for line in found.log]
    assert told == [("", False), ("warning", False), ("error", False), ("", True)]


def test_one_promise_at_many_bars_is_one_finding_with_a_span() -> None:
    (found,) = breaks(told_play(), *flooded().checks[0].broken[:8])
    (finding,) = found.findings
    assert finding.times == 8
    assert finding.sentence.startswith("The node holds 0 BTCUSDT at bar 05:01")
    assert (finding.until.partition(",")[0], found.when.partition(",")[0]) == ("05:08", "05:01")


@pytest.mark.parametrize(
    ("sentence", "seconds"),
    [
        ("The node holds nothing after its first start.", 2.6),
        ("Order EMA001-1704085250-E0 repeats a decision.", 3.5),
        ("Life 2 of the node was still trading 0.5 s into store.pause.", 10.0),
        ("Lives 1 and 2 of the node traded at the same time.", 8.5),
        ("It was order.filled EMA001-170408525-E0, then order.accepted EMA001-1704085250-E0.", 3.5),
        ("Then it was conditional.accepted EMA001-1704085250-S0 (SELL 0.010).", 3.51),
        ("The moon is missing.", None),
    ],
)
def test_a_sentence_tells_its_moment(sentence: str, seconds: float | None) -> None:
    play = told_play()
    at = Finder(play, all_moments(play)).moment_of(sentence)
    assert at == (None if seconds is None else int(seconds * SECOND))


def test_promises_that_break_together_are_told_together_and_those_without_a_moment_last() -> None:
    first = "Life 1 is wrong after its first start."
    found = breaks(told_play(), "The moon is missing.", LOST, first, LOST.replace("0.010", "0.020"))
    assert [len(each.findings) for each in found] == [1, 2, 1]
    assert found[-1].when == ""


def test_a_second_sentence_of_the_same_kind_is_another_promise() -> None:
    said = spans(["A at bar 1704088019999.", "B.", "A at bar 1704088079999.", "A after restart 3."])
    assert [(each.first, each.times) for each in said] == [
        ("A at bar 1704088019999.", 3),
        ("B.", 1),
    ]
    assert said[0].sentence == "A at bar 05:47. (found 3 times, until after restart 3)"
    assert [s.times for s in spans(["It went while deaf.", "It went now."], ["while deaf"])] == [
        1,
        1,
    ]


# the log


def test_lines_of_a_log_are_found_by_their_times() -> None:
    assert stamp_of("2026-11-29T13:46:40.5Z [INFO] x") == WALL + SECOND // 2
    assert stamp_of('{"event": "stage", "wall_ns": 17}') == 17
    assert stamp_of("2026-11-29 13:46:40,250 x") == WALL + SECOND // 4
    assert stamp_of("2026-13-45T99:46:40Z x") is None
    assert stamp_of("  File x, line 3") is None


def test_a_line_without_a_time_belongs_to_the_one_before() -> None:
    lines = ["2026-11-29T13:46:40Z [ERROR] it failed", "  Traceback", "2026-11-29T13:46:50Z later"]
    told = lines_around(lines, WALL + 5 * SECOND)
    assert [(line.text, line.at) for line in told] == list(
        zip(lines, (False, False, True), strict=True)
    )


def test_of_a_log_without_times_the_last_lines_are_told_and_colours_are_left_out() -> None:
    told = lines_around([f"\x1b[31mline {n}\x1b[0m" for n in range(30)], WALL)
    assert [line.text for line in told] == [f"line {n}" for n in range(22, 30)]


def test_a_scenario_without_records_has_nothing_to_draw() -> None:
    assert draw(ToldPlay(), []) is None
    assert all_moments(ToldPlay()) == []
    limit = order_row(type="LIMIT")
    only = ToldPlay((record(0, "opened"),), (record(0, "order.accepted", BAR, **limit),))
    assert draw(only, main_moments(only)) is None
    assert verdict().scenarios[1].broken, "what broke is told all the same"
    assert len(breaks(ToldPlay(), LOST)) == 1
    assert replace(told_play(), journal=()).clock is None
