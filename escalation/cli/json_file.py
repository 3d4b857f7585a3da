"""JSON written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from escalation.cli.output import write_somewhere
from escalation.contracts.whole_file import put, reason
from escalation.errors import InputError


def checked_output(output: str, option: str = "json", *, replace: bool = True) -> Path:
    """Return the path of a file that can be written; asked before the work, not after.

    `option` names the option in the message; `replace` says whether a file may be there. For JSON
    that file must be JSON itself: anything else there is somebody's results or table.

    Raises
    ------
    InputError
        It is a folder, or its folder does not exist, or it is there and may not be replaced.
    """
    path = Path(output)
    if path.is_dir():
        raise InputError(f"{option}: {output!r} is a folder, not a file")
    if not path.parent.is_dir():
        raise InputError(f"{option}: folder {str(path.parent)!r} does not exist")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{option}: {output!r} is a link or a device, and would be replaced")
    if path.exists() and not replace:
        raise InputError(f"{option}: {output!r} is there already; --overwrite replaces it")
    if option == "json" and path.exists() and not _is_json(path):
        raise InputError(f"{option}: {output!r} is there already and holds something else")
    return path


def _is_json(path: Path) -> bool:
    """Whether a file is empty or begins as what `write_json` writes."""
    try:
        with path.open("rb") as file:
            return file.read(1) in (b"", b"{")
    except OSError:
        return False


def as_json(result: dict[str, Any]) -> str:
    """Return the text that `write_json` writes."""
    return json.dumps(result, indent=1, allow_nan=False) + "\n"


def write_json(result: dict[str, Any], path: Path) -> None:
    """Write whole or not at all; where that fails, elsewhere.

    Raises
    ------
    InputError
        The file cannot be written; the message says where it is kept instead.
    """
    text = as_json(result)
    write_somewhere(path, lambda other: _write(text, other))


def _write(text: str, path: Path) -> None:
    try:
        put(path, text.encode())
    except OSError as error:
        raise InputError(f"json: cannot write {path}: {reason(error)}") from None


def show_and_write(
    output: str | None, compute: Callable[[], dict[str, Any]], words: Callable[[Any, int], str]
) -> dict[str, Any]:
    """Print a result in words, and write it to a JSON file if one is asked for.

    Whether the file can be written is looked at before anything is computed.
    """
    from escalation.report.text import terminal_width

    target = None if output is None else checked_output(output)
    result = compute()
    click.echo(words(result, terminal_width()))
    if target is not None:
        write_json(result, target)
        click.echo(f"\n{target}")
    return result
