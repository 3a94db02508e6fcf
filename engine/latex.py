"""A figure as it is put into a paper: \\includegraphics with a caption that says what it shows."""

from __future__ import annotations

from engine.chance import expected_similarity
from engine.export import figure_plan
from engine.export_plan import Comparison
from engine.figure import figure_levels
from engine.figure_style import FigureStyle
from engine.side import Side
from engine.views import View

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
_SIDES = {
    Side.A: "right-singular vectors of $A$",
    Side.B: "left-singular vectors of $B$",
    Side.DW_RIGHT: r"right-singular vectors of $\Delta W$",
    Side.DW_LEFT: r"left-singular vectors of $\Delta W$",
}
_VIEWS = {
    View.PHI: r"subspace similarity $\phi(i, j)$",
    View.ABOVE_CHANCE: r"subspace similarity above chance, $\phi(i, j) - \max(i, j)/d$,",
    View.Z: r"distance of the subspace similarity $\phi(i, j)$ from chance in standard deviations",
}


def latex_figure(comparison: Comparison, style: FigureStyle, file: str = "figure.pdf") -> str:
    """A figure environment; its caption states view, side, adapters, ranks, layers, range and chance.

    Raises:
        ExportFailure: the comparison has no panels, or not those of its preset.
    """
    results = comparison.figure_results
    plan = figure_plan(comparison, style)
    low, high = figure_levels(plan, style)
    names = (result.pair.path.layer_name(style.count_from) for result in results)
    layers = list(dict.fromkeys(filter(None, names)))
    projections = list(dict.fromkeys(result.pair.path.projection for result in results))
    chances = sorted(
        {round(float(expected_similarity(*r.pair.shape, r.similarity.dimension)[-1, -1]), 4) for r in results}
    )  # fmt: skip
    chance = f"{chances[0]:g}" if len(chances) == 1 else f"{chances[0]:g} to {chances[-1]:g}"
    where = f" in layer{'s' if len(layers) > 1 else ''} {_listed(layers)}" if layers else ""
    caption = (
        f"Normalised {_VIEWS[style.view]} of the {_SIDES[comparison.side]} of {_escaped(comparison.first.name)} "
        f"($r={_ranks(comparison, 0)}$) and {_escaped(comparison.second.name)} ($r={_ranks(comparison, 1)}$){where}, "
        f"for {_listed(projections)}~\\citep{{hu2022lora}}. Colours run from {low:g} to {high:g}; "
        f"random subspaces reach {chance} at full rank."
    )
    width = r"\linewidth" if style.width is None else f"{style.width:g}in"
    return (
        "\\begin{figure}[t]\n  \\centering\n"
        f"  \\includegraphics[width={width}]{{{file}}}\n"
        f"  \\caption{{{caption}}}\n  \\label{{fig:subspace-similarity}}\n\\end{{figure}}\n"
    )


def _ranks(comparison: Comparison, which: int) -> str:
    ranks = sorted({result.pair.shape[which] for result in comparison.figure_results})
    return str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}\\ldots {ranks[-1]}"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in text)


def _listed(items: list[str]) -> str:
    escaped = [_escaped(item) for item in items]
    return " and ".join(filter(None, (", ".join(escaped[:-1]), escaped[-1]))) if escaped else ""
