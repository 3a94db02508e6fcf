"""From what a user names, a file or a folder, to an Source. Only headers are read."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from engine.checkpoints.containers import SUFFIXES, open_tensor_file
from engine.checkpoints.sharded import ShardedFile
from engine.errors import EngineError, MalformedAdapter, UnreadableFile, UnsupportedFormat, unreadable
from engine.naming.module_path import without_common_tower
from engine.sources.formats import FORMATS
from engine.sources.formats.checkpoint import CONFIG_NAME, Checkpoint, FormatModules, read_checkpoint
from engine.sources.formats.other_methods import foreign_modules, method_name
from engine.sources.left_out import by_reason
from engine.sources.source import Module, SkippedModule, Source
from engine.wording import count, listed, natural, natural_key

# In a folder, what the libraries write by default wins over any other file.
_STOCK_FILES = (
    "adapter_model.safetensors", "adapter_model.safetensors.index.json", "adapter_model.bin",
    "adapter_model.bin.index.json", "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin",
    "adapters.safetensors", "adapters.npz", "lit_model.pth.lora",
)  # fmt: skip
# What trainers put beside an adapter with the same endings.
_NOT_WEIGHTS = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state\w*|random_states\w*)\.(bin|pt|pth)$")
_SHARD = re.compile(r"-\d+-of-\d+\.\w+$")
# Shards of a training run, which no single file of can be read.
_RUN_SHARDS = (
    (
        re.compile(
            r"(zero_pp_rank_.*|bf16_zero_.*|mp_rank_\d+_(model|optim)_states\.pt|global_step\d+|zero_to_fp32\.py)$"
        ),
        "This is a DeepSpeed (ZeRO) checkpoint in shards; gather it with its zero_to_fp32.py first.",
    ),
    (
        re.compile(r"(.*\.distcp|pytorch_model_fsdp_\d+)$"),
        "This is an FSDP checkpoint in shards; gather it into one file first (accelerate merge-weights).",
    ),
)


def open_source(path: Path) -> Source:
    """Open an adapter from a file or from the folder that holds it, reading headers only.

    `path` may also be FOLDER/NAME, NAME being one of the adapters in the folder without its ending. Whether B is
    zero is looked up as well, from the first bytes of each B: it decides what the adapter is worth.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or not downloaded.
        UnsupportedFormat: no LoRA factors in it, or something that is recognised and cannot be compared.
        MalformedAdapter: LoRA factors in it, and none that is sound.
    """
    try:
        checkpoint = read_checkpoint(open_tensor_file(adapter_file(path)))
        for adapter_format in FORMATS:
            if adapter_format.recognises(checkpoint):
                return _adapter(path, adapter_format.NAME, checkpoint, adapter_format.read_modules(checkpoint))
        raise _not_an_adapter(checkpoint)
    except EngineError as error:
        error.path = error.path or path
        raise


def adapters_in(path: Path) -> tuple[Path, ...]:
    """Every adapter that a file or folder offers, as paths that `open_source` takes; the one it takes first.

    A folder offers its own files and its sub-folders', one level deep.

    Raises:
        UnreadableFile: there is nothing at `path`, or the folder may not be read.
    """
    if not _is_there(path):
        raise UnreadableFile("There is no such file or folder.", path=path)
    if not path.is_dir():
        return (path,)
    found = _weights_in(path)
    for folder in _entries(path):
        try:
            if folder.is_dir() and _weights_in(folder):
                found.append(folder)
        except (EngineError, OSError):
            continue
    return tuple(found)


def adapter_file(path: Path) -> Path:
    """The file that holds the weights: `path` itself, or the one to take in that folder.

    Raises:
        UnreadableFile: there is nothing at `path`.
        UnsupportedFormat: the folder holds no adapter, or several to choose from.
    """
    if not _is_there(path):
        return _by_name(path)
    _refuse_run_shards([path])
    if path.name == CONFIG_NAME and path.is_file():  # a config was named: its folder is meant
        return adapter_file(path.parent)
    if not path.is_dir():
        return path
    choice = adapters_in(path)
    if choice and (len(choice) == 1 or choice[0].name in _STOCK_FILES):
        return choice[0] if choice[0].is_file() else adapter_file(choice[0])
    if choice:
        names = listed([entry.name for entry in choice])
        raise UnsupportedFormat(
            f"The folder holds {len(choice)} adapters or checkpoints: choose one of {names}.", path=path
        )
    _refuse_run_shards(_entries(path))
    if _is_file(path / CONFIG_NAME):
        raise UnreadableFile(f"The folder holds {CONFIG_NAME} and no weights beside it.", path=path)
    odd = [entry.name for entry in _entries(path) if entry.name in _STOCK_FILES]
    if odd:
        raise UnreadableFile(f"{odd[0]} in the folder is no file that can be read.", path=path)
    raise UnsupportedFormat("The folder holds no adapter file (.safetensors, .npz, .bin or .pt).", path=path)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise UnreadableFile("This is a link to a file that is not there.", path=path) from error
        return False
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a character that no name can have
        raise UnreadableFile("There is no such file or folder.", path=path) from error
    return True


def _is_file(path: Path) -> bool:
    """Whether an entry of a folder is a file, or leads to one.

    Raises:
        UnreadableFile: the folder may not be entered.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise unreadable(path.parent, error, "folder") from error


