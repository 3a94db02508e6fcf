"""What the families share: tensors gathered by module and role, and one module made of its factors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.checkpoints.storage_types import STORAGE_TYPES, Array
from engine.checkpoints.tensors import TensorInfo, element_count
from engine.naming.module_path import ModulePath, expert_path
from engine.sources.formats.checkpoint import Checkpoint
from engine.sources.matrices import Factors, StoredMatrix
from engine.sources.source import Module, SkippedModule
from engine.wording import count, natural

# Scaling, given the rank that the tensors have; None where the file does not tell it.
ScalingOfRank = Callable[[int], float | None]

SCALING_UNKNOWN = "The file does not tell alpha, so the scaling is unknown; φ does not depend on it."


def unknown_scaling(_rank: int) -> None:
    """The scaling of a file that does not tell it."""
    return


def no_scaling(_rank: int) -> float:
    """The scaling of formats that have none: ΔW = B A."""
    return 1.0


def tensors_by_role(
    checkpoint: Checkpoint, pattern: re.Pattern[str], roles: Mapping[str, str]
) -> dict[str, dict[str, TensorInfo]]:
    """Module name → role → tensor, for every tensor whose name the pattern matches.

    The pattern has the groups `module` and `role`; `roles` translates the latter (`down` → `A`).
    """
    found: dict[str, dict[str, TensorInfo]] = {}
    for name, info in checkpoint.tensors.items():
        match = pattern.match(name)
        if match is not None:
            found.setdefault(match["module"], {})[roles[match["role"]]] = info
    return found


@dataclass(frozen=True)
class Part:
    """One of several modules that share their tensors: its rows of A and of B, where B can be split."""

    path: ModulePath
    rows_A: tuple[int, int]
    rows_B: tuple[int, int] | None


def lora_module(
    path: ModulePath,
    tensors: Mapping[str, TensorInfo],
    scaling: ScalingOfRank,
    *,
    transposed: bool = False,
    row_order: str = "",
) -> Module | SkippedModule:
    """One module from A (r, in, k…) and B (out, r, 1…), or from A (in, r) and B (r, out) where `transposed`.

    The rank is what the role of the axis says, never the smaller of two lengths.
    """
    A, B = tensors.get("A"), tensors.get("B")
    problem = factor_problem(A, B)
    if problem or A is None:
        return SkippedModule(path.name, problem)
    # A convolution's kernel axes belong to its input.
    rank, d_in = (A.shape[1], A.shape[0]) if transposed else (A.shape[0], element_count(A.shape[1:]))
    if transposed and (len(A.shape) != 2 or (B is not None and len(B.shape) != 2)):
        return SkippedModule(path.name, f"A has shape {shape_text(A)}; two axes were expected.")
    d_out = None
    if B is not None:
        rank_B, d_out = (B.shape[0], B.shape[1]) if transposed else (B.shape[1], B.shape[0])
        if rank_B != rank or element_count(B.shape[2:]) != 1:
            return ranks_differ(path, A, B)
    arrange = _transposed if transposed else None
    factors = Factors(
        A=StoredMatrix((A.name,), (rank, d_in), A.dtype, arrange),
        B=StoredMatrix((B.name,), (d_out, rank), B.dtype, arrange) if B is not None and d_out is not None else None,
        scaling=scaling(rank),
    )
    return Module(path, factors, row_order)


def module_parts(parts: Iterable[Part], A: TensorInfo, B: TensorInfo | None, scaling: ScalingOfRank) -> list[Module]:
    """Modules that each have some rows of one A (…, in) and of one B (…, r)."""
    d_in = element_count(A.shape[1:])
    made = []
    for part in parts:
        rank = part.rows_A[1] - part.rows_A[0]
        d_out = part.rows_B[1] - part.rows_B[0] if part.rows_B else None
        factors = Factors(
            A=StoredMatrix((A.name,), (rank, d_in), A.dtype, rows=part.rows_A),
            B=StoredMatrix((B.name,), (d_out, rank), B.dtype, rows=part.rows_B) if B and d_out else None,
            scaling=scaling(rank),
        )
        made.append(Module(part.path, factors))
    return made


def stacked_experts(
    path: ModulePath, A: TensorInfo, B: TensorInfo | None, experts: int, scaling: ScalingOfRank
) -> list[Module]:
    """The experts of PEFT's target_parameters: A (E·r, in) expert by expert, B (out, r·E) with experts fastest."""
    rank, d_in = A.shape[0] // experts, element_count(A.shape[1:])
    made = []
    for expert in range(experts):
        stored_B = None
        if B is not None:
            stored_B = StoredMatrix((B.name,), (B.shape[0], rank), B.dtype, _every(experts, expert))
        rows = expert * rank, (expert + 1) * rank
        stored_A = StoredMatrix((A.name,), (rank, d_in), A.dtype, rows=rows)
        made.append(Module(expert_path(path, expert), Factors(stored_A, stored_B, scaling=scaling(rank))))
    return made


