"""Kernel against exact solutions, as plain text."""

from __future__ import annotations

from typing import Any

from escalation.report.glossary import explained
from escalation.report.text import WIDTH, Row, counted, paragraph, safe, table

Json = dict[str, Any]

_HEADINGS = ("outcomes", "chi-\nsquare", "df", "p", "largest\ndiff.", "")

_READING = (
    "Of each pair the check with the smallest p, or all that fail. The largest difference of a "
    "count is in standard errors."
)


def format_verify(result: Json, width: int = WIDTH) -> str:
    """Return what was reduced, a line per cell, every failed check, and the verdict.

    Parameters
    ----------
    result : dict
        From :func:`escalation.verification.verify.verify`.
    width : int
        Columns.
    """
    rows: list[Row] = []
    flashpoint = None
    for cell in result["cells"]:
        if cell["flashpoint"] != flashpoint:
            flashpoint = cell["flashpoint"]
            rows.append((flashpoint, []))
        rows += _rows(cell)
    rows.append(("all pairs together", _numbers(result["together"])))
    lines = [*_head(result, width), "", *table(_HEADINGS, rows, width), ""]
    return explained([*lines, *paragraph(_verdict(result), width)], width)


def _head(result: Json, width: int) -> list[str]:
    plan = result["plan"]
    size = (
        f"{safe(result['study'])}, reduced: {len(result['cells'])} pairs of a flashpoint and a "
        f"structure x 3 worlds x {plan['trajectories']:,} histories, seed {plan['seed']}. "
    )
    lines = paragraph(size + _READING, width)
    for text in result["reduction"]:
        lines += paragraph(f"- {safe(text)}", width, hang="  ")
    return lines


def _numbers(check: Json) -> list[str]:
    """Return one check as cells of the table."""
    return [
        str(check["classes"]),
        "-" if check["chi_square"] is None else f"{check['chi_square']:.1f}",
        str(check["degrees_of_freedom"]),
        f"{check['p']:.2g}",
        "-" if check["largest_difference"] is None else f"{check['largest_difference']:+.1f}",
        "FAILS" if check["failed"] else "",
    ]


def _rows(cell: Json) -> list[Row]:
    parties = " and ".join(cell["third_parties"]) or "nobody else"
    worst = min(cell["checks"], key=lambda check: check["p"])
    head = f"  {cell['structure']}, draw {cell['draw']}, with {parties}"
    shown = [c for c in cell["checks"] if c["failed"]] or [worst]
    rows: list[Row] = [(f"{head}: {counted(len(cell['checks']), 'check')}", [])]
    for check in shown:
        rows += [(f"    {check['what']}", _numbers(check)), (f"      {check['where']}", [])]
    return rows


def _verdict(result: Json) -> str:
    checks = [check for cell in result["cells"] for check in cell["checks"]]
    checks.append(result["together"])
    failed = sum(check["failed"] for check in checks)
    level = f"family-wise level {result['plan']['level']:g}"
    if failed:
        return (f"FAILED: the kernel differs from the exact solution in {failed} of "
                f"{len(checks)} checks ({level})")  # fmt: skip
    return f"passed: kernel and exact solution agree in all {len(checks)} checks ({level})"
