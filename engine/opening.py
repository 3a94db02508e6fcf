"""From what a user names, a file or a folder, to an Adapter. Only headers are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.adapter import Adapter, LoraModule, SkippedModule
from engine.errors import EngineError, MalformedAdapter, UnreadableFile, UnsupportedFormat
from engine.formats import FORMATS
from engine.formats.checkpoint import CONFIG_NAME, Checkpoint, FormatModules, read_checkpoint
from engine.module_path import without_common_tower
from engine.tensor_file import PICKLE_SUFFIXES, SHARD_INDEX_SUFFIX, open_tensor_file

# In a folder, what the libraries write by default wins over any other file.
_STOCK_FILES = (
    "adapter_model.safetensors", "adapter_model.safetensors.index.json", "adapter_model.bin",
    "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin", "adapters.safetensors", "adapters.npz",
)  # fmt: skip
_SUFFIXES = (".safetensors", SHARD_INDEX_SUFFIX, ".npz", *PICKLE_SUFFIXES)


def open_adapter(path: Path) -> Adapter:
    """Open an adapter from a file or from the folder that holds it, reading headers only.

    Whether B is zero is looked up as well, from the first bytes of each B: it decides what the adapter is worth.

    Raises:
        UnreadableFile: missing, forbidden, empty, cut off, or not downloaded.
        UnsupportedFormat: no LoRA factors in it, or something that is recognised and cannot be compared.
        MalformedAdapter: LoRA factors in it, and none that is sound.
    """
    file = open_tensor_file(adapter_file(path))
    checkpoint = read_checkpoint(file)
    for adapter_format in FORMATS:
        if adapter_format.recognises(checkpoint):
            return _adapter(path, adapter_format.NAME, checkpoint, adapter_format.read_modules(checkpoint))
    raise _not_an_adapter(checkpoint)


def adapter_file(path: Path) -> Path:
    """The file that holds the weights: `path` itself, or the one to take in that folder.

    Raises:
        UnreadableFile: there is nothing at `path`.
        UnsupportedFormat: the folder holds no adapter, or several to choose from.
    """
    if not path.exists():
        raise UnreadableFile("There is no such file or folder.", path=path)
    if path.is_file():
        return _beside(path) if path.name == CONFIG_NAME else path
    try:
        files = sorted(entry for entry in path.iterdir() if entry.is_file())
        folders = sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError as error:
        raise UnreadableFile(f"The folder cannot be read ({error.strerror}).", path=path) from error
    stock = next((path / name for name in _STOCK_FILES if path / name in files), None)
    if stock is not None:
        return stock
    candidates = [file for file in files if file.name.endswith(_SUFFIXES)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UnsupportedFormat(
            f"The folder holds {len(candidates)} checkpoints: choose one of {_listed(candidates)}.", path=path
        )
    inner = [folder for folder in folders if any((folder / name).is_file() for name in _STOCK_FILES)]
    if len(inner) == 1:
        return adapter_file(inner[0])
    if inner:
        raise UnsupportedFormat(f"The folder holds {len(inner)} adapters: choose one of {_listed(inner)}.", path=path)
    if any(file.name == CONFIG_NAME for file in files):
        raise UnreadableFile(f"The folder holds {CONFIG_NAME} and no weights beside it.", path=path)
    raise UnsupportedFormat("The folder holds no adapter file (.safetensors, .bin or .pt).", path=path)


def _beside(config: Path) -> Path:
    """A config was named: its folder is meant."""
    return adapter_file(config.parent)


def _listed(paths: list[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:4])
    return f"{shown}, …" if len(paths) > 4 else shown


def _adapter(path: Path, format_name: str, checkpoint: Checkpoint, found: FormatModules) -> Adapter:
    if not found.modules:
        raise _nothing_sound(path, found.unusable)
    file = checkpoint.file
    modules = _in_natural_order(found.modules)
    adapter = Adapter(
        path, file, format_name, modules, tuple(found.unusable), tuple(found.warnings), found.base_model
    )
    with adapter.open() as reader:
        zero = reader.zero_updates()
    if not zero:
        return adapter
    return replace(adapter, zero_update=zero, warnings=(*adapter.warnings, _zero_warning(adapter, zero)))


def _in_natural_order(modules: list[LoraModule]) -> tuple[LoraModule, ...]:
    paths = without_common_tower(module.path for module in modules)
    named = [replace(module, path=path) for module, path in zip(modules, paths, strict=True)]
    return tuple(sorted(named, key=lambda module: module.path.sort_key))


def _zero_warning(adapter: Adapter, zero: frozenset[str]) -> str:
    if len(zero) == len(adapter.modules):
        return "B is zero in every module, so ΔW = 0: this adapter is untrained, and its A is a random start."
    return f"B is zero, so ΔW = 0, in {len(zero)} of {len(adapter.modules)} modules ({min(zero)})."


def _nothing_sound(path: Path, unusable: list[SkippedModule]) -> EngineError:
    first = unusable[0]
    return MalformedAdapter(
        f"{first.reason} None of the {len(unusable)} modules can be used.", path=path, module=first.module
    )


def _not_an_adapter(checkpoint: Checkpoint) -> UnsupportedFormat:
    kind = str((checkpoint.config or {}).get("peft_type") or "")
    if kind and kind.upper() != "LORA":
        return UnsupportedFormat(
            f"This is a {kind} adapter: it has no pair of LoRA factors A and B to compare.",
            path=checkpoint.file.path, found=kind,
        )  # fmt: skip
    return UnsupportedFormat(
        f"None of its {len(checkpoint.tensors)} tensors is a LoRA factor: a full model, or no adapter at all.",
        path=checkpoint.file.path,
    )
