"""Where a run met a limit of the tables, in words."""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.report.text import counted, safe


def saturation_words(ds: xr.Dataset) -> str:
    """Say in how many draws disputes came at the limit of the tables; empty if in none.

    Parameters
    ----------
    ds : Dataset
        Results; those of older files do not say and give an empty text.
    """
    if "saturated_count" not in ds:
        return ""
    hit = ds["saturated_count"].any("decision_rule")
    if not bool(hit.any()):
        return ""
    cells = hit.sum("draw")
    place = np.unravel_index(int(cells.values.argmax()), cells.shape)
    worst = cells[dict(zip(cells.dims, place, strict=True))]
    flashpoint, structure = (safe(worst[dim].item()) for dim in ("flashpoint", "structure"))
    draws = int(hit.any(("flashpoint", "structure")).sum())
    return (
        f"In {counted(draws, 'draw')} of {ds.sizes['draw']} disputes came at the limit of 32 a "
        f"month or 256 a year, most often at {flashpoint} under {structure} ({int(worst)}): there "
        "fewer came than the parameters ask for, and every risk of those draws is too low"
    )
