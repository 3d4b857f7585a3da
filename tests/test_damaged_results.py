"""Damaged and hostile results files: the same numbers, or one clear line; never anything else.

Damage is done to all bytes, as a disk does it, and to the content under a checksum made anew, as
somebody does who wants to be believed: of such a file the counts may be others, but they add up.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import synthetic_dataset

from escalation.cli.app import main
from escalation.errors import EscalationError, ResultsError
from escalation.replays import cast_of, replay
from escalation.report import format_show
from escalation.results import files
from escalation.results.check import check_dataset
from escalation.results.derive import with_probabilities
from escalation.results.files import open_results, save_results

SMALL = {"flashpoints": 1, "structures": 2, "draws": 2, "trajectories": 30, "years": 2}
CONTROL = "\x1b[2J\x1b]0;owned\x07\u202e"


@pytest.fixture(scope="module")
def ds():
    return with_probabilities(synthetic_dataset(4, **SMALL))


@pytest.fixture(scope="module")
def body(ds, tmp_path_factory):
    """The NetCDF-4 content, without the checksum behind it."""
    path = save_results(ds, tmp_path_factory.mktemp("once") / "results.nc")
    return path.read_bytes()[: -files._SEAL_LENGTH]


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """One accident: bits flipped, a piece zeroed, moved, doubled or lost."""
    out, n = bytearray(content), len(content)
    at, other = (int(place) for place in rng.integers(0, n, 2))
    match int(rng.integers(6)):
        case 0:
            out[at] ^= 1 << int(rng.integers(8))
        case 1:
            for place in rng.integers(0, n, 8).tolist():
                out[place] ^= 1 << int(rng.integers(8))
        case 2:
            out[at : at + 4096] = bytes(len(out[at : at + 4096]))
        case 3:
            del out[at:]
        case 4:
            piece = bytes(out[other : other + 512])
            out[at : at + len(piece)] = piece
        case _:
            del out[at : at + 64]
    return bytes(out)


def opened_or_refused(path, ds, sealed_anew: bool) -> str:
    """Say which; fail on other numbers, other errors and messages that are not one plain line."""
    try:
        found = open_results(path)
    except ResultsError as error:
        words = str(error)
    else:
        if not sealed_anew:
            assert found.identical(ds)
        share = found["p_war"].fillna(0.0)
        assert bool(((share >= 0) & (share <= 1)).all())
        return "opened"
    assert words.startswith(f"{path}: ")
    assert words.isprintable()
    assert len(words) < 1000
    return "refused"


def play_mutants(n, seed, path, body, ds) -> dict[str, int]:
    """Open `n` mutants, half of them sealed anew; count the outcomes."""
    rng = np.random.default_rng(seed)
    counts = {"opened": 0, "refused": 0}
    for number in range(n):
        if number % 2:
            content = files._sealed(mutant(body, rng))
        else:
            content = mutant(files._sealed(body), rng)
        path.write_bytes(content)
        counts[opened_or_refused(path, ds, sealed_anew=bool(number % 2))] += 1
    return counts


def test_mutants_are_opened_as_written_or_refused(tmp_path, body, ds):
    counts = play_mutants(60, 1, tmp_path / "mutant.nc", body, ds)
    assert counts["refused"] > 30
    assert counts["opened"] > 0, "some bytes of the format carry nothing"


@pytest.mark.slow
def test_five_hundred_mutants(tmp_path, body, ds):
    counts = play_mutants(500, 2, tmp_path / "mutant.nc", body, ds)
    assert counts["refused"] > 250


def test_a_heap_that_never_ends_is_refused(tmp_path, body, ds):
    """The HDF5 library would walk it for ever, deaf to signals: hence another process."""
    start = body.rindex(b"GCOL")
    end = start + int.from_bytes(body[start + 8 : start + 16], "little")
    path = tmp_path / "endless.nc"
    path.write_bytes(files._sealed(body[: start + 64] + bytes(end - start - 64) + body[end:]))
    done = subprocess.run(
        [sys.executable, "-m", "escalation", "show", str(path)],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def forged(path, body, change):
    """Change the content by a function of the open file, and make the checksum anew."""
    buffer = io.BytesIO(body)
    with h5py.File(buffer, "r+") as file:
        change(file)
    path.write_bytes(files._sealed(buffer.getvalue()))


@pytest.mark.parametrize(("name", "shape"), [
    ("evil", (3 * 10**9,)), ("wedge_count", (2**40,)), ("wedge_count", (200_000, 200_000)),
])
def test_numbers_that_no_file_of_this_size_holds_are_not_decoded(tmp_path, body, name, shape):
    """A few hundred kilobytes can stand for gigabytes: names and shapes are looked at first."""
    buffer = io.BytesIO(body)
    with h5py.File(buffer, "r+") as file:
        if name in file:
            del file[name]
        chunk = tuple(min(size, 10**6 // len(shape)) for size in shape)
        file.create_dataset(name, shape, "i8", chunks=chunk, compression="gzip")
    path = tmp_path / "bomb.nc"
    path.write_bytes(files._sealed(buffer.getvalue()))
    script = (
        "import resource, sys, escalation as esc\n"
        "from escalation.results import open_results\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "try: open_results(sys.argv[1])\n"
        "except esc.errors.ResultsError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert ("no results hold 'evil'" if name == "evil" else "damaged: ") in done.stdout


def test_a_large_file_that_is_no_results_file_is_not_read(tmp_path, body):
    path = tmp_path / "large.nc"
    path.write_bytes(body)
    with open(path, "r+b") as file:
        file.truncate(1 << 36)
    with pytest.raises(ResultsError, match=r"large\.nc: "):
        open_results(path)


def test_results_full_of_zeros_are_opened(tmp_path):
    """Nothing packs better, and it is no bomb."""
    large = synthetic_dataset(0, flashpoints=1, structures=4, draws=256, trajectories=1, years=2)
    found = open_results(save_results(large, tmp_path / "results.nc"))
    packed = (tmp_path / "results.nc").stat().st_size
    assert large.nbytes > 20 * packed
    assert found.identical(with_probabilities(large))


def refused_on_opening(path, body, name, value) -> str:
    forged(path, body, lambda file: file.attrs.__setitem__(name, value))
    with pytest.raises(ResultsError) as found:
        open_results(path)
    return str(found.value)


@pytest.mark.parametrize("name", ["focus", "until_unmet", "posterior_names", "correlations"])
def test_attributes_that_are_not_what_they_should_be_are_refused(ds, name):
    for text in ("{", '"us_alone"', "{}", "[1]", "[" * 5000, "nan", CONTROL):
        with pytest.raises(ResultsError, match=f"attribute {name}: .* is not ") as found:
            check_dataset(ds.assign_attrs({name: text}))
        assert str(found.value).isprintable()
        assert len(str(found.value)) < 500


def test_a_file_with_such_an_attribute_is_named(tmp_path, body):
    words = refused_on_opening(tmp_path / "forged.nc", body, "focus", "[1]")
    assert "forged.nc: attribute focus: '[1]' is not structures that" in words


@pytest.mark.parametrize(("name", "value", "words"), [
    ("loss", '{"war": "much"}', "is not weights of events"),
    ("loss", '{"war": NaN}', "is not weights of events"),
    ("correlations", '[{"between": 3}]', "is not rank correlations"),
    ("seed", -1, "is not 0 to 18446744073709551615"),
    ("trajectories", 2**60, "is not 1 to"),
    ("parameter_source", "posterior", "attribute posterior_title is missing"),
])
def test_impossible_attributes_are_refused(ds, name, value, words):
    with pytest.raises(ResultsError, match=words):
        check_dataset(ds.assign_attrs({name: value}))


def test_an_empty_attribute_is_one_that_is_not_given(tmp_path, body):
    empty = (
        "focus", "loss", "until", "until_unmet", "posterior_names", "posterior_overridden",
        "correlations", "correlations_overruled", "reference", "great_power", "study_title",
    )
    path = tmp_path / "forged.nc"
    forged(path, body, lambda file: file.attrs.update(dict.fromkeys(empty, "")))
    ds = open_results(path)
    assert [ds.attrs[name] for name in empty] == [""] * len(empty)
    assert format_show(ds)


def test_no_name_steers_the_terminal(tmp_path, body):
    def rename(file):
        for name in ("flashpoint", "structure", "actor"):
            file[name][0] = f"{CONTROL}{name}"
        file.attrs["study_title"] = file.attrs["study_name"] = CONTROL

    path = tmp_path / "forged.nc"
    forged(path, body, rename)
    refused = {"show": 0, "replay": 2, "compare": 2}
    for command, code in refused.items():
        more = {"replay": ["--flashpoint", CONTROL, "--structure", CONTROL],
                "compare": ["--reference", CONTROL]}  # fmt: skip
        result = CliRunner().invoke(main, [command, str(path), *more.get(command, [])])
        assert result.exit_code == code, result.output
        assert all(line.isprintable() for line in result.output.split("\n")), command
    result = CliRunner().invoke(main, ["show", str(tmp_path / f"{CONTROL}.nc")])
    assert result.exit_code == 2
    assert all(line.isprintable() for line in result.output.split("\n"))


def test_titles_of_a_story_are_plain(study):
    actors = {
        name: actor.model_copy(update={"title": f"{actor.title}{CONTROL}"})
        for name, actor in study.actors.items()
    }
    cast = cast_of(study.model_copy(update={"actors": actors}), "taiwan_strait")
    assert all(name.isprintable() for name in (cast.challenger, cast.defender, *cast.parties))


@pytest.mark.parametrize("text", ["", "name: x", "[]", "{}", '{"a.yaml": 3}', "[" * 10_000,
                                  json.dumps({"a.yaml": "[" * 5000})])
def test_a_study_that_cannot_be_read_is_no_story(ds, text):
    where = {dim: str(ds[dim].values[0]) for dim in ("flashpoint", "structure")}
    with pytest.raises(EscalationError) as found:
        replay(ds.assign_attrs(study_text=text), **where, draw=0, trajectory=0)
    assert len(str(found.value).splitlines()) <= 2
