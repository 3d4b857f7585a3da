"""Valid results at the edge: no event anywhere, nothing but wars, copies of one structure."""

from __future__ import annotations

import numpy as np
import xarray as xr
from synthetic import FLASHPOINTS, REFERENCE, STRUCTURES, synthetic_parts

from escalation.contracts import codes
from escalation.results.build import build_dataset

KINDS = ("played", "quiet", "wars", "copies", "one differs")
"""As made-up histories go; nothing happens; every history holds one war; all structures alike;
all alike but the reference, which has nothing but wars."""


def degenerate_dataset(kind: str, seed: int, **size: int | bool) -> xr.Dataset:
    """Build results of a kind of `KINDS`; sizes as in `synthetic_dataset`."""
    arrays, coords, attrs = synthetic_parts(seed, **size)
    main = {k: v for k, v in arrays.items() if k.endswith(("_count", "_days", "_months"))}
    cells = {k: v for k, v in main.items() if not k.startswith(("sweep", "companion"))}
    here = coords["structure"].index(REFERENCE) if REFERENCE in coords["structure"] else 0
    if kind in ("quiet", "wars"):
        arrays |= constant(cells, attrs, arrays["is_third_party"], kind == "wars")
    if kind in ("copies", "one differs"):
        arrays |= {k: np.repeat(v[:, :, :1], v.shape[2], axis=2) for k, v in cells.items()}
    if kind == "one differs":
        wars = constant(cells, attrs, arrays["is_third_party"], True)
        for name in cells:
            arrays[name][:, :, here] = wars[name][:, :, here]
    if "sweep_event_count" in arrays and kind != "played":
        flat = arrays["sweep_event_count"]
        arrays["sweep_event_count"] = flat * 0 if kind == "quiet" else flat[:, :1] + 0 * flat
    if "sweep_event_count" in arrays and seed % 2:
        n = max(1, int(size["trajectories"]))
        arrays["sweep_event_count"] = arrays["sweep_event_count"] * n // 20_000
        attrs["sweep_trajectories"] = n
    attrs["reference"] = coords["structure"][here]
    return build_dataset(arrays, coords, attrs)


def constant(
    cells: dict[str, np.ndarray], attrs: dict[str, object], third: np.ndarray, war: bool
) -> dict[str, np.ndarray]:
    """Counts of cells in which every history is the same: empty, or one war in the first year."""
    n, years = int(attrs["trajectories"]), int(attrs["horizon_years"])
    found = {name: np.zeros_like(array) for name, array in cells.items()}
    found["trajectory_end_count"][..., 0] = n
    found["exposure_months"] += n * years * 12
    found["worst_rung_count"][..., codes.WAR if war else 0] = n
    if not war:
        return found
    found["crisis_count"][..., codes.GRAVE, codes.END_WITHDRAWAL, codes.WAR, 0] = n
    events = [codes.EVENTS.index(e) for e in ("dispute", "grave_crisis", "war")]
    found["first_event_count"][..., events, 0] = n
    found["stayed_out_count"] += n * third[None, :, None, None]
    found["coalition_size_count"][..., 0] = n
    found["duration_count"][..., codes.GRAVE, 0] = n
    size = codes.N_REPLICATES
    sizes = [len(range(b, n, size)) for b in range(size)]
    columns = ("dispute", "grave_crisis", "war", "disputes", "grave_crises", "grave_wars")
    for name in columns:
        found["replicate_count"][..., codes.REPLICATED.index(name)] = sizes
    return found


def places(flashpoints: int) -> tuple[str, ...]:
    """Names of the first flashpoints."""
    return FLASHPOINTS[:flashpoints]


def names(structures: int) -> tuple[str, ...]:
    """Names of the first structures."""
    return STRUCTURES[:structures]
