"""Small formatted texts, ΔW with its subscript and the like, painted fast."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QAbstractTextDocumentLayout, QColor, QFont, QPainter, QPalette, QTextDocument


class RichTextPainter:
    """Paints HTML fragments, keeping one laid-out document for each different text."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], QTextDocument] = {}

    def paint(
        self, painter: QPainter, html: str, area: QRectF, font: QFont, colour: QColor,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignCenter,
    ) -> None:  # fmt: skip
        """Paint a fragment in one line, centred in height; `align` is its place in width."""
        document = self._document(html, font)
        size = document.size()
        x = area.left()
        if align & Qt.AlignmentFlag.AlignHCenter:
            x = area.center().x() - size.width() / 2
        elif align & Qt.AlignmentFlag.AlignRight:
            x = area.right() - size.width()
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, colour)
        painter.save()
        painter.translate(QPointF(round(x), round(area.center().y() - size.height() / 2)))
        document.documentLayout().draw(painter, context)
        painter.restore()

    def width(self, html: str, font: QFont) -> float:
        """Width of a fragment in pixels."""
        return self._document(html, font).size().width()

    def _document(self, html: str, font: QFont) -> QTextDocument:
        key = html, font.key()
        if key not in self._documents:
            document = QTextDocument()
            document.setDocumentMargin(0)
            document.setDefaultFont(font)
            document.setHtml(html)
            self._documents[key] = document
        return self._documents[key]
