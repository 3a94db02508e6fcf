"""Why modules of a pairing are left out, in words: for a command's line, and for the window."""

from __future__ import annotations

from engine.matching.pairing import ONLY_IN, Pairing
from engine.side import Side
from engine.sources.left_out import ReasonGroup, by_reason
from engine.sources.source import told_apart
from engine.wording import count, listed

_EXAMPLES = 3
_SAID_REASONS = 2  # where nothing can be compared: the rest is in the list


def group_text(group: ReasonGroup, pairing: Pairing, *, examples: bool = True) -> str:
    """`12 modules are only in X (a, b, c, …)`, `2 modules: reason (a, b)`, or `a: reason`."""
    which = _only_in(group)
    if len(group.modules) == 1:
        return str(group)
    modules = count(len(group.modules), "module")
    if which is None:
        return str(group) if examples else f"{modules}: {group.reason}"
    text = f"{modules} are only in {adapter_names(pairing)[which]}"
    return f"{text} ({listed(group.modules, _EXAMPLES)})" if examples else text


def why_nothing(pairing: Pairing, side: Side) -> str:
    """Why no module can be compared on a side: the most frequent reasons, how often, and a name of each adapter."""
    skipped = pairing.skipped(side)
    said: list[str] = []
    left = by_reason(skipped)
    while left and len(said) < _SAID_REASONS:
        if _only_in(left[0]) is None:
            told = [left[0]]
            said.append(_common_reason(left[0], pairing))
        else:
            told = [group for group in left if _only_in(group) is not None]
            said.append(_each_alone(told, pairing))
        left = tuple(group for group in left if group not in told)
    rest = sum(len(group.modules) for group in left)
    return " ".join(said) + (f" {count(rest, 'module')} more for other reasons." if rest else "")


def adapter_names(pairing: Pairing) -> dict[str, str]:
    """What sentences call the "first" and the "second" adapter: their names, unless both are one place."""
    first, second = told_apart(pairing.first, pairing.second)
    if first == second:
        return {"first": "the first adapter", "second": "the second adapter"}
    return {"first": first, "second": second}


def _only_in(group: ReasonGroup) -> str | None:
    """Which adapter alone has these modules; None where the reason is another."""
    return next((which for which, reason in ONLY_IN.items() if group.reason == reason), None)


def _each_alone(groups: list[ReasonGroup], pairing: Pairing) -> str:
    """`196 modules are only in X (for example a), 196 only in Y (for example b).`"""
    modules = {_only_in(group): group.modules for group in groups}
    parts: list[str] = []
    for which, name in adapter_names(pairing).items():
        if which in modules:
            number = len(modules[which])
            how_many = str(number) if parts else f"{count(number, 'module')} {'is' if number == 1 else 'are'}"
            parts.append(f"{how_many} only in {name} (for example {modules[which][0]})")
    return ", ".join(parts) + "."


def _common_reason(group: ReasonGroup, pairing: Pairing) -> str:
    """`12 modules (for example a, and b in Y): reason.`"""
    example = group.modules[0]
    which, other = _counterpart(example, pairing)
    examples = example if other == example else f"{example}, and {other} in {adapter_names(pairing)[which]}"
    return f"{count(len(group.modules), 'module')} (for example {examples}): {group.reason}"


def _counterpart(example: str, pairing: Pairing) -> tuple[str, str]:
    """The adapter that a module is not of, and a module of it: the partner, else any, to show its kind of names."""
    for pair in pairing.pairs:
        if pair.path.name == example:
            return "second", pair.second.path.name
    first = pairing.first
    in_first = example in {module.path.name for module in first.modules} | {skip.module for skip in first.unusable}
    which, adapter = ("second", pairing.second) if in_first else ("first", first)
    return which, adapter.modules[0].path.name
