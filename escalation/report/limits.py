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
    counts = ds.get("saturated_count")
    if counts is None or not bool(counts.any()):
        return ""
    draws = int((counts > 0).any([dim for dim in counts.dims if dim != "draw"]).sum())
    index = np.unravel_index(int(counts.values.argmax()), counts.shape)
    worst = counts[dict(zip(counts.dims, index, strict=True))]
    rule, flashpoint, structure = (
        safe(worst[dim].item()) for dim in ("decision_rule", "flashpoint", "structure")
    )
    return (
        f"In {counted(draws, 'draw')} of {ds.sizes['draw']:,} disputes came at the limit of 32 a "
        f"month or 256 a year, most of all at {flashpoint} under {structure} by "
        f"{rule.replace('_', ' ')}, in {int(worst):,} of {int(ds.attrs['trajectories']):,} "
        "histories of a draw: fewer disputes came there than the parameters ask for"
    )
