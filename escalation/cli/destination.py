"""Where a run writes: a place that no other run takes."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from escalation.cli.output import make_folder, write_somewhere
from escalation.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


@dataclass
class Destination:
    """A results file and the folder for what belongs to it.

    Attributes
    ----------
    results, folder : Path
        The file, and the folder of its table and figures.
    replace : bool
        Whether results that are there may be replaced.
    """

    results: Path
    folder: Path
    replace: bool = False

    def claim(self) -> None:
        """Make the folder; the next free one where it is there, as another run may be in it."""
        from escalation.contracts.whole_file import cannot_write

        first = self.folder
        for number in count(2):
            make_folder(self.folder.parent)
            try:
                self.folder.mkdir()
                return
            except FileExistsError:
                self.folder = first.with_name(f"{first.name}-{number}")
                self.results = self.folder / self.results.name
            except OSError as error:
                raise InputError(cannot_write(self.results, error)) from None

    def save(self, ds: xr.Dataset) -> None:
        """Write the results; under another name where another run has written meanwhile.

        Raises
        ------
        InputError
            They cannot be written; the message says where they are kept instead.
        """
        wanted = self.results
        for number in count(2):
            try:
                write_somewhere(self.results, lambda path: self._write(ds, path))
                return
            except FileExistsError:
                click.echo(f"another run has written {self.results} meanwhile", err=True)
                self.results = wanted.with_stem(f"{wanted.stem}-{number}")
                self.folder = self.results.with_suffix("")

    def beside(self, name: str) -> Destination:
        """Return a place for the results of a scenario, beside those of its study."""
        file = self.results.with_stem(f"{self.results.stem}--{name}")
        return Destination(file, self.folder, self.replace)

    def _write(self, ds: xr.Dataset, path: Path) -> None:
        from escalation.results import save_results

        make_folder(path.parent)
        save_results(ds, path, replace=self.replace)


@contextmanager
def destination(output: str | None, study: str, *, replace: bool) -> Iterator[Destination]:
    """Choose where a run writes, before it; folders that stay empty are removed after it.

    Parameters
    ----------
    output : str or None
        Results file; by default one in a new folder named after the study and the day.
    study : str
        Name of the study.
    replace : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    InputError
        Nothing can be written there, or results are there already.
    """
    from escalation.contracts.whole_file import check_output

    place = _of_the_day(study, replace) if output is None else _given(output)
    check_output(place.results)
    place.replace = replace
    if output is not None and place.results.exists() and not replace:
        raise InputError(
            f"output: {output!r} is there already; --overwrite replaces it, its table and figures"
        )
    made = [folder for folder in (place.folder, *place.folder.parents) if not folder.exists()]
    try:
        if output is None:
            place.claim()
        yield place
    finally:
        for folder in (place.folder, *made):
            with suppress(OSError):  # it is not empty
                folder.rmdir()


def _given(output: str) -> Destination:
    results = Path(output)
    if results.suffix != ".nc":
        raise InputError(f"output: {output!r} does not end in .nc")
    return Destination(results, results.with_suffix(""))


def _of_the_day(study: str, replace: bool) -> Destination:
    if replace:
        raise InputError("overwrite: there is nothing to replace without --output")
    folder = Path("results") / f"{study}-{datetime.date.today().isoformat()}"
    return Destination(folder / "results.nc", folder)
