"""Layers, projections and modules as programs name them; a name that is nobody's is refused with what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from engine.errors import InvalidSetting, UnknownName
from engine.matching.pairing import ModulePair
from engine.matching.selection import LayerSelection, absent, parse_layers, select_pairs

Layers = str | int | Iterable[int | str]
Names = str | Iterable[str]

_LISTED = 8


def read_names(names: Names) -> tuple[str, ...]:
    """Names, each once: of a text those between its commas."""
    each = (name.strip() for name in names.split(",")) if isinstance(names, str) else names
    return tuple(dict.fromkeys(filter(None, each)))


def read_layers(layers: Layers) -> LayerSelection:
    """Layers counted from 1, or by label: `"1,32-64"`, `3`, or several of both.

    Raises:
        InvalidSetting: they cannot be read.
    """
    try:
        read = [parse_layers(str(item)) for item in ([layers] if isinstance(layers, (str, int)) else layers)]
    except ValueError as error:
        raise InvalidSetting(f"The layers cannot be read: {error}.", found=layers) from error
    ranges = tuple(chain.from_iterable(each.ranges for each in read))
    return LayerSelection(ranges, tuple(chain.from_iterable(each.labels for each in read)))


@dataclass(frozen=True)
class Wanted:
    """Which modules are chosen; None for all."""

    layers: LayerSelection | None = None
    projections: tuple[str, ...] | None = None

    @classmethod
    def read(cls, layers: Layers | None, projections: Names | None) -> Wanted:
        """As `read_layers` and `read_names` read them."""
        return cls(
            None if layers is None else read_layers(layers), None if projections is None else read_names(projections)
        )

    @property
    def is_part(self) -> bool:
        """Whether anything was chosen."""
        return self.layers is not None or self.projections is not None

    def among(self, pairs: Sequence[ModulePair]) -> tuple[ModulePair, ...]:
        """Those of the pairs that are chosen.

        Raises:
            UnknownName: a layer or a projection is in none of them.
        """
        refuse_absent(pairs, self.layers, self.projections)
        return select_pairs(pairs, self.layers, self.projections)


def refuse_absent(
    pairs: Sequence[ModulePair], layers: LayerSelection | None, projections: Sequence[str] | None
) -> None:
    """See that every layer and projection that is asked for is there.

    Raises:
        UnknownName: one is not.
    """
    if layers is not None and (missing := layers.missing(_labels(pairs))):
        raise _unknown("layer", missing, _labels(pairs))
    names = _projections(pairs)
    if missing := [name for name in projections or () if name not in names]:
        raise _unknown("projection", missing, names)


def pair_called(pairs: Sequence[ModulePair], name: str, layer: int | str | None = None) -> ModulePair:
    """The pair that a slug or a module's name names, or the one of a projection, in a layer where that is given.

    Raises:
        UnknownName: there is none, or more than one.
    """
    if layer is None:
        found = _by_name(pairs, name)
    else:
        refuse_absent(pairs, LayerSelection((), (str(layer),)), [name])
        found = [pair for pair in pairs if (pair.path.projection, pair.path.layer_label) == (name, str(layer))]
    if len(found) == 1:
        return found[0]
    raise _several(found, name, layer) if found else _nobody(pairs, name, layer)


def _by_name(pairs: Sequence[ModulePair], name: str) -> list[ModulePair]:
    """The pairs of this slug, else those with a module of this name, else those of this projection."""
    return (
        [pair for pair in pairs if pair.slug == name]
        or [pair for pair in pairs if name in (module.path.name for module in pair.modules)]
        or [pair for pair in pairs if pair.path.projection == name]
    )


def _several(found: Sequence[ModulePair], name: str, layer: int | str | None) -> UnknownName:
    which = _listed([pair.slug for pair in found])
    if layer is None:
        return UnknownName(f"{len(found)} modules are called {name}: say the layer as well, or which of {which}.")
    return UnknownName(f"{len(found)} modules are called {name} in layer {layer}: say which of {which}.")


def _nobody(pairs: Sequence[ModulePair], name: str, layer: int | str | None) -> UnknownName:
    if layer is None:
        modules = _listed([pair.slug for pair in pairs])
        return UnknownName(
            f"Nothing is called {name}; there are the projections {_listed(_projections(pairs))} and the modules "
            f"{modules}."
        )
    there = _listed(_projections([pair for pair in pairs if pair.path.layer_label == str(layer)]))
    return UnknownName(f"Layer {layer} has no projection {name}; it has {there}.")


def _unknown(noun: str, names: Sequence[str], there: Sequence[str]) -> UnknownName:
    said = absent(noun, names).removesuffix(".")
    return UnknownName(f"{said}; there {'is' if len(there) == 1 else 'are'} {_listed(there) or 'none'}.")


def _labels(pairs: Sequence[ModulePair]) -> list[str]:
    return list(dict.fromkeys(pair.path.layer_label for pair in pairs if pair.path.layer_label))


def _projections(pairs: Sequence[ModulePair]) -> list[str]:
    return list(dict.fromkeys(pair.path.projection for pair in pairs))


def _listed(items: Sequence[str]) -> str:
    """The first of them and the last."""
    shown = ", ".join(items[:_LISTED])
    return f"{shown}, … {items[-1]}" if len(items) > _LISTED else shown
