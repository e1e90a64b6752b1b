"""Which flavors carry accelerators: by the signs that EGI's sites really use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.model import Flavor

_MODELS = r"(?:gpu|nvidia|tesla|rtx|gtx|quadro|[akpv]\d{2,3}[mx]?|t4|l4|l40s?|h\d{3}|mi\d{3})"
# A model is a word of its own: "a1.2c4m" and "hpc.hdh" are none.
_NAMED = re.compile(rf"(?:^|[^a-z0-9])(?:(\d)x)?({_MODELS})(?:[^a-z0-9]|$)|gpu", re.IGNORECASE)
_FALSE = ("", "0", "false", "no")
_NO_GPU = re.compile(
    r"nic|nvme|ssd|fpga|qat|sriov|infiniband|mlx|(?:^|[^a-z])(?:ib|vf)(?:[^a-z]|$)"
)
_DECLARING = ("accelerator:type", "accelerator:number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerators:
    """How many GPUs a flavor has, and by which sign; ``others`` counts FPGAs and their like."""

    gpus: int = 0
    others: int = 0
    sign: str = ""
    sure: bool = True  # else it is a name that says so, or a device that may be another


def of(flavor: Flavor) -> Accelerators:
    """Read the extra specs, and the name where they say nothing."""
    specs = flavor.extra_specs
    return _declared(specs) or _passed_through(specs) or _by_name(flavor) or Accelerators()


def _declared(specs: Mapping[str, str]) -> Accelerators | None:
    lower = {key.casefold(): value.strip() for key, value in specs.items()}
    told = {key: lower[key] for key in _DECLARING if key in lower}
    if not told:
        return None
    kind = told.get("accelerator:type", "").upper()
    number = told.get("accelerator:number", "")
    # A number that is none still says that there is one.
    count = _count(number) if _is_number(number) else 1
    if not count:
        return Accelerators()
    sign = "Accelerator:Type" if kind else "Accelerator:Number"
    if kind in ("", "GPU"):
        return Accelerators(gpus=count, sign=sign, sure=bool(kind))
    return Accelerators(others=count, sign=sign)


def _passed_through(specs: Mapping[str, str]) -> Accelerators | None:
    for key, value in sorted(specs.items()):
        count = _of_key(key.casefold(), value)
        if count:
            return _kind(count, key, f"{key} {value}".casefold())
    return None


def _kind(count: int, key: str, name: str) -> Accelerators:
    if "gpu" in name or _NAMED.search(name):
        return Accelerators(gpus=count, sign=key)
    # An alias may be called anything ("p1:2"). What an EGI flavor passes through is a GPU, unless
    # it says otherwise; a custom resource without a telling name may as well be bare metal.
    if name.startswith("pci_passthrough") and not _NO_GPU.search(name):
        return Accelerators(gpus=count, sign=key, sure=False)
    return Accelerators(others=count, sign=key)


def _of_key(key: str, value: str) -> int:
    if key == "pci_passthrough:alias":
        return sum(_count(alias.rpartition(":")[2]) for alias in value.split(","))
    if key.startswith(("resources:vgpu", "resources:custom_")):
        return _count(value)
    if key == "accel:device_profile":
        return 1
    if "gpu" in key and not key.startswith(("trait:", "hw:")):
        return 0 if value.casefold() in _FALSE else max(1, _count(value))
    return 1 if key.startswith("trait:custom_") and "gpu" in key and value == "required" else 0


def _by_name(flavor: Flavor) -> Accelerators | None:
    found = _NAMED.search(flavor.name)
    if not found:
        return None
    count = 4 if "quad" in flavor.name.lower().split("-") else int(found[1] or 1)
    return Accelerators(gpus=count, sign="its name", sure=False)


def _count(text: str) -> int:
    # "1.0" is one; a fraction is a share of one, which is one device to the VM.
    if not _is_number(text):
        return 0
    number = float(text)
    return math.ceil(number) if math.isfinite(number) and number > 0 else 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