def _by_name(path: Path) -> Path:
    """FOLDER/NAME: the adapter of that name in the folder."""
    if path.parent.is_dir() and path.name:
        offered = [p for p in adapters_in(path.parent) if p.name.partition(".")[0] == path.name]
        if len(offered) == 1:
            return adapter_file(offered[0])
    raise UnreadableFile("There is no such file or folder.", path=path)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda entry: natural_key(entry.name))
    except OSError as error:
        raise unreadable(folder, error, "folder") from error


def _weights_in(folder: Path) -> list[Path]:
    """Files of the folder that may hold an adapter, the one to prefer first; several formats of one only once."""
    files = [
        entry
        for entry in _entries(folder)
        if entry.name.endswith(SUFFIXES) and not _NOT_WEIGHTS.search(entry.name) and _is_file(entry)
    ]
    if any(file.name.endswith(ShardedFile.SUFFIXES) for file in files):
        files = [file for file in files if not _SHARD.search(file.name)]
    stock = {name: position for position, name in enumerate(_STOCK_FILES)}
    endings = {suffix: position for position, suffix in enumerate(SUFFIXES)}
    files.sort(
        key=lambda file: (
            stock.get(file.name, len(stock)),
            natural_key(file.name.partition(".")[0]),
            endings.get(file.suffix, 9),
        )
    )
    return list({file.name.partition(".")[0]: file for file in reversed(files)}.values())[::-1]


def _refuse_run_shards(paths: list[Path]) -> None:
    for path in paths:
        for pattern, reason in _RUN_SHARDS:
            if pattern.match(path.name):
                raise UnsupportedFormat(reason, path=path)


def _adapter(path: Path, format_name: str, checkpoint: Checkpoint, found: FormatModules) -> Source:
    known = {module.path.name.partition("[")[0] for module in found.modules}
    foreign = foreign_modules(checkpoint, known | {skip.module for skip in found.unusable})
    unusable = tuple(sorted((*found.unusable, *foreign), key=lambda skip: natural_key(skip.module)))
    if not found.modules:
        raise _nothing_sound(path, unusable)
    modules = _in_natural_order(found.modules)
    adapter = Source(path, checkpoint.file, format_name, modules, unusable, tuple(found.warnings), found.base_model)
    with adapter.open() as reader:
        zero = reader.zero_updates()
    if not zero:
        return adapter
    return replace(adapter, zero_update=zero, warnings=(*adapter.warnings, _zero_warning(adapter, zero)))


def _in_natural_order(modules: list[Module]) -> tuple[Module, ...]:
    paths = without_common_tower(module.path for module in modules)
    named = [
        module if module.path is path else replace(module, path=path)
        for module, path in zip(modules, paths, strict=True)
    ]
    return tuple(sorted(named, key=lambda module: module.path.sort_key))


def _zero_warning(adapter: Source, zero: frozenset[str]) -> str:
    if len(zero) == len(adapter.modules):
        return "B is zero in every module, so ΔW = 0: this adapter is untrained, and its A is a random start."
    return f"B is zero, so ΔW = 0, in {len(zero)} of {count(len(adapter.modules), 'module')} ({natural(zero)[0]})."


def _nothing_sound(path: Path, unusable: tuple[SkippedModule, ...]) -> EngineError:
    if not unusable:
        return UnsupportedFormat("The file holds no LoRA factors that could be compared.", path=path)
    if len(unusable) == 1:
        return MalformedAdapter(f"{unusable[0].reason} It is the only module.", path=path, module=unusable[0].module)
    groups = by_reason(unusable)
    why = groups[0].with_examples if len(groups) == 1 else str(groups[0])
    return MalformedAdapter(f"None of the {len(unusable)} modules can be used: {why}", path=path)


def _not_an_adapter(checkpoint: Checkpoint) -> UnsupportedFormat:
    path, tensors = checkpoint.file.path, checkpoint.tensors
    if not tensors:
        return UnsupportedFormat("The file holds no tensors.", path=path)
    none_is = f"None of its {len(tensors)} tensors is" if len(tensors) > 1 else "Its only tensor is not"
    method = method_name(checkpoint)
    if method:
        return UnsupportedFormat(
            f"This is not LoRA but {method}: it has no pair of factors A and B to compare.", path=path, found=method
        )
    if any(len(info.shape) == 2 and name.endswith(".weight") for name, info in tensors.items()):
        return UnsupportedFormat(
            f"{none_is} a LoRA factor: this is a full model. Open the adapter itself; the model "
            "can serve as base weights.",
            path=path,
        )
    return UnsupportedFormat(f"{none_is} a LoRA factor: this is no adapter.", path=path)
