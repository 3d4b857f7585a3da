"""Results files: NetCDF-4, whole or absent, refused when damaged.

A file holds the counts, and the quantities (``p_war`` and so on) for whoever opens it with `xarray`
alone. `open_results` makes these anew from the counts and never believes what is stored.

One sum guards a file. Behind the NetCDF-4 content, where readers of that format do not look,
stands a SHA-256 of every byte before it: it is compared before any library parses the file, which
a damaged one could lead astray.
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from reprlib import repr as brief
from typing import Any

import h5py
import numpy as np
import xarray as xr

from escalation.contracts.whole_file import usable_path, write_whole
from escalation.errors import ResultsError
from escalation.results.build import plain_attrs
from escalation.results.check import check_dataset
from escalation.results.derive import with_probabilities, without_probabilities
from escalation.results.heaps import heaps_are_sound
from escalation.results.quantities import QUANTITIES
from escalation.results.under_rule import upgraded
from escalation.results.variables import ATTRIBUTES, FORMAT_VERSION, VARIABLES, names

RESULTS_NAME = "results.nc"
"""Name of the results file in a folder of results."""

_OLD_CHECKSUM = "content_sha256"
"""Attribute of files of format 3 and older, which is not looked at."""
_START = b"\x89HDF\r\n\x1a\n"
_SEAL = b"\nescalation-results sha256 "
_SEAL_LENGTH = len(_SEAL) + 64 + 1
_START_OF_NETCDF3 = b"CDF"
_FOREIGN = (
    "saved by another program, or cut off at its very end (no checksum there); open the file "
    "that escalation wrote"
)
_TEXT_LIMIT = 2**26
"""Characters of all labels of a dimension, at the width of the longest."""
_DEFLATE_LIMIT = 1032
"""Bytes that a byte of a compressed file can stand for, at most."""


def save_results(
    ds: xr.Dataset, path: str | os.PathLike[str], *, replace: bool = True
) -> Path:
    """Write a dataset to a file, whole or not at all.

    Parameters
    ----------
    ds : Dataset
        As `build_dataset` or `with_probabilities` makes it. Counts and quantities are written, no
        other derived variable.
    path : str or path
        File to write. Replaced in one step if it is there.
    replace : bool, optional
        Whether it may be replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The path cannot be used (null byte, ``..``, name too long, symbolic link, a folder,
        folder missing or not writable), or the disk is full. The old file, if any, is then
        as it was.
    ResultsError
        The counts do not add up, or there are variables that the registry does not know.
    FileExistsError
        The file is there and may not be replaced.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_results(ds, f"{folder}/results.nc").name
    'results.nc'
    """
    target = usable_path(path)  # before the work of encoding
    return write_whole(target, _encode(ds), replace=replace)


def open_results(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a results file into memory, verify it and add the derived variables.

    Parameters
    ----------
    path : str or path
        A results file, or a folder that holds ``results.nc``.

    Returns
    -------
    Dataset
        Counts and probabilities; no file stays open.

    Raises
    ------
    ResultsError
        The file is missing, truncated, damaged, incomplete or from a newer version.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = open_results(save_results(ds, f"{folder}/results.nc"))
    >>> again["p_war"].dims
    ('decision_rule', 'flashpoint', 'structure', 'draw')
    """
    file = _existing(path)
    try:
        content = _read(file)
    except OSError as error:
        raise ResultsError(f"{file}: cannot be read: {error.strerror}") from error
    ds = upgraded(_decode(file, _unsealed(file, content)))
    try:
        check_dataset(ds)
    except ResultsError as error:
        raise ResultsError(f"{file}: {error}") from error
    return with_probabilities(ds)


def _encode(ds: xr.Dataset) -> bytes:
    """Return the content of the file."""
    ds = without_probabilities(ds)
    unknown = sorted(str(name) for name in ds.variables if not _stored(str(name)))
    if unknown:
        raise ResultsError(f"cannot save variables that are not registered: {', '.join(unknown)}")
    ds = ds.assign_attrs(plain_attrs(ds.attrs))
    check_dataset(ds)
    ds = with_probabilities(ds).drop_vars(set(names("derived")) - set(QUANTITIES))
    ds.attrs = {name: _file_attr(value) for name, value in ds.attrs.items()}
    ds = ds.drop_encoding()
    try:
        content = ds.to_netcdf(engine="h5netcdf", format="NETCDF4", encoding=_encoding(ds))
    except (ValueError, TypeError, UnicodeError) as error:
        raise ResultsError(f"the results cannot be stored: {error}") from error
    return _sealed(bytes(content))


def _sealed(content: bytes) -> bytes:
    """Append the checksum of the bytes."""
    return content + _SEAL + hashlib.sha256(content).hexdigest().encode("ascii") + b"\n"


def _read(file: Path) -> bytes:
    """Return the bytes of a file of which start and end are right; others may fill the memory."""
    with open(file, "rb") as stream:
        start = stream.read(len(_START))
        length = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, length - _SEAL_LENGTH))
        _check_ends(file, start, stream.read())
        stream.seek(0)
        return stream.read()


def _check_ends(file: Path, start: bytes, end: bytes) -> None:
    if start.startswith(_START_OF_NETCDF3):
        raise ResultsError(f"{file}: {_FOREIGN}")
    if start != _START:
        raise ResultsError(f"{file}: not a results file (no NetCDF-4), or its start is damaged")
    if not end.startswith(_SEAL):
        foreign = _SEAL[:4] not in end and _is_hdf5(file)
        raise ResultsError(f"{file}: {_FOREIGN if foreign else 'truncated: its end is missing'}")


