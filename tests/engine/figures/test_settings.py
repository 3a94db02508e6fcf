"""Settings of a figure come to the style that the command line makes of the same options."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pytest

from engine.commands import arguments, export
from engine.errors import EngineError, InvalidSetting
from engine.figures.settings import figure_style, kinds_of
from engine.measures.view import View

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {}),
    ("--width 3.25 --dpi 150", {"width": 3.25, "dpi": 150}),
    ("--view z --colours vik --range=-4,4.5", {"view": "z", "colours": "vik", "range": (-4, 4.5)}),
    ("--view above-chance --tick-size 5.5", {"view": View.ABOVE_CHANCE, "tick_size": 5.5}),
    ("--label-size 6 --count-from 0", {"label_size": 6, "count_from": 0}),
    ("--letters --no-titles --no-headings", {"letters": True, "titles": False, "headings": False}),
    ("--chance --control --square --outlines", dict.fromkeys(("chance", "control", "square", "outlines"), True)),
    ("--colours seaborn:mako --range 0,0.5", {"colours": "seaborn:mako", "range": np.array([0, 0.5])}),
)


@pytest.mark.parametrize(("options", "settings"), CASES)
def test_settings_mean_what_the_options_mean(options: str, settings: dict[str, Any]) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    asked = parser.parse_args(["first", "second", "--out", "out", *options.split()])
    assert figure_style(**settings) == arguments.figure_style(asked)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"view": "phy"}, "There is no view 'phy'; there are phi, above-chance, z."),
        ({"width": 0.2}, "0.2 is not a width in inches between 0.5 and 100."),
        ({"dpi": 5000}, "5000 is not a resolution in dots per inch between 1 and 2400."),
        ({"label_size": float("nan")}, "nan is not a size in points between 3 and 40."),
        ({"colours": "jet"}, "There is no colour map 'jet'; there are rocket, mako, .*"),
        ({"colours": "vik"}, "vik is a map with a middle, for φ above chance and z; φ has none."),
        ({"range": (0.8, 0)}, r"\(0.8, 0\) is no range: the lowest value, 0.8, is not below the highest, 0.0."),
        ({"range": (1, 2, 3)}, r"\(1, 2, 3\) is no range such as \(0, 0.8\)."),
        ({"count_from": 2}, "Layers are counted from 0 or from 1, not from 2."),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$") as refusal:
        figure_style(**settings)
    assert isinstance(refusal.value, InvalidSetting)
    assert isinstance(refusal.value, EngineError)


def test_kinds_of_files_are_text_or_several() -> None:
    there = ("png", "pdf")
    assert kinds_of(there, "PDF,png", "figure format") == kinds_of(there, ["pdf", "png"], "") == ("pdf", "png")
    assert kinds_of(there, (), "") == kinds_of(there, None, "") == ()
    with pytest.raises(InvalidSetting, match="There is no figure format 'bmp'; there are png, pdf"):
        kinds_of(there, "bmp", "figure format")
