"""Microsoft's loralib and litgpt: `M.lora_(A|B)` without `.weight`; fused projections share stacked factors.

loralib's MergedLinear and litgpt's LoRAQKVLinear have A (g·r, in) with r rows per adapted part and B (out', r)
with the parts' rows after each other: equally many in loralib; in litgpt as many as the part's heads have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.checkpoints.tensors import TensorInfo
from engine.naming.module_path import parse_module_path
from engine.sources.formats.checkpoint import Checkpoint, FormatModules
from engine.sources.formats.factors import (
    SCALING_UNKNOWN,
    Part,
    content_warnings,
    factor_problem,
    lora_module,
    module_parts,
    tensors_by_role,
    unknown_scaling,
)
from engine.sources.source import Module, SkippedModule
from engine.wording import count, natural

NAME = "loralib"

_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<role>[AB])$")
_LITGPT_FUSED = re.compile(r"(?P<attention>(?:.+\.)?h\.\d+\.attn)\.(?:qkv|attn)$")
# With two of the three adapted it is q and v: the paper's choice and both libraries' default.
_PARTS = {("qkv", 2): "qv", ("qkv", 3): "qkv", ("kv", 2): "kv"}


def recognises(checkpoint: Checkpoint) -> bool:
    """Whether any tensor is named `….lora_A`, in capitals and without `.weight`."""
    return any(_FACTOR.match(name) for name in checkpoint.tensors)


def read_modules(checkpoint: Checkpoint) -> FormatModules:
    """Every module; one that stacks several projections comes as its parts, `M[q]` and `M[v]`."""
    result = FormatModules()
    by_module = tensors_by_role(checkpoint, _FACTOR, {"A": "A", "B": "B"})
    for name, tensors in by_module.items():
        A, B = tensors.get("A"), tensors.get("B")
        groups = _groups(A, B)
        if A is not None and B is not None and groups > 1:
            result.add(_merged(name, A, B, groups, by_module))
        else:
            result.add([lora_module(parse_module_path(name), tensors, unknown_scaling)])
    result.warnings.append(SCALING_UNKNOWN)
    result.warnings.extend(content_warnings(checkpoint, result.modules))
    merged = {module.path.name.partition("[")[0] for module in result.modules if "[" in module.path.name}
    if merged:
        result.warnings.append(
            f"{count(len(merged), 'module')} {'stacks' if len(merged) == 1 else 'stack'} several projections "
            f"({natural(merged)[0]}); each projection is compared on its own."
        )
    return result


def _groups(A: TensorInfo | None, B: TensorInfo | None) -> int:
    """How many parts share the two tensors; 1 where they are a plain pair or none at all."""
    if A is None or B is None or factor_problem(A, B) or len(A.shape) != 2 or len(B.shape) != 2:
        return 1
    groups, rest = divmod(A.shape[0], B.shape[1])
    return groups if rest == 0 and groups <= 3 else 1


def _merged(
    name: str, A: TensorInfo, B: TensorInfo, groups: int, by_module: Mapping[str, Mapping[str, TensorInfo]]
) -> list[Module] | list[SkippedModule]:
    path = parse_module_path(name)
    fused = _LITGPT_FUSED.match(name)
    projections = _PARTS.get(("qkv" if fused else path.projection, groups), "")
    sizes = _litgpt_sizes(fused, A, B, groups, by_module) if fused else _equal_sizes(B, groups)
    if sizes is None and not fused:
        return [SkippedModule(name, f"The {B.shape[0]} rows of B do not divide into the {groups} parts that A has.")]
    rank = B.shape[1]
    ends = [sum(sizes[: group + 1]) for group in range(groups)] if sizes else []
    parts = [
        Part(
            parse_module_path(
                name,
                part=projections[group] if projections else str(group),
                projection=projections[group] if projections else f"{path.projection}.{group}",
            ),
            (group * rank, (group + 1) * rank),
            (ends[group] - sizes[group], ends[group]) if sizes else None,
        )
        for group in range(groups)
    ]
    return module_parts(parts, A, B, unknown_scaling)


def _equal_sizes(B: TensorInfo, groups: int) -> list[int] | None:
    size, rest = divmod(B.shape[0], groups)
    return [size] * groups if rest == 0 else None


def _litgpt_sizes(
    fused: re.Match[str],
    A: TensorInfo,
    B: TensorInfo,
    groups: int,
    by_module: Mapping[str, Mapping[str, TensorInfo]],
) -> list[int] | None:
    """Rows of q, (k,) v: q has as many as the output projection reads, or else as the model is wide.

    None where that leaves nothing that grouped-query attention could have for k and v.
    """
    output = by_module.get(f"{fused['attention']}.proj", {}).get("A")
    query = output.shape[1] if output is not None and len(output.shape) == 2 else A.shape[1]
    rest, uneven = divmod(B.shape[0] - query, groups - 1)
    if uneven or rest <= 0 or rest > query or query % rest:
        return None
    return [query, *[rest] * (groups - 1)]