def _unsealed(file: Path, content: bytes) -> bytes:
    """Return the NetCDF-4 content if it is what was written."""
    body = content[:-_SEAL_LENGTH]
    if content != _sealed(body):
        raise ResultsError(f"{file}: damaged, its bytes do not match its checksum")
    return body


def _is_hdf5(file: Path) -> bool:
    """Whether the format itself finds nothing missing; it keeps the length of its files."""
    try:
        with h5py.File(file, "r"):
            return True
    except Exception:  # h5py raises whatever it stumbles over
        return False


def _encoding(ds: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Compress every array of numbers."""
    found: dict[str, dict[str, Any]] = {}
    for name, variable in ds.variables.items():
        if variable.dtype.kind not in "ifb" or variable.ndim == 0 or variable.size == 0:
            continue
        found[str(name)] = {"zlib": True, "complevel": 4, "shuffle": True}
        if variable.dtype.kind == "f":
            found[str(name)]["_FillValue"] = None
    return found


def _existing(path: str | os.PathLike[str]) -> Path:
    text = os.fsdecode(path)
    if "\0" in text:
        raise ResultsError(f"{text!r}: a path cannot contain a null byte")
    file = Path(text)
    try:
        if file.is_dir():
            file = file / RESULTS_NAME
        found = file.is_file()
    except OSError as error:
        raise ResultsError(f"{text[:200]}: {error.strerror}") from error
    if not found:
        raise ResultsError(f"{file}: no such results file")
    return file


def _decode(file: Path, content: bytes) -> xr.Dataset:
    """Read the variables; every failure of the reading libraries means a damaged file."""
    try:
        if not heaps_are_sound(content):
            raise ResultsError("damaged: its text cannot be read")
        with h5py.File(io.BytesIO(content), "r") as stored:
            _check_heads(stored, len(content))
        with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as lazy:
            return _restored(without_probabilities(lazy).load())
    except ResultsError as error:
        raise ResultsError(f"{file}: {error}") from error
    except Exception as error:  # h5py, h5netcdf and xarray raise whatever they stumble over
        raise ResultsError(f"{file}: cannot be read ({_first_line(error)})") from error


def _restored(ds: xr.Dataset) -> xr.Dataset:
    """Undo what the file format does to text and to attributes."""
    ds = ds.drop_encoding()
    for name in ds.variables:
        _check_text(str(name), ds[name].values)
    attrs = {name: _memory_attr(name, value) for name, value in ds.attrs.items()}
    attrs.pop(_OLD_CHECKSUM, None)
    ds.attrs = {}
    texts = {
        name: (ds[name].dims, np.asarray(ds[name].values).astype(str), ds[name].attrs)
        for name in ds.variables
        if str(name) in VARIABLES and VARIABLES[str(name)].dtype == "str"
    }
    ds = ds.assign_coords({name: text for name, text in texts.items() if name in ds.coords})
    ds = ds.assign({name: text for name, text in texts.items() if name not in ds.coords})
    return ds.drop_encoding().assign_attrs(attrs)


def _check_text(name: str, values: np.ndarray) -> None:
    """Refuse labels of which one is so long that all together would fill the memory."""
    if values.dtype.kind in "OUT" and values.size:
        longest = max(len(str(value)) for value in values.ravel().tolist())
        if longest * values.size > _TEXT_LIMIT:
            raise ResultsError(f"{name}: a label of {longest:,} characters")


def _check_heads(stored: h5py.File, length: int) -> None:
    """Refuse by version, names and shapes, before any number is decoded.

    Few bytes of a file can stand for more numbers than any memory holds.
    """
    _check_version(_memory_attr("format_version", stored.attrs.get("format_version")))
    unknown = sorted(name for name in stored if not _stored(name) and name not in QUANTITIES)
    if unknown:
        raise ResultsError(f"not a results file: no results hold {brief(unknown[0])}")
    for name in stored:
        part = stored[name]
        if not isinstance(part, h5py.Dataset) or part.ndim > len(VARIABLES[name].dims):
            raise ResultsError(f"damaged: {name} is no array of {VARIABLES[name].dims}")
    size = sum((part.size or 0) * part.dtype.itemsize for part in stored.values())
    if size > _DEFLATE_LIMIT * length:
        raise ResultsError(f"damaged: {size:,} bytes of numbers cannot be packed into {length:,}")


def _check_version(version: Any) -> None:
    if not isinstance(version, int):
        raise ResultsError("not a results file, it has no format version")
    if version > FORMAT_VERSION:
        raise ResultsError(
            f"written by a newer version (format {version}, this version reads up to "
            f"{FORMAT_VERSION}); update escalation to open it"
        )
    if version < 1:
        raise ResultsError(f"unknown format version {version}")


def _stored(name: str) -> bool:
    return name in VARIABLES and VARIABLES[name].role != "derived"


def _file_attr(value: Any) -> Any:
    if isinstance(value, bool):
        return np.int8(value)
    if isinstance(value, int):
        return np.uint64(value) if value >= 2**63 else np.int64(value)
    return value


def _memory_attr(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(()).item()
    if isinstance(value, np.generic):
        value = value.item()
    if name in ATTRIBUTES and ATTRIBUTES[name].type is bool:
        return bool(value)
    return value


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120] or type(error).__name__
