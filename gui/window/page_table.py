"""Every page once, in the order of their tabs. Each is loaded when it is first looked at."""

from __future__ import annotations

from gui.parts.page import Page, PageContext, PageView


def _grid(context: PageContext) -> PageView:
    from gui.figure.area import FigureArea
    from gui.figure.grid import FigureView

    return FigureArea(context.session, FigureView(context.session, context.scale))


def _atlas(context: PageContext) -> PageView:
    from gui.atlas.page import Atlas

    atlas = Atlas(context.session, context.scale)
    atlas.module_chosen.connect(lambda pair: context.choose(pair.slug))
    atlas.mosaic.module_hovered.connect(context.point_at)
    return atlas


def _findings(context: PageContext) -> PageView:
    from gui.numbers.tables import FindingsTable

    findings = FindingsTable(context.session)
    findings.module_chosen.connect(context.choose)
    return findings


GRID_PAGE = Page("Grid", "view.grid", _grid, has_presets=True)
PAGES = (
    GRID_PAGE,
    Page("Atlas", "view.atlas", _atlas),
    Page("Findings", "view.findings", _findings, has_view=False),
)
