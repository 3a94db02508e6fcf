"""Which panels to show first: a few layers of the depth, and the projections that the paper shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.naming.module_path import ModulePath
from engine.naming.projections import projection_key

# What the paper adapts and shows; where a model has none of them its first projections stand in.
_PREFERRED = ("q", "v")
_FIRST_SHOWN_LAYERS = 4


def spread(count: int, wanted: int = _FIRST_SHOWN_LAYERS) -> list[int]:
    """Indices of `wanted` items spread over `count` like the paper's layers: first, 1/3, 2/3, last.

    The paper's 1, 32, 64, 96 of 96 are 1 and n·k/(wanted − 1), rounded.
    """
    if count <= wanted:
        return list(range(count))
    return [max(0, round(count * k / (wanted - 1)) - 1) for k in range(wanted)]


def first_selection(
    paths: Sequence[ModulePath], choose_layers: Callable[[int], list[int]] | None = None
) -> list[int]:
    """Which panels to show first: layers of the depth × the two projections that the paper shows.

    `choose_layers` gives the positions of the layers among a number of them; by default four, spread.
    """
    inside = [index for index, path in enumerate(paths) if path.layer_label]
    pool = inside or list(range(len(paths)))
    tower = _main_tower([paths[index] for index in pool])
    pool = [index for index in pool if paths[index].tower == tower]
    names = {paths[index].projection for index in pool}
    projections = [name for name in _PREFERRED if name in names]
    if len(projections) < len(_PREFERRED):
        others = sorted(names - set(projections), key=projection_key)
        projections += others[: len(_PREFERRED) - len(projections)]
    pool = [index for index in pool if paths[index].projection in projections]
    by_depth = sorted(pool, key=lambda index: paths[index].sort_key)
    layers = list(dict.fromkeys(paths[index].layer_label for index in by_depth))
    shown = {layers[position] for position in (choose_layers or spread)(len(layers))} if layers else set()
    return [index for index in pool if paths[index].layer_label in shown]


def _main_tower(paths: Sequence[ModulePath]) -> str:
    """The tower with the most layers; the first of them in natural order."""
    depth: dict[str, set[str]] = {}
    for path in paths:
        depth.setdefault(path.tower, set()).add(path.layer_label)
    return max(depth, key=lambda tower: len(depth[tower]), default="")
