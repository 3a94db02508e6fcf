"""Every action of the program once, in the order of the menus."""

from __future__ import annotations

import sys
from difflib import get_close_matches

from PySide6.QtGui import QKeySequence

from gui.actions.action import Action, Menu, Needs

FILE, EDIT, VIEW, HELP = Menu("&File"), Menu("&Edit"), Menu("&View"), Menu("&Help")
RECENT = Menu("&Recent pairs", FILE)
THEME = Menu("&Theme", VIEW, is_choice=True)

_MOST_RECENT = 9
_Standard = QKeySequence.StandardKey

ACTIONS: tuple[Action, ...] = (
    Action("file.open_first", FILE, "Open the &first adapter…", "Choose an adapter file", _Standard.Open),
    Action("file.open_second", FILE, "Open the &second adapter…", "Choose an adapter file", "Ctrl+Shift+O"),
    Action("file.open_first_folder", FILE, "Open the first adapter's f&older…", "Choose an adapter's folder",
           "Ctrl+L"),
    Action("file.open_second_folder", FILE, "Open the second adapter's fol&der…", "Choose an adapter's folder",
           "Ctrl+Shift+L"),
    *(Action(f"file.recent_{place}", RECENT, f"&{place}", "Open a pair that was compared before", f"Ctrl+{place}")
      for place in range(1, _MOST_RECENT + 1)),
    Action("file.open_demo", FILE, "Open the de&mo pair",
           "Open two adapters of MiniLM, trained from different seeds", "Ctrl+D"),
    Action("file.reload", FILE, "Re&load from disk", "Open it again as it is now", "F5"),
    Action("file.open_comparison", FILE, "Open a &comparison…",
           "Bring back what an exported figure or a comparison.json shows", "Ctrl+Shift+E", section="comparison"),
    Action("file.save_comparison", FILE, "S&ave the comparison…", "Write a comparison.json that leads back to it",
           _Standard.Save, section="comparison", needs=Needs.FIGURE),
    Action("file.export", FILE, "&Export…", "Write the figure and its numbers", "Ctrl+E",
           section="export", needs=Needs.FIGURE),
    Action("file.quit", FILE, "&Quit", "Close the window, and keep what is open for the next time", "Ctrl+Q",
           section="quit"),

    Action("edit.undo", EDIT, "&Undo", "Show what was shown before", _Standard.Undo, needs=Needs.EARLIER),
    Action("edit.redo", EDIT, "&Redo", "Show again what was gone back from", _Standard.Redo, needs=Needs.LATER),
    Action("edit.copy", EDIT, "&Copy the grid as a picture",
           "Copy the page that is seen: grid or atlas as a picture on white, findings as text", _Standard.Copy,
           section="clipboard", needs=Needs.FIGURE,
           page_texts=(("Atlas", "&Copy the atlas as a picture"),
                       ("Findings", "&Copy the findings as text"))),
    Action("edit.paste", EDIT, "&Paste adapters' paths",
           "Open the adapters whose paths or files are on the clipboard", _Standard.Paste, section="clipboard"),
    Action("edit.swap", EDIT, "&Swap the adapters", "Exchange the two adapters", "Ctrl+Shift+X", section="adapters"),
    Action("edit.clear", EDIT, "C&lear both places", "Empty both places", "Ctrl+Shift+W", section="adapters"),
    Action("edit.back", EDIT, "&Back, or stop computing",
           "Show all panels again where one fills the figure; else stop computing", "Esc", section="adapters"),

    Action("view.grid", VIEW, "&Grid", "The selected panels, as in the paper's Figure 7", "Alt+1",
           needs=Needs.FIGURE),
    Action("view.atlas", VIEW, "&Atlas", "Every layer and projection at a glance", "Alt+2", needs=Needs.FIGURE),
    Action("view.findings", VIEW, "&Findings", "The panels in numbers, as in findings.csv", "Alt+3",
           needs=Needs.FIGURE),
    Action("view.inspector", VIEW, "&Inspector", "Profiles, spectra and findings of the panel under the cursor",
           "Ctrl+I", needs=Needs.FIGURE),
    Action("view.every_layer", VIEW, "&Every layer", "Show every layer", "Ctrl+Shift+A", section="layers"),
    Action("view.spread_layers", VIEW, "&Layers spread over the depth, as Figure 7",
           "Show layers spread over the depth, as Figure 7 does", "Ctrl+Shift+S", section="layers"),
    Action("view.random_panel", VIEW, "&Random Gaussian panel",
           "Show two random Gaussian matrices of the same shape, as Figure 4 does", "Ctrl+R",
           section="options", is_switch=True),
    Action("view.smaller_rank", VIEW, "&Zoom to the smaller rank",
           "Show i and j up to the smaller rank, where the two ranks differ", "Ctrl+J",
           section="options", needs=Needs.UNEQUAL_RANKS, is_switch=True),
    Action("view.count_from_0", VIEW, "&Count layers from 0",
           "Number the layers as the files do; the paper counts from 1", "Ctrl+0", section="options", is_switch=True),
    Action("view.theme_system", THEME, "&System", "Light or dark, as the system says", section="looks"),
    Action("view.theme_light", THEME, "&Light", "Light, whatever the system says", section="looks"),
    Action("view.theme_dark", THEME, "&Dark", "Dark, whatever the system says", section="looks"),
    Action("view.full_screen", VIEW, "Full scree&n", "Fill the screen, or give it back", "F11", section="looks"),

    Action("help.phi", HELP, "&About φ", "What is seen, and the keys", "F1"),
    Action("help.log", HELP, "Show the &log file", "Open the folder of the log file"),
    Action("help.add_to_desktop", HELP, "&Put PhiScope into the menu of applications",
           "Start PhiScope, and open adapters with it, from the desktop", section="desktop", platform="linux"),
    Action("help.remove_from_desktop", HELP, "&Take PhiScope out of it again",
           "Leave nothing of PhiScope in the menu of applications", section="desktop", platform="linux"),
    Action("help.about", HELP, "A&bout PhiScope", "Versions, device and licences"),
)  # fmt: skip

_BY_ID = {action.id: action for action in ACTIONS}


def action_of(id_: str) -> Action:
    """The action of this id.

    Raises:
        KeyError: there is none; it says which id may have been meant.
    """
    if id_ not in _BY_ID:
        close = get_close_matches(id_, _BY_ID, 1)
        raise KeyError(f"No action is called {id_!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
    return _BY_ID[id_]


def tip_of(id_: str, words: str = "") -> str:
    """The tool tip of a control that does the same as an action: its tip or other `words`, and its key."""
    return action_of(id_).tip_with_key(words)


def offered(platform: str = sys.platform) -> tuple[Action, ...]:
    """The actions that there are on a platform."""
    return tuple(action for action in ACTIONS if platform.startswith(action.platform))
