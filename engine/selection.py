"""Layers as people type them, `1,32,64-96`, and the pairs that a selection picks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.pairing import ModulePair

_RANGE = re.compile(r"\s*(\d+)\s*[-–]\s*(\d+)\s*$")


@dataclass(frozen=True)
class LayerSelection:
    """Layers by number (counted from 1, single or as ranges) and by label (`down.1.0`)."""

    ranges: tuple[tuple[int, int], ...]
    labels: frozenset[str]

    def holds(self, label: str) -> bool:
        """Whether the layer with this label, as ModulePath.layer_label gives it, is selected."""
        if label in self.labels:
            return True
        return label.isdecimal() and any(low <= int(label) <= high for low, high in self.ranges)


def parse_layers(text: str, count_from: int = 1) -> LayerSelection:
    """Read `1,32,64-96`; the numbers of the answer are those of the text.

    Raises:
        ValueError: an item is empty, or a range runs backwards or starts too low; the message says which.
    """
    ranges, labels = [], set()
    for item in text.split(","):
        match = _RANGE.match(item)
        word = item.strip()
        if match or word.isdecimal():
            low, high = (int(match[1]), int(match[2])) if match else (int(word), int(word))
            if low < count_from or high < low:
                raise ValueError(f"'{word}' is no range of layers; layers count from {count_from}")
            ranges.append((low, high))
        elif word:
            labels.add(word)
        else:
            raise ValueError("there is an empty item between the commas")
    return LayerSelection(tuple(ranges), frozenset(labels))


def select_pairs(
    pairs: Sequence[ModulePair], layers: LayerSelection | None, projections: Iterable[str] | None
) -> tuple[ModulePair, ...]:
    """The pairs in these layers and of these projections, in their own order; None means all."""
    wanted = None if projections is None else set(projections)
    return tuple(
        pair
        for pair in pairs
        if (layers is None or layers.holds(pair.path.layer_label))
        and (wanted is None or pair.path.projection in wanted)
    )