def expert_axis(
    path: ModulePath, A: TensorInfo, B: TensorInfo | None, scaling: ScalingOfRank
) -> list[Module | SkippedModule]:
    """The experts of a stack with an axis of their own: A (E, r, in), B (E, out, r)."""
    experts, rank, d_in = A.shape
    if B is not None and (len(B.shape) != 3 or B.shape[0] != experts or B.shape[2] != rank):
        return [ranks_differ(path, A, B)]
    made: list[Module | SkippedModule] = []
    for expert in range(experts):
        rows = expert, expert + 1
        stored_A = StoredMatrix((A.name,), (rank, d_in), A.dtype, rows=rows)
        stored_B = StoredMatrix((B.name,), (B.shape[1], rank), B.dtype, rows=rows) if B else None
        made.append(Module(expert_path(path, expert), Factors(stored_A, stored_B, scaling=scaling(rank))))
    return made


def factor_problem(A: TensorInfo | None, B: TensorInfo | None) -> str:
    """Why these two tensors are no factors, in one sentence; empty where nothing speaks against it."""
    if A is None:
        return "The file holds B and no A."
    for name, tensor in (("A", A), ("B", B)):
        if tensor is None:
            continue
        if tensor.problem:
            return f"{name} {tensor.problem}."
        if tensor.dtype not in STORAGE_TYPES:
            return f"{name} is stored as {tensor.dtype}, which cannot be read as numbers here."
        if len(tensor.shape) < 2 or 0 in tensor.shape:
            return (
                f"{name} has shape {shape_text(tensor)}, not two axes: "
                "the adapter was saved from a sharded (FSDP, ZeRO) run; gather its weights when saving."
            )
    return ""


def ranks_differ(path: ModulePath, A: TensorInfo, B: TensorInfo) -> SkippedModule:
    """Why two factors do not belong to each other."""
    return SkippedModule(path.name, f"A has shape {shape_text(A)} and B {shape_text(B)}: their ranks differ.")


def content_warnings(checkpoint: Checkpoint, modules: list[Module]) -> list[str]:
    """What any reader of the modules should know, whatever family wrote them."""
    warnings = []
    without_b = [module.path.name for module in modules if not module.has_B]
    if without_b:
        of_all = f"{len(without_b)} of {count(len(modules), 'module')}"
        warnings.append(f"A without B in {of_all} ({natural(without_b)[0]}): side A only.")
    if any(_MAGNITUDE.search(name) for name in checkpoint.tensors):
        warnings.append("DoRA: φ compares the product B A; the magnitude vectors are left out.")
    return warnings


_MAGNITUDE = re.compile(r"\.(lora_magnitude_vector|dora_scale|magnitude)(\.|$)")


def shape_text(info: TensorInfo) -> str:
    """A shape as people write it, `(8, 768)`."""
    return "(" + ", ".join(map(str, info.shape)) + ")"


def _transposed(data: Array) -> Array:
    return data.T


def _every(step: int, start: int) -> Callable[[Array], Array]:
    """Every `step`-th column from `start`: one expert's of B (out, r·E)."""
    return lambda data: data.reshape(data.shape[0], -1, step)[:, :, start]
