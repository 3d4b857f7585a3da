"""Kernel against exact solutions, as plain text."""

from __future__ import annotations

from typing import Any

from escalation.report.text import WIDTH, counted, line_of, paragraph, safe

Json = dict[str, Any]

NAME_WIDTH = 26
_HEADINGS = ("out-", "chi-", "", "", "largest")
_MORE_HEADINGS = ("comes", "square", "df", "p", "diff.")
_WIDTHS = (6, 8, 5, 9, 9)

_READING = (
    "Of each cell the check with the smallest p, or all that fail. Outcomes: compared by "
    "chi-square, rare ones as one. Largest difference: of a count, in standard errors, and where."
)


def format_verify(result: Json) -> str:
    """Return what was reduced, a line per cell, every failed check, and the verdict.

    Parameters
    ----------
    result : dict
        From :func:`escalation.verification.verify.verify`.
    """
    lines = [*_head(result), ""]
    lines += [line_of("", _cells(row), NAME_WIDTH, 0) for row in (_HEADINGS, _MORE_HEADINGS)]
    flashpoint = None
    for cell in result["cells"]:
        if cell["flashpoint"] != flashpoint:
            flashpoint = cell["flashpoint"]
            lines.append(safe(flashpoint))
        lines += _cell_lines(cell)
    lines += ["", _line("all cells together", result["together"])]
    return "\n".join([*lines, "", *paragraph(_READING, WIDTH), "", *_verdict(result)])


def _head(result: Json) -> list[str]:
    plan = result["plan"]
    lines = [
        f"{safe(result['study'])}, reduced: {counted(len(result['cells']), 'cell')} x 3 worlds x "
        f"{plan['trajectories']:,} histories, seed {plan['seed']}"
    ]
    for text in result["reduction"]:
        lines += paragraph(f"- {safe(text)}", WIDTH, hang="  ")
    return lines


def _cells(row: tuple[str, ...]) -> list[str]:
    return [text.rjust(width) for text, width in zip(row, _WIDTHS, strict=True)]


def _line(name: str, check: Json) -> str:
    """Return one check as a line of the table."""
    numbers = (
        str(check["classes"]),
        "-" if check["chi_square"] is None else f"{check['chi_square']:.1f}",
        str(check["degrees_of_freedom"]),
        f"{check['p']:.2g}",
        "-" if check["largest_difference"] is None else f"{check['largest_difference']:+.1f}",
    )
    return line_of(name[:NAME_WIDTH], _cells(numbers), NAME_WIDTH, 0)


def _cell_lines(cell: Json) -> list[str]:
    parties = " and ".join(cell["third_parties"]) or "nobody else"
    worst = min(cell["checks"], key=lambda check: check["p"])
    head = f"  {safe(cell['structure'])}, draw {cell['draw']}, with {safe(parties)}"
    shown = [c for c in cell["checks"] if c["failed"]] or [worst]
    lines = [f"{head}: {counted(len(cell['checks']), 'check')}"]
    for check in shown:
        mark = "  FAILS" if check["failed"] else ""
        lines.append(f"{_line('    ' + check['what'], check)}  {safe(check['where'])}{mark}")
    return lines


def _verdict(result: Json) -> list[str]:
    checks = [check for cell in result["cells"] for check in cell["checks"]]
    checks.append(result["together"])
    failed = sum(check["failed"] for check in checks)
    level = f"family-wise level {result['plan']['level']:g}"
    if failed:
        return [f"FAILED: the kernel differs from the exact solution in {failed} of "
                f"{len(checks)} checks ({level})"]  # fmt: skip
    return [f"passed: kernel and exact solution agree in all {len(checks)} checks ({level})"]
