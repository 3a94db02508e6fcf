"""How facts are put into words for a reader."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.naming.headings import heading_text
from engine.naming.module_path import ModulePath
from engine.sources.source import Source
from engine.wording import count, file_size, number_text

if TYPE_CHECKING:  # NumPy stays out of the window's first paint
    from engine.measures.view import Title


def adapter_facts(adapter: Source) -> str:
    """`PEFT · r 64 · 12 modules · 6 layers · float32 · 2.4 MB`."""
    facts = [adapter.format, f"r {number_range(adapter.ranks)}", count(len(adapter.modules), "module")]
    if adapter.layer_count:
        facts.append(count(adapter.layer_count, "layer"))
    facts.append(", ".join(adapter.dtypes))
    facts.append(scaling(adapter))
    facts.append(file_size(adapter.file.files.size))
    return "\u00a0· ".join(fact.replace(" ", "\u00a0") for fact in facts if fact)


def scaling(adapter: Source) -> str:
    """`α/r 0.125`, a range of them, or empty where the file does not tell."""
    scalings = sorted({module.scaling for module in adapter.modules if module.scaling is not None})
    if not scalings:
        return ""
    if len(scalings) == 1:
        return f"scaling {scalings[0]:.4g}"
    return f"scaling {scalings[0]:.4g}–{scalings[-1]:.4g}"


def number_range(numbers: Sequence[int]) -> str:
    """`64`, or `4–16`."""
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"


def grouped(number: int) -> str:
    """`2 400`: digits by threes, with narrow spaces that do not break."""
    return f"{number:,}".replace(",", "\u202f")


def duration(seconds: float) -> str:
    """`40 ms`, `0.8 s`, `12 s`, `3:05 min`."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def place_text(path: ModulePath, count_from: int) -> str:
    """Where a module sits, for a read-out: `Layer 3`, `decoder · Layer 3`, or its own name."""
    return heading_text(path, count_from) or path.name


def projection_html(projection: str) -> str:
    """ΔW with its projection as a true subscript."""
    return f"Δ<i>W</i><sub>{projection.replace('&', '&amp;').replace('<', '&lt;')}</sub>"


def title_html(title: Title) -> str:
    """`φ(A_{r=64}, A′_{r=64}, i, j) − chance`, with true subscripts."""
    matrix = title.matrix.replace("W", "<i>W</i>") if len(title.matrix) > 1 else f"<i>{title.matrix}</i>"
    first, second = (number_range(sorted(set(ranks))) for ranks in (title.first_ranks, title.second_ranks))
    return (
        f"<i>{title.letter}</i>({matrix}<sub><i>r</i>={first}</sub>, {matrix}′<sub><i>r</i>={second}</sub>, "
        f"<i>i</i>, <i>j</i>){title.rest}"
    )


def breakable(name: str) -> str:
    """A name that may wrap after its separators, for a narrow card."""
    return "".join(html.escape(c) + ("&#8203;" if c in "_-./" else "") for c in name)


def number(value: float, digits: int = 4) -> str:
    """A number with a real minus sign; a dash where it is undefined."""
    return number_text(value, digits)
