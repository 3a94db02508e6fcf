"""What a module's layer is called, as people read it."""

from __future__ import annotations

from engine.naming.module_path import ModulePath


def heading_text(path: ModulePath, count_from: int = 1) -> str:
    """`Layer 1`, `decoder · Layer 1`, `down.1.0`, empty where the module sits in no layer."""
    return " · ".join(filter(None, (path.tower, layer_text(path, count_from))))


def layer_text(path: ModulePath, count_from: int) -> str:
    """`Layer 1`, `down.1.0`, empty where the module sits in no layer."""
    return f"Layer {path.layer_name(count_from)}" if path.layer is not None else path.block
