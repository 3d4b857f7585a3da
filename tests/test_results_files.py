"""Results files are whole or absent, and a damaged one is refused."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from synthetic import synthetic_dataset, synthetic_parts

from escalation.contracts import whole_file
from escalation.contracts.whole_file import check_output
from escalation.errors import InputError, ResultsError
from escalation.results import files
from escalation.results.build import build_dataset
from escalation.results.derive import with_probabilities
from escalation.results.files import open_results, save_results
from escalation.results.quantities import QUANTITIES
from escalation.results.variables import FORMAT_VERSION, names

SMALL = {"flashpoints": 1, "structures": 2, "draws": 2, "trajectories": 30, "years": 2}
NASTY = ["</script>", r"$\undefined{x}$"]


@pytest.fixture(scope="module")
def ds():
    return with_probabilities(synthetic_dataset(4, **SMALL))


@pytest.fixture(scope="module")
def content(ds, tmp_path_factory):
    return save_results(ds, tmp_path_factory.mktemp("once") / "results.nc").read_bytes()


@pytest.fixture
def saved(content, tmp_path):
    path = tmp_path / "results.nc"
    path.write_bytes(content)
    return path


def test_round_trip(ds, saved):
    assert open_results(saved).identical(ds)
    assert open_results(saved.parent).identical(ds), "a folder is as good as the file in it"


def test_round_trip_without_sweep_and_with_hostile_names(tmp_path):
    arrays, coords, attrs = synthetic_parts(0, **SMALL, sweep=False)
    attrs |= {
        "study_title": "<img onerror=alert(1)>", "reference": NASTY[0], "seed": 2**64 - 1,
        "study_text": "é: $x$ </script>\n" * 10_000, "git": "", "more": 0.1,
    }
    ds = build_dataset(arrays, coords | {"structure": NASTY}, attrs)
    back = open_results(save_results(ds, tmp_path / "a b.nc"))
    assert back.identical(with_probabilities(ds))
    assert back["structure"].values.tolist() == NASTY
    assert back.attrs["seed"] == 2**64 - 1
    assert back.attrs["default_point"] is False


def test_file_holds_counts_and_quantities(saved):
    import h5py

    with h5py.File(saved) as file:
        assert set(names("derived")) & set(file) == set(QUANTITIES)
        assert file["crisis_count"].compression == "gzip"


def test_a_stored_probability_is_never_believed(ds, saved):
    def forge(file):
        file["p_war"][...] = 0.5
        del file["p_dispute"]

    reseal(saved, forge)
    assert open_results(saved).identical(ds)


def test_every_flipped_bit_is_refused(saved, content):
    rng = np.random.default_rng(0)
    for place in (0, 9, len(content) - 1, *rng.integers(0, len(content), 60)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(damaged)
        with pytest.raises(ResultsError, match=r"results\.nc: (damaged|truncated|not a results)"):
            open_results(saved)


def test_a_truncated_file_is_refused(saved, content):
    for length in (0, 5, 600, len(content) // 2, len(content) - 84, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(ResultsError, match=r"results\.nc: (truncated|not a results)"):
            open_results(saved)
    saved.write_bytes(content)
    open_results(saved)


def reseal(path, change):
    """Change a file with its byte checksum renewed, as a careless tool would."""
    import h5py

    path.write_bytes(path.read_bytes()[: -files._SEAL_LENGTH])
    with h5py.File(path, "r+") as file:
        change(file)
    path.write_bytes(files._sealed(path.read_bytes()))


def test_zeroed_counts_are_refused(saved):
    def zero(file):
        file["crisis_count"][...] = 0

    reseal(saved, zero)
    with pytest.raises(ResultsError, match="crisis_count"):
        open_results(saved)


def test_a_newer_version_is_refused_with_advice(saved):
    def renew(file):
        file.attrs["format_version"] = np.int64(FORMAT_VERSION + 1)

    reseal(saved, renew)
    with pytest.raises(ResultsError, match="newer version"):
        open_results(saved)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(ResultsError, match="no such results file"):
        open_results(tmp_path / "none.nc")
    with pytest.raises(ResultsError, match="no such results file"):
        open_results(tmp_path)
    with pytest.raises(ResultsError):
        open_results("a\0b")
    with pytest.raises(ResultsError):
        open_results("x" * 5000)
    text = tmp_path / "text.nc"
    text.write_text("hello")
    with pytest.raises(ResultsError, match="not a results file"):
        open_results(text)
    other = tmp_path / "other.nc"
    xr.Dataset({"a": 1}).to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ResultsError, match="saved by another program"):
        open_results(other)


def test_a_copy_that_another_program_saved_is_called_that(saved, tmp_path):
    copy = tmp_path / "copy.nc"
    words = r"copy\.nc: saved by another program.*open the file that escalation wrote"
    for ds in (xr.open_dataset(saved, engine="h5netcdf"), open_results(saved)):
        ds.load().assign_attrs(default_point=0).to_netcdf(copy, engine="h5netcdf")
        ds.close()
        with pytest.raises(ResultsError, match=words):
            open_results(copy)
    copy.write_bytes(saved.read_bytes()[: -files._SEAL_LENGTH])
    with pytest.raises(ResultsError, match=words):
        open_results(copy)
    copy.write_bytes(b"CDF\x05" + bytes(100))
    with pytest.raises(ResultsError, match=words):
        open_results(copy)


def test_a_file_that_is_there_is_kept_if_asked(ds, saved):
    old = saved.read_bytes()
    with pytest.raises(FileExistsError):
        save_results(ds.assign_attrs(seed=1), saved, replace=False)
    assert saved.read_bytes() == old
    assert os.listdir(saved.parent) == ["results.nc"]
    save_results(ds.assign_attrs(seed=1), saved)
    assert open_results(saved).attrs["seed"] == 1


@pytest.mark.parametrize("there", [False, True])
def test_a_file_system_without_links_keeps_a_file_too(ds, tmp_path, monkeypatch, there):
    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(whole_file.os, "link", refuse)
    path = tmp_path / "results.nc"
    if there:
        path.write_text("precious")
        with pytest.raises(FileExistsError):
            save_results(ds, path, replace=False)
        assert path.read_text() == "precious"
    else:
        save_results(ds, path, replace=False)
        open_results(path)
    assert os.listdir(tmp_path) == ["results.nc"]


def test_unusable_paths_are_refused(ds, tmp_path):
    link = tmp_path / "link.nc"
    link.symlink_to(tmp_path / "elsewhere.nc")
    for path, words in (
        ("a\0.nc", "null byte"),
        (tmp_path / ("x" * 300), "longer than 255"),
        (tmp_path / ".." / "x.nc", r"'\.\.'"),
        (tmp_path / "none" / "x.nc", "does not exist"),
        (tmp_path, "is a folder"),
        ("", "names no file"),
        (link, "symbolic link"),
    ):
        with pytest.raises(InputError, match=words):
            save_results(ds, path)
    assert os.listdir(tmp_path) == ["link.nc"]


def test_check_output_lets_folders_be_missing(tmp_path):
    assert check_output(tmp_path / "new" / "more" / "x.nc").name == "x.nc"
    assert os.listdir(tmp_path) == []
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file" / "x.nc", tmp_path / ("y" * 300), "a\0"):
        with pytest.raises(InputError):
            check_output(bad)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(ds, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        save_results(ds, tmp_path / "x.nc")
    tmp_path.chmod(0o700)


def test_permission_is_asked_for(ds, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_file.os, "access", lambda *_: False)
    with pytest.raises(InputError, match="not writable"):
        save_results(ds, tmp_path / "x.nc")


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    ds, saved, monkeypatch, step, code
):
    old = saved.read_bytes()

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(whole_file.os, step, fail)
    words = "the disk is full" if code == errno.ENOSPC else "cannot write"
    with pytest.raises(InputError, match=words):
        save_results(ds.assign_attrs(seed=1), saved)
    monkeypatch.undo()
    assert saved.read_bytes() == old
    assert os.listdir(saved.parent) == ["results.nc"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(ds, saved, monkeypatch):
    old = saved.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_file.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_results(ds.assign_attrs(seed=1), saved)
    monkeypatch.undo()
    assert saved.read_bytes() == old
    assert os.listdir(saved.parent) == ["results.nc"]


def test_broken_counts_and_unknown_variables_are_not_saved(ds, tmp_path):
    broken = ds.copy(deep=True)
    broken["worst_rung_count"].values[0, 0, 0, 0] += 1
    with pytest.raises(ResultsError, match="worst_rung_count"):
        save_results(broken, tmp_path / "x.nc")
    with pytest.raises(ResultsError, match="not registered: mine"):
        save_results(ds.assign(mine=1), tmp_path / "x.nc")
    assert os.listdir(tmp_path) == []


WITHOUT_DASK = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda n, *a: None if n.split(".")[0] == "dask" else find(n, *a)
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "dask":
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
"""
"""The extra for clusters brings dask, which xarray loads where it is, and scipy with it."""


def test_opening_needs_neither_compiler_nor_statistics_library(saved):
    code = WITHOUT_DASK + (
        "from escalation.results import open_results; "
        f"ds = open_results({str(saved)!r}); "
        "from escalation.report import format_show; format_show(ds); "
        "sys.exit(any(name in sys.modules for name in ('numba', 'scipy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
