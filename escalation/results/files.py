"""Results files: NetCDF-4, whole or absent, refused when damaged.

A file holds counts only. It is made in memory, written under a temporary name in the same
folder, flushed to the disk and then renamed, so that nobody ever meets half a file.

Three sums guard it. Behind the NetCDF-4 content, where readers of that format do not look,
stands a SHA-256 of every byte before it: it is compared before any library parses the file,
which a damaged one could lead astray. Inside stands ``content_sha256``, over the values of
all variables and attributes, so that it does not depend on compression. And every block of
numbers carries the Fletcher-32 sum of the format.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
from pathlib import Path
from reprlib import repr as brief
from typing import Any

import h5py
import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.build import plain_attrs
from escalation.results.check import check_dataset
from escalation.results.derive import with_probabilities, without_probabilities
from escalation.results.heaps import heaps_are_sound
from escalation.results.under_rule import upgraded
from escalation.results.variables import ATTRIBUTES, FORMAT_VERSION, VARIABLES

RESULTS_NAME = "results.nc"
"""Name of the results file in a folder of results."""

_CHECKSUM = "content_sha256"
_NAME_LIMIT = 255
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
    """Write the counts of a dataset to a file, whole or not at all.

    Parameters
    ----------
    ds : Dataset
        As `build_dataset` or `with_probabilities` makes it; derived variables are left out.
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
    """
    target = usable_path(path)
    return write_whole(target, _encode(ds), replace=replace)


def write_whole(
    path: str | os.PathLike[str], content: bytes, *, replace: bool = True
) -> Path:
    """Write a file whole or not at all: temporary name, flush to the disk, rename.

    Raises
    ------
    InputError
        The path cannot be used, or writing failed; an old file is then as it was.
    FileExistsError
        The file is there and may not be replaced.
    """
    target = usable_path(path)
    temporary = target.with_name(f".escalation-{secrets.token_hex(8)}.partial")
    try:
        _write(temporary, content)
        (os.replace if replace else _rename_new)(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        raise InputError(cannot_write(target, error)) from error
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(target.parent)
    return target


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
    """
    file = _existing(path)
    try:
        content = _read(file)
    except OSError as error:
        raise ResultsError(f"{file}: cannot be read: {error.strerror}") from error
    ds = _decode(file, _unsealed(file, content))
    expected = ds.attrs.pop(_CHECKSUM, None)
    if expected is None:
        raise ResultsError(f"{file}: not a results file, it has no checksum")
    if expected != content_checksum(ds):
        raise ResultsError(f"{file}: damaged, its content does not match its checksum")
    ds = upgraded(ds)
    try:
        check_dataset(ds)
    except ResultsError as error:
        raise ResultsError(f"{file}: {error}") from error
    return with_probabilities(ds)


def content_checksum(ds: xr.Dataset) -> str:
    """SHA-256 over names, dimensions, values and attributes of all stored variables.

    Independent of byte order, compression and the order of variables. The checksum itself
    and the derived variables are left out.
    """
    digest = hashlib.sha256()
    attrs = {name: value for name, value in ds.attrs.items() if name != _CHECKSUM}
    digest.update(_canonical(["attrs", plain_attrs(attrs)]))
    for name in sorted(str(n) for n in ds.variables if _stored(str(n))):
        variable = ds[name].variable
        dims = [str(dim) for dim in variable.dims]
        head = [name, dims, list(variable.shape), _plain_labels(variable.attrs)]
        digest.update(_canonical(head))
        digest.update(_value_bytes(np.asarray(variable.values)))
    return digest.hexdigest()


def check_output(path: str | os.PathLike[str]) -> Path:
    """Return the path if a file could be written there once its folders are made.

    For use before a long run: as `usable_path`, but the folder need not exist yet.

    Raises
    ------
    InputError
        See `save_results`.
    """
    return _checked_path(path, make_folders=True)


def usable_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if a file can be written there now.

    Raises
    ------
    InputError
        See `save_results`.
    """
    return _checked_path(path, make_folders=False)


def _checked_path(path: str | os.PathLike[str], *, make_folders: bool) -> Path:
    text = os.fsdecode(path)
    shown = repr(text if len(text) <= 80 else f"{text[:60]}...")
    if "\0" in text:
        raise InputError(f"output path {shown} contains a null byte")
    target = Path(text)
    if ".." in target.parts:
        raise InputError(f"output path {shown} contains '..'; name the folder itself")
    if target.name == "":
        raise InputError(f"output path {shown} names no file")
    if any(len(os.fsencode(part)) > _NAME_LIMIT for part in target.parts):
        raise InputError(f"output path {shown}: a name is longer than {_NAME_LIMIT} bytes")
    try:
        _check_place(target, shown, make_folders)
    except OSError as error:
        raise InputError(cannot_write(target, error)) from error
    return target


def _check_place(target: Path, shown: str, make_folders: bool) -> None:
    if target.is_symlink():
        raise InputError(f"output path {shown} is a symbolic link; name the file itself")
    if target.is_dir():
        raise InputError(f"output path {shown} is a folder")
    folder = target.parent
    if make_folders:
        folder = next(place for place in (folder, *folder.parents) if place.exists())
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise InputError(f"output path {shown}: {str(folder)[:80]!r} {what}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"output path {shown}: the folder is not writable")


def cannot_write(target: Path, error: OSError) -> str:
    return f"cannot write {str(target)[:200]!r}: {reason(error)}; nothing was written"


def reason(error: OSError) -> str:
    """Why writing failed, in words."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "the disk is full" if full else error.strerror or str(error)


def _encode(ds: xr.Dataset) -> bytes:
    """Return the content of the file."""
    ds = without_probabilities(ds)
    unknown = sorted(str(name) for name in ds.variables if not _stored(str(name)))
    if unknown:
        raise ResultsError(f"cannot save variables that are not registered: {', '.join(unknown)}")
    ds = ds.assign_attrs(plain_attrs(ds.attrs))
    check_dataset(ds)
    ds.attrs[_CHECKSUM] = content_checksum(ds)
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
    """Compress and checksum the blocks of every array of numbers."""
    found: dict[str, dict[str, Any]] = {}
    for name, variable in ds.variables.items():
        if variable.dtype.kind not in "ifb" or variable.ndim == 0 or variable.size == 0:
            continue
        found[str(name)] = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
        if variable.dtype.kind == "f":
            found[str(name)]["_FillValue"] = None
    return found


def _write(temporary: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename_new(temporary: Path, target: Path) -> None:
    """Give a file its name unless another has it; a link fails then, where a rename does not."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        os.replace(temporary, target)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


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
            ds = lazy.load()
        return _restored(ds)
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
    unknown = sorted(name for name in stored if not _stored(name))
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
    return name in VARIABLES and VARIABLES[name].stored


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


def _plain_labels(attrs: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in attrs.items()}


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return text.encode("ascii") + b"\n"


def _value_bytes(values: np.ndarray) -> bytes:
    if values.dtype.kind in "UOT":
        return _canonical([str(value) for value in values.ravel().tolist()])
    code = {"i": "<i8", "u": "<u8", "f": "<f8", "b": "|u1"}.get(values.dtype.kind)
    if code is None:
        raise ResultsError(f"cannot store values of type {values.dtype}")
    return np.ascontiguousarray(values.astype(code)).tobytes()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:120] or type(error).__name__
