"""Layers as people type them, `1,32,64-96`, the pairs that a selection picks, and what of it is not there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.matching.pairing import ModulePair
from engine.wording import listed

# Longer numbers are no layer of any model; they are names, which nothing is called by.
_NUMBER = re.compile(r"\s*(\d{1,9})\s*$", re.ASCII)
_RANGE = re.compile(r"\s*(\d{1,9})\s*[-–]\s*(\d{1,9})\s*$", re.ASCII)
_LISTED = 8


@dataclass(frozen=True)
class LayerSelection:
    """Layers by number (single or as ranges, in the order typed) and by label (`down.1.0`)."""

    ranges: tuple[tuple[int, int], ...]
    labels: tuple[str, ...]

    def holds(self, label: str) -> bool:
        """Whether the layer with this label, as ModulePath.layer_label gives it, is selected."""
        if label in self.labels:
            return True
        return label.isdecimal() and any(low <= int(label) <= high for low, high in self.ranges)

    def missing(self, labels: Iterable[str]) -> list[str]:
        """What was typed and is not among these labels: `9`, the end `65-96` of a range, `down.7`; each once."""
        there = set(labels)
        numbers = sorted(int(label) for label in there if label.isdecimal())
        gaps = [gap for low, high in self.ranges for gap in _gaps(low, high, numbers)]
        absent = [str(low) if low == high else f"{low}-{high}" for low, high in gaps]
        return list(dict.fromkeys([*absent, *(label for label in self.labels if label not in there)]))


def _gaps(low: int, high: int, numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The parts of a range between these ascending numbers."""
    for number in numbers:
        if low <= number <= high:
            if low < number:
                yield low, number - 1
            low = number + 1
    if low <= high:
        yield low, high


def parse_layers(text: str, count_from: int = 1) -> LayerSelection:
    """Read `1,32,64-96`; the numbers of the answer are those of the text.

    Raises:
        ValueError: an item is empty, or a range runs backwards or starts too low; the message says which.
    """
    ranges, labels = [], []
    for item in text.split(","):
        match = _RANGE.match(item) or _NUMBER.match(item)
        word = item.strip()
        if match:
            low, high = int(match[1]), int(match[match.lastindex or 1])
            if low < count_from or high < low:
                raise ValueError(f"'{word}' is no range of layers; layers count from {count_from}")
            ranges.append((low, high))
        elif word:
            labels.append(word)
        else:
            raise ValueError("there is an empty item between the commas")
    return LayerSelection(tuple(ranges), tuple(labels))


def renumbered(text: str, before: int, now: int) -> str:
    """Typed layers that mean the same where the first layer, which had the number `before`, has the number `now`.

    Labels stay as they are, and so does text that cannot be read.
    """
    try:
        parse_layers(text, before)
    except ValueError:
        return text
    return ",".join(
        re.sub(r"\d+", lambda digits: str(int(digits[0]) + now - before), item)
        if _RANGE.match(item) or _NUMBER.match(item) else item
        for item in text.split(",")
    )  # fmt: skip


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


def unmatched(
    pairs: Sequence[ModulePair], layers: LayerSelection | None, projections: Sequence[str] | None
) -> list[str]:
    """What was asked for and picks none of these pairs, in sentences."""
    labels = list(dict.fromkeys(pair.path.layer_label for pair in pairs if pair.path.layer_label))
    names = list(dict.fromkeys(pair.path.projection for pair in pairs))
    said = []
    if layers is not None:
        said.append(absent("layer", layers.missing(labels)))
    if projections is not None:
        said.append(absent("projection", [name for name in dict.fromkeys(projections) if name not in names]))
    if layers is not None and projections is not None:
        picked = {pair.path.layer_label for pair in select_pairs(pairs, layers, projections)}
        said.append(_without([label for label in labels if layers.holds(label) and label not in picked]))
    return [sentence for sentence in said if sentence]


def absent(noun: str, names: Sequence[str]) -> str:
    """`There is no layer 9 to compare.`, or empty where there are no names."""
    if not names:
        return ""
    several = len(names) > 1 or _RANGE.match(names[0]) is not None
    return f"There {f'are no {noun}s' if several else f'is no {noun}'} {listed(names, _LISTED)} to compare."


def _without(labels: Sequence[str]) -> str:
    if not labels:
        return ""
    which = f"Layer {labels[0]} has" if len(labels) == 1 else f"Layers {listed(labels, _LISTED)} have"
    return f"{which} none of these projections."
