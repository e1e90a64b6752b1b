"""Which flavors carry accelerators: by the signs that EGI's sites really use."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from orchestrator.model import Flavor

_MODELS = r"(?:gpu|nvidia|tesla|rtx|gtx|quadro|[akpv]\d{2,3}[mx]?|t4|l4|l40s?|h\d{3}|mi\d{3})"
# A model is a word of its own: "a1.2c4m" and "hpc.hdh" are none.
_NAMED = re.compile(rf"(?:^|[^a-z0-9])(?:(\d)x)?({_MODELS})(?:[^a-z0-9]|$)|gpu", re.IGNORECASE)
_FALSE = ("", "0", "false", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerators:
    """How many GPUs a flavor has, and by which sign; ``others`` counts FPGAs and their like."""

    gpus: int = 0
    others: int = 0
    sign: str = ""


def of(flavor: Flavor) -> Accelerators:
    """Read the extra specs, and the name where they say nothing."""
    return _declared(flavor) or _passed_through(flavor) or _by_name(flavor) or Accelerators()


def _declared(flavor: Flavor) -> Accelerators | None:
    specs = flavor.extra_specs
    kind = specs.get("Accelerator:Type", "").upper()
    count = _count(specs.get("Accelerator:Number", "1"))
    if not kind or not count:
        return None
    if kind == "GPU":
        return Accelerators(gpus=count, sign="Accelerator:Type")
    return Accelerators(others=count, sign="Accelerator:Type")


def _passed_through(flavor: Flavor) -> Accelerators | None:
    for key, value in sorted(flavor.extra_specs.items()):
        count = _of_key(key, value)
        if count:
            name = f"{key} {value}"
            plain = key == "resources:VGPU" or "gpu" in name.lower() or _NAMED.search(name)
            return Accelerators(gpus=count, sign=key) if plain else _other(count, key)
    return None


def _other(count: int, key: str) -> Accelerators:
    # An alias may be called anything ("p1:2"); PCI pass-through of an EGI flavor is a GPU,
    # and a custom resource without a telling name may as well be bare metal.
    if key.startswith("pci_passthrough"):
        return Accelerators(gpus=count, sign=key)
    return Accelerators(others=count, sign=key)


def _of_key(key: str, value: str) -> int:
    if key == "pci_passthrough:alias":
        return sum(_count(alias.rpartition(":")[2]) for alias in value.split(","))
    if key.startswith(("resources:VGPU", "resources:CUSTOM_")):
        return _count(value)
    if key == "accel:device_profile":
        return 1
    if "gpu" in key.lower() and not key.startswith(("trait:", "hw:")):
        return 0 if value.lower() in _FALSE else max(1, _count(value))
    return 1 if key.startswith("trait:CUSTOM_") and "GPU" in key and value == "required" else 0


def _by_name(flavor: Flavor) -> Accelerators | None:
    found = _NAMED.search(flavor.name)
    if not found:
        return None
    count = 4 if "quad" in flavor.name.lower().split("-") else int(found[1] or 1)
    return Accelerators(gpus=count, sign="its name")


def _count(text: str) -> int:
    # "1.0" is one; a fraction is a share of one, which is one device to the VM.
    try:
        number = float(text)
    except ValueError:
        return 0
    return math.ceil(number) if math.isfinite(number) and number > 0 else 0
