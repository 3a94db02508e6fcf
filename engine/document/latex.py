"""A figure as it is put into a paper: \\includegraphics with a caption that says what it shows."""

from __future__ import annotations

import re

from engine.comparison.sentence import shared_summary
from engine.document.comparison_figure import comparison_figure
from engine.document.export_plan import Comparison
from engine.figures.contents import figure_levels
from engine.figures.style import FigureStyle
from engine.measures.phi import PHI
from engine.measures.significance import FALSE_DISCOVERY_RATE
from engine.sources.source import told_apart
from engine.wording import number_text

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_DELTA = r"\Delta "
_MOST_PROJECTIONS = 4  # whose medians a caption has room for


def latex_figure(comparison: Comparison, style: FigureStyle, file: str = "figure.pdf") -> str:
    """A figure environment; its caption states view, side, adapters, ranks, layers, range, chance, what is shared.

    Raises:
        ExportFailure: the comparison has no panels, or not those of its preset.
    """
    results = comparison.figure_results
    low, high = figure_levels(comparison_figure(comparison, style).contents, style)
    names = (result.pair.path.layer_name(style.count_from) for result in results)
    layers = list(dict.fromkeys(filter(None, names)))
    projections = list(dict.fromkeys(result.pair.path.projection for result in results))
    chances = sorted(
        {round(float(PHI.chance(r.pair.shape, r.facts.dimension).expected[-1, -1]), 4) for r in results}
    )  # fmt: skip
    chance = f"{chances[0]:g}" if len(chances) == 1 else f"{chances[0]:g} to {chances[-1]:g}"
    where = f" in layer{'s' if len(layers) > 1 else ''} {_listed(layers)}" if layers else ""
    first, second = told_apart(comparison.first, comparison.second)
    caption = (
        f"Normalised {style.view.latex} of the {_math(comparison.side.words)} of {_escaped(first)} "
        f"($r={_ranks(comparison, 0)}$) and {_escaped(second)} ($r={_ranks(comparison, 1)}$){where}, "
        f"for {_listed(projections)}~\\citep{{hu2022lora}}. Colours run from {_number(low)} to {_number(high)}; "
        f"random subspaces have {chance} on average at full rank.{_untrained(comparison)}{_shared(comparison)}"
    )
    width = r"\linewidth" if style.width is None else f"{style.width:g}in"
    return (
        "\\begin{figure}[t]\n  \\centering\n"
        f"  \\includegraphics[width={width}]{{{file}}}\n"
        f"  \\caption{{{caption}}}\n  \\label{{fig:subspace-similarity}}\n\\end{{figure}}\n"
    )


def _untrained(comparison: Comparison) -> str:
    """In how many modules of the figure B is zero."""
    results = comparison.figure_results
    zero = sum(bool(result.pair.untrained) for result in results)
    return f" In {zero} of these {len(results)} modules an adapter is untrained, its $B$ being zero." if zero else ""


def _shared(comparison: Comparison) -> str:
    """The comparison's sentence in short, about every module compared; empty where s has no value."""
    summary = shared_summary(comparison.results)
    groups = summary.projections
    if not groups:
        return ""
    ranks = sorted({rank for group in groups for rank in group.ranks})
    of = f"{ranks[0]}" if len(ranks) == 1 else f"{ranks[0]} to {ranks[-1]}"
    medians = {group.name: f"${number_text(group.median, summary.decimals).replace('−', '-')}$" for group in groups}
    if summary.defined == 1:
        return f" At full rank they share {medians.popitem()[1]} of {of} directions beyond chance."
    if len(groups) <= _MOST_PROJECTIONS:
        shares = _joined([f"{median} ({_escaped(name)})" for name, median in medians.items()])
    else:
        ends = [group.name for group in sorted(groups, key=lambda group: group.median)]
        least, most = (f"{medians[name]} ({_escaped(name)})" for name in (ends[0], ends[-1]))
        shares = f"from {least} to {most}"
    return (
        f" At full rank the median module shares {shares} of {of} directions beyond chance; {summary.beyond} of "
        f"{summary.defined} modules lie beyond chance (Benjamini--Hochberg, $q={FALSE_DISCOVERY_RATE:g}$)."
    )


def _ranks(comparison: Comparison, which: int) -> str:
    ranks = sorted({result.pair.shape[which] for result in comparison.figure_results})
    return str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}\\ldots {ranks[-1]}"


def _number(value: float) -> str:
    return f"{value:g}" if value >= 0 else f"${value:g}$"


def _math(words: str) -> str:
    """Words with their matrix in mathematical type."""
    return re.sub(r"ΔW|\b[AB]\b", lambda matrix: f"${matrix[0].replace('Δ', _DELTA)}$", words)


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)


def _listed(items: list[str]) -> str:
    return _joined([_escaped(item) for item in items])


def _joined(texts: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(texts[:-1]), texts[-1]))) if texts else ""
