"""A window of another program from which files are dragged: python drag_source.py FILE [FILE]."""

from __future__ import annotations

import sys

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QDrag, QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel

TITLE = "Drag source"


class Source(QLabel):
    """Drags its files as soon as the mouse moves with a button held."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__("\n".join(paths))
        self._paths = paths
        self.setWindowTitle(TITLE)
        self.setFixedSize(200, 120)

    def mouseMoveEvent(self, _event: QMouseEvent) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path) for path in self._paths])
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)


def main() -> None:
    """Show the window until it is closed."""
    app = QApplication([])
    source = Source(sys.argv[1:])
    source.show()
    app.exec()


if __name__ == "__main__":
    main()
