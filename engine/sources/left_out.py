"""Modules that are left out, put together by their reason: hundreds of them in a few sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.sources.source import SkippedModule
from engine.wording import count, listed, natural

_EXAMPLES = 3
_SHORTEST_NAME = 4  # a shorter one may be part of any word


@dataclass(frozen=True)
class ReasonGroup:
    """What is left out for one reason: the reason, in one sentence, and the modules' names in natural order."""

    reason: str
    modules: tuple[str, ...]

    def __str__(self) -> str:
        """`12 modules: reason (a, b, c, …).`, or `a: reason.`"""
        if len(self.modules) == 1:
            return f"{self.modules[0]}: {self.reason}"
        return f"{count(len(self.modules), 'module')}: {self.with_examples}"

    @property
    def with_examples(self) -> str:
        """`reason (a, b, c, …).`"""
        return f"{self.reason.removesuffix('.')} ({listed(self.modules, _EXAMPLES)})."


def by_reason(skipped: Iterable[SkippedModule]) -> tuple[ReasonGroup, ...]:
    """Modules grouped by reason, the most frequent first.

    Where a reason quotes the name of its own module, `…` stands for it. Reads the `skipped` of a comparison.json too.
    """
    groups: dict[str, list[str]] = {}
    for skip in skipped:
        quotes = len(skip.module) >= _SHORTEST_NAME
        groups.setdefault(skip.reason.replace(skip.module, "…") if quotes else skip.reason, []).append(skip.module)
    most_first = sorted(groups.items(), key=lambda group: -len(group[1]))
    return tuple(ReasonGroup(reason, tuple(natural(modules))) for reason, modules in most_first)
