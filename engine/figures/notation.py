"""What a figure for a paper says, in mathtext: its title, what its colours stand for, the names of its panels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.comparison.outcome import SideResult
from engine.measures.view import Title, View, bar_labels, figure_title
from engine.side import Side

_POINTS = 72.0


@dataclass(frozen=True)
class FigureText:
    """What a figure says besides its panels, in mathtext; the short label stands beside a short bar."""

    title: str
    bar_label: str = ""
    short_bar_label: str = ""


def figure_text(side: Side, view: View, results: Sequence[SideResult]) -> FigureText:
    """The title of the results at hand, and what the colours stand for: `φ, right-singular vectors of A`."""
    title = _title_math(figure_title(view, side, [result.pair.shape for result in results]))
    return FigureText(title, *map(_set_in_math, bar_labels(view, side)))


def _title_math(title: Title) -> str:
    """φ(A_{r=64}, A'_{r=64}, i, j) for the ranks at hand."""
    matrix = _math(title.matrix)
    first, second = (_ranks(*ranks) for ranks in (title.first_ranks, title.second_ranks))
    return (
        rf"${_math(title.letter)}({matrix}_{{r={first}}},\ {matrix}^{{\prime}}_{{r={second}}},\ i,\ j)"
        f"{_math(title.rest)}$"
    )


def _set_in_math(text: str) -> str:
    """A text with its symbols in mathematical type."""
    return re.sub(r"φ|ΔW|\b[zAB]\b", lambda symbol: f"${_math(symbol[0])}$", text)


def _math(symbol: str) -> str:
    upright = re.sub(r"\b[a-z]{2,}\b", lambda word: rf"\mathrm{{{word[0]}}}", symbol)
    return upright.replace("Δ", r"\Delta ").replace("φ", r"\phi").replace("−", "-")


def _ranks(low: int, high: int) -> str:
    return str(low) if low == high else rf"{low}\ldots{high}"


def projection_math(projection: str) -> str:
    """ΔW with its projection as a subscript, in mathtext."""
    subscript = projection if len(projection) == 1 else rf"\mathrm{{{_escaped(projection)}}}"
    return rf"$\Delta W_{{{subscript}}}$"


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in r"\_#$%&{}^~" else char for char in text)


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in inches: an upper bound for ordinary words in DejaVu Sans."""
    return len(text) * 0.66 * size / _POINTS


def letter(number: int) -> str:
    """a, b, …, z, aa, ab, …"""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[number] if number < len(letters) else letters[number // 26 - 1] + letters[number % 26]
