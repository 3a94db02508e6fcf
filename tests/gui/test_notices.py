"""Notices over the figure's edge: all can be read, cautions before news, and nothing moves because of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.figures.presets import Preset
from engine.side import Side
from gui.parts.notice_list import NoticeList, reading_time
from gui.state.notice import Notice, Offer, Scope, Severity
from gui.window.main_window import MainWindow
from tests.adapters import Matrix, llama_modules, write_peft_adapter
from tests.gui.conftest import DEMO, R8, load, wait_until_done, wait_until_open

LONG = "A caution that is so long that it cannot stand in one line of any window, " * 4


def _press(key: Qt.Key) -> None:
    focus = QApplication.focusWidget()
    assert focus is not None
    QTest.keyClick(focus, key)


def _sentences(notices: NoticeList) -> list[str]:
    return [notice.sentence for notice in notices.in_reading_order]


# --- which there are ---


def test_errors_and_cautions_are_read_before_news_and_the_newest_first(qapp: QApplication) -> None:
    notices = NoticeList()
    for notice in (
        Notice.caution("old caution"), Notice.error("old error"), Notice.news("old news"),
        Notice.caution("new caution"), Notice.news("new news"), Notice.error("new error"),
    ):  # fmt: skip
        notices.add(notice)
    assert _sentences(notices) == ["new error", "old error", "new caution", "old caution", "new news", "old news"]


def test_closing_one_closes_one(qapp: QApplication) -> None:
    notices = NoticeList()
    for sentence in ("one", "two", "three"):
        notices.add(Notice.caution(sentence))
    notices.close(notices.in_reading_order[1])
    assert _sentences(notices) == ["three", "one"]


def test_of_a_key_or_of_the_same_words_there_is_one(qapp: QApplication) -> None:
    notices = NoticeList()
    arrived: list[Notice] = []
    notices.arrived.connect(arrived.append)
    notices.add(Notice.caution("ties in 3 modules", key="ties"))
    notices.add(Notice.error("no such file"))
    notices.add(Notice.error("no such file"))
    notices.add(Notice.caution("ties in 5 modules", "details", key="ties"))
    assert _sentences(notices) == ["no such file", "ties in 5 modules"]
    assert [notice.sentence for notice in arrived] == ["ties in 3 modules", "no such file", "no such file"]


def test_what_they_speak_of_takes_them_along(qapp: QApplication) -> None:
    notices = NoticeList()
    for scope in Scope:
        notices.add(Notice.caution(scope.name, scope=scope))
    notices.end((Scope.FIGURE,))
    assert "FIGURE" not in _sentences(notices)
    notices.end((Scope.PAIR, Scope.FILES, Scope.SIDE))
    assert _sentences(notices) == ["PROGRAM"]
    notices.add(Notice.caution("keyed", key="key", scope=Scope.PROGRAM))
    notices.withdraw("key")
    assert _sentences(notices) == ["PROGRAM"]


def test_news_go_by_themselves_and_cautions_stay(qapp: QApplication) -> None:
    notices = NoticeList()
    for notice in (Notice.news("news"), Notice.caution("caution"), Notice.error("error")):
        notices.add(notice)
    ticks = int(reading_time("news") * 4) + 1
    for _ in range(ticks - 4):
        notices._on_tick()
    assert "news" in _sentences(notices), "there is time to read them"
    for _ in range(8):
        notices._on_tick()
    assert _sentences(notices) == ["error", "caution"]
    assert not notices._timer.isActive()
    assert reading_time(LONG) > reading_time("news") + 10


def test_news_stay_while_somebody_reads_them_and_a_little_longer(qapp: QApplication) -> None:
    notices = NoticeList()
    notices.add(Notice.news("news"))
    for _ in range(int(reading_time("news") * 4) - 1):
        notices._on_tick()
    notices.is_held = lambda: True
    for _ in range(1000):
        notices._on_tick()
    notices.is_held = lambda: False
    for _ in range(11):
        notices._on_tick()
    assert _sentences(notices) == ["news"]
    notices._on_tick()
    assert _sentences(notices) == []


# --- where they are ---


def _many(window: MainWindow) -> None:
    for number in range(12):
        window.notices.add(Notice.caution(f"{number}: {LONG}", "one module\n" * 30))
    window.notices.add(Notice.error("An error."))
    window.notices.add(Notice.news("News."))


def _place(window: MainWindow, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def _settled(qtbot: QtBot, window: MainWindow) -> dict[QWidget, QRect]:
    """Where everything that can be seen is, once nothing moves by itself any more."""
    places: list[dict[QWidget, QRect]] = []
    while len(places) < 2 or places[-1] != places[-2]:
        qtbot.wait(300)
        shown = [widget for widget in window.findChildren(QWidget) if widget.isVisible()]
        places.append({widget: _place(window, widget) for widget in shown})
    return places[-1]


@pytest.mark.parametrize("size", [(1280, 720), (900, 560)])
@pytest.mark.parametrize("inspector", [False, True])
def test_they_move_nothing_and_leave_most_of_the_page_to_be_seen(
    qtbot: QtBot, window: MainWindow, size: tuple[int, int], inspector: bool
) -> None:
    load(qtbot, window, DEMO)
    window.resize(*size)
    if inspector:
        window.toggle_inspector()
    strip, header = window.notice_strip, window.pane.findChild(QWidget, "paneheader")
    assert header is not None
    for position in (0, 1, 2):
        window.show_page(position)
        before = _settled(qtbot, window)
        _many(window)
        qtbot.wait(50)
        assert {widget: _place(window, widget) for widget in before} == before
        page = _place(window, window.pane.page_seen)
        for opened in (False, True):
            strip.show_list(opened)
            qtbot.wait(1)
            place = _place(window, strip)
            assert place.top() > _place(window, header).bottom()
            assert page.contains(place)
            assert place.height() <= max(page.height() / 3, 80)
            if not opened:
                assert place.height() < 72, "two lines"
        for notice in window.notices.notices:
            window.notices.close(notice)
        assert not strip.isVisible()


def test_they_follow_the_page_and_its_size(qtbot: QtBot, window: MainWindow) -> None:
    window.notices.add(Notice.caution(LONG, scope=Scope.PROGRAM))
    assert window.notice_strip.isVisible()
    load(qtbot, window, DEMO)
    widths = []
    for width in (1280, 960, 1400):
        window.resize(width, 700)
        qtbot.wait(1)
        page = _place(window, window.pane.page_seen)
        assert page.contains(_place(window, window.notice_strip))
        widths.append(window.notice_strip.width())
    assert widths[1] < widths[0] < widths[2]


def test_every_one_can_be_read_in_the_list(qtbot: QtBot, window: MainWindow) -> None:
    _many(window)
    strip = window.notice_strip
    assert len(strip._shown()) == 2, "the error and the news"
    qtbot.mouseClick(strip._shown()[0]._more, Qt.MouseButton.LeftButton)
    assert strip.is_open
    assert [row.notice for row in strip._shown()] == list(window.notices.in_reading_order)
    assert all(row._sentence.text() == row.notice.sentence for row in strip._shown())
    assert "cautions" in strip.accessibleDescription()


def test_a_click_on_the_line_opens_the_list(qtbot: QtBot, window: MainWindow) -> None:
    window.notices.add(Notice.caution(LONG))
    row = window.notice_strip._shown()[0]
    assert row._sentence.text() != LONG
    assert row._more.isVisible()
    qtbot.mouseClick(row._sentence, Qt.MouseButton.LeftButton)
    assert row._sentence.text() == LONG


def test_copy_details_copies_all(qtbot: QtBot, window: MainWindow) -> None:
    window.notices.add(Notice.caution("A caution.", "of one module\nof another"))
    window.notices.add(Notice.error("An error.", "Traceback"))
    window.notices.add(Notice.news("News."))
    window.notice_strip.show_list(True)
    qtbot.mouseClick(window.notice_strip._copy, Qt.MouseButton.LeftButton)
    wanted = "An error.\nTraceback\n\nA caution.\nof one module\nof another\n\nNews."
    assert QGuiApplication.clipboard().text() == wanted


def test_what_is_offered_can_be_done(qtbot: QtBot, window: MainWindow) -> None:
    done: list[str] = []
    window.notices.add(
        Notice.caution("Changed.", offer=Offer("Reload", "Read it again", lambda: done.append("reloaded")))
    )
    row = window.notice_strip._shown()[0]
    assert row._offer is not None
    qtbot.mouseClick(row._offer, Qt.MouseButton.LeftButton)
    assert done == ["reloaded"]


# --- keyboard and screen readers ---


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Delete])
def test_one_is_closed_by_a_key_and_nothing_else_happens(qtbot: QtBot, window: MainWindow, key: Qt.Key) -> None:
    load(qtbot, window, DEMO)
    window.figure.zoom("1_v")
    for sentence in ("one", "two"):
        window.notices.add(Notice.caution(sentence))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for left in (["one"], []):
        window.notice_strip._shown()[0]._close.setFocus(Qt.FocusReason.TabFocusReason)
        _press(key)
        assert _sentences(window.notices) == left
        assert window.figure.zoomed, "Esc was not the window's"
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.figure.zoomed


def test_the_focus_stays_with_the_notices_that_are_left(qtbot: QtBot, window: MainWindow) -> None:
    for number in range(4):
        window.notices.add(Notice.caution(str(number)))
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    strip = window.notice_strip
    strip.show_list(True)
    strip._shown()[1]._close.setFocus(Qt.FocusReason.TabFocusReason)
    _press(Qt.Key.Key_Delete)
    assert QApplication.focusWidget() is strip._shown()[1]._close
    QTest.keyClick(strip._copy, Qt.Key.Key_Escape)
    assert not strip.is_open
    assert len(window.notices.notices) == 3


def test_a_screen_reader_is_told(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, object]] = []
    real = QAccessible
    stand_in = SimpleNamespace(
        AnnouncementPoliteness=real.AnnouncementPoliteness,
        updateAccessibility=lambda event: told.append((event.message(), event.politeness())),
    )
    monkeypatch.setattr("gui.parts.notices.QAccessible", stand_in)
    window.notices.add(Notice.news("News."))
    window.notices.add(Notice.error("An error."))
    politeness = real.AnnouncementPoliteness
    assert told == [("News: News.", politeness.Polite), ("Error: An error.", politeness.Assertive)]


def test_news_are_held_while_the_mouse_or_the_focus_is_there(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.setFocus()
    window.notices.add(Notice.news("News."))
    strip = window.notice_strip
    strip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    assert not window.notices.is_held()
    strip._shown()[0]._close.setFocus()
    assert window.notices.is_held()
    window.setFocus()
    strip.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    assert window.notices.is_held()


# --- what is told ---


def test_presets_tried_one_after_the_other_leave_one_notice(qtbot: QtBot, window: MainWindow) -> None:
    load(qtbot, window, DEMO)
    for preset in (Preset.FIG7, Preset.FIG4, Preset.FIG7):
        window.session.show_preset(preset)
        notice, *others = window.notices.notices[::-1]
        assert [other.key for other in others] == ["range"] * (preset is Preset.FIG4), "φ exceeds its range"
        assert notice.severity is Severity.NEWS
        assert preset.title in notice.sentence
    window.session.show_preset(Preset.FIG3)
    (notice,) = window.notices.notices
    assert notice.severity is Severity.CAUTION
    assert "compares two ranks" in notice.sentence
    window.selector.choose_spread_layers()
    assert window.notices.notices == ()


def test_untrained_adapters_and_other_base_models_are_told_on_every_side(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    window.session.store.change(side=Side.DW_RIGHT)
    modules = llama_modules(2)
    paths = (
        write_peft_adapter(tmp_path / "a", modules, 4, seed=1, config={"base_model_name_or_path": "one"}),
        write_peft_adapter(
            tmp_path / "b", modules, 4, seed=2, config={"base_model_name_or_path": "two"}, zero_B=True
        ),
    )
    window.session.places.open_paths(paths)
    wait_until_open(qtbot, window)
    qtbot.waitUntil(lambda: len(window.notices.notices) == 2, timeout=20_000)
    said = " ".join(_sentences(window.notices))
    assert "base models" in said
    assert "every module of b: untrained" in said
    window.session.places.clear(next(iter(window.cards)))
    assert window.notices.notices == ()


def test_what_was_closed_is_not_told_again_of_the_same_pair(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    def deficient(rng: np.random.Generator, _factor: str, shape: tuple[int, int]) -> Matrix:
        return rng.standard_normal((shape[0], 2)) @ rng.standard_normal((2, shape[1]))

    paths = tuple(
        write_peft_adapter(tmp_path / str(seed), llama_modules(3), 4, seed=seed, draw=deficient, dtype="float64")
        for seed in (1, 2)
    )
    load(qtbot, window, paths)
    qtbot.waitUntil(lambda: len(window.notices.notices) == 1, timeout=20_000)
    (notice,) = window.notices.notices
    assert "of A is below r in 6 of 6 modules" in notice.sentence
    assert len(notice.details.splitlines()) == 6
    window.session.store.change(side=Side.B)
    wait_until_done(qtbot, window)
    qtbot.waitUntil(lambda: "of B is" in " ".join(_sentences(window.notices)), timeout=20_000)
    assert len(window.notices.notices) == 1, "what was said of A has gone with it"
    window.notices.close(window.notices.notices[0])
    window.session.store.change(side=Side.A)
    qtbot.waitUntil(lambda: "of A is" in " ".join(_sentences(window.notices)), timeout=20_000)
    window.session.store.change(side=Side.B)
    qtbot.wait(700)
    assert not _sentences(window.notices)
    load(qtbot, window, R8)
    qtbot.wait(700)
    assert not _sentences(window.notices)


def test_what_is_left_out_is_counted_in_plain_english(window: MainWindow) -> None:
    window.session.places.open_paths([*R8, DEMO[0]])
    assert window.notices.notices[-1].sentence.endswith("1 other was left out.")
    window.session.places.open_paths([*R8, *DEMO])
    assert window.notices.notices[-1].sentence.endswith("2 others were left out.")
