"""Made-up public datasets with the columns, names and folders of the real downloads."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

MIDA = (
    "dispnum stday stmon styear endday endmon endyear outcome settle fatality fatalpre maxdur "
    "mindur hiact hostlev recip numa numb ongo2014 version"
)
MIDB = (
    "dispnum stabb ccode stday stmon styear endday endmon endyear sidea revstate revtype1 revtype2 "
    "fatality fatalpre hiact hostlev orig version"
)
NMC = "stateabb ccode year milex milper irst pec tpop upop cinc version"
ATOP = (
    "ddyad year atopally defense offense neutral nonagg consul shareob bilatno multino number "
    "asymm transyr version stateA stateB"
)
CONTIGUITY = "dyad state1no state1ab state2no state2ab year conttype version"

NAMES = {
    "mida": "MIDA 5.0.csv",
    "midb": "MIDB 5.0.csv",
    "nmc": "NMC-60-abridged.csv",
    "atop": "atop5_1ddyr.csv",
    "contiguity": "contdird.csv",
}
STATES = (2, 20, 200, 220, 255, 365, 640, 645, 651, 666, 700, 710, 713, 732, 740, 750, 770, 816)
YEARS = (1940, 2014)

SYSTEM = """\
icb1,crisno,crisname,yrtrig,motrig,datrig,yrterm,moterm,daterm,break,brexit,viol,usinv,suinv,forout
ICB1,255,YOM KIPPUR WAR,1973,10,5,1974,5,31,9,239,4,3,3,1
ICB1,256,ONE DAY,1973,11,18,1973,11,19,9,2,2,1,1,1
ICB1,257,SAME DAY,1973,11,18,1973,11,18,9,1,2,1,1,1
ICB1,258,TURNED,1973,11,18,1973,11,1,9,-16,2,1,1,1
"""
ACTORS = "crisno,cracno,cracid\n" + "".join(
    f"{crisis},{i},{state}\n"
    for i, (crisis, state) in enumerate(
        [(255, s) for s in (651, 666, 652, 666, 365, 2, 365)] + [(256, 678), (257, 680), (258, 2)]
    )
)
"""The system and actor level of made-up crises; states with two rows, ends before beginnings."""


def text_of(columns: str, rows: list[dict[str, Any]]) -> str:
    """CSV text; columns that a row lacks hold -9."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns.split(), restval=-9, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def world(n: int = 1725, seed: int = 0) -> dict[str, str]:
    """Five files, by key of `NAMES`, of which exactly `n` disputes can be used.

    About one in nine lacks an outcome, a count of deaths or a length. To these come disputes
    before 1946, without a militarized action, and without an originator on one side.
    """
    rng = np.random.default_rng([seed, 31])
    mida: list[dict[str, Any]] = []
    midb: list[dict[str, Any]] = []
    for number in range(1, n + 61):
        a, b, *others = rng.permutation(STATES)[: int(rng.integers(2, 6))].tolist()
        kind = (number - n - 1) // 20 if number > n else -1
        days = int(rng.integers(1, 400)) if rng.random() > 0.04 else -9
        mida.append({
            "dispnum": number,
            "styear": int(rng.integers(1940, 1946) if kind == 0 else rng.integers(1946, 2015)),
            "outcome": int(rng.integers(1, 10)) if rng.random() > 0.01 else -9,
            "fatality": int(rng.integers(0, 7)) if rng.random() > 0.07 else -9,
            "maxdur": days,
            "mindur": days,
            "hostlev": 1 if kind == 1 else int(rng.integers(2, 6)),
            "recip": int(rng.integers(0, 2)),
        })  # fmt: skip
        sides = [(a, 1, 1), (b, 0, int(kind != 2))]
        sides += [(state, int(rng.integers(0, 2)), int(rng.random() < 0.3 and kind != 2))
                  for state in others]  # fmt: skip
        sides += sides[:1] * int(rng.random() < 0.1)  # a state may leave and come back
        midb += [{"dispnum": number, "ccode": state, "sidea": side, "orig": first}
                 for state, side, first in sides]  # fmt: skip
    return {
        "mida": text_of(MIDA, mida),
        "midb": text_of(MIDB, midb),
        **{key: text_of(columns, rows) for key, columns, rows in _surroundings(rng)},
    }


def _surroundings(rng: np.random.Generator) -> list[tuple[str, str, list[dict[str, Any]]]]:
    nmc: list[dict[str, Any]] = []
    atop: list[dict[str, Any]] = []
    contiguity: list[dict[str, Any]] = []
    allied = {(a, b) for a in STATES for b in STATES if a != b and rng.random() < 0.2}
    near = {(a, b): int(rng.integers(0, 6))
            for a in STATES for b in STATES if a < b and rng.random() < 0.3}  # fmt: skip
    for year in range(YEARS[0], YEARS[1] + 1):
        shares = rng.dirichlet(np.full(len(STATES), 0.5))
        nmc += [{"ccode": state, "year": year, "cinc": f"{share:.7f}"}
                for state, share in zip(STATES, shares, strict=True)]  # fmt: skip
        atop += [{"year": year, "stateA": a, "stateB": b, "atopally": 1,
                  "defense": int(rng.random() < 0.8)} for a, b in sorted(allied)]  # fmt: skip
        for (a, b), kind in near.items():
            contiguity += [{"state1no": one, "state2no": two, "year": year, "conttype": kind}
                           for one, two in ((a, b), (b, a))]  # fmt: skip
    return [("nmc", NMC, nmc), ("atop", ATOP, atop), ("contiguity", CONTIGUITY, contiguity)]


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip file's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def downloads(files: dict[str, str]) -> dict[str, bytes]:
    """The zip files that hold the five tables on their owners' pages, each with its company."""
    mid, atop, near = (
        "MID-5-Data-and-Supporting-Materials",
        "ATOP 5.1 (.csv)",
        "DirectContiguity320",
    )
    other = files["nmc"].replace("stateabb", "statename", 1)
    return {
        f"{mid}.zip": zipped({
            f"{mid}/MIDA 5.0.csv": files["mida"],
            f"{mid}/MIDB 5.0.csv": files["midb"],
            f"{mid}/MIDI 5.0.csv": "dispnum,incidnum\n1,1\n",
            f"{mid}/MIDIP 5.0.csv": "dispnum,incidnum\n1,1\n",
            f"{mid}/MID5 Codebook.pdf": b"%PDF",
            f"__MACOSX/{mid}/._MIDA 5.0.csv": b"\x00\x05\x16\x07",
        }),
        "NMC_Documentation-6.0.zip": zipped({
            "NMC_Documentation-6.0/NMC-60-abridged.zip": zipped({
                "NMC-60-abridged.csv": files["nmc"]}),
            "NMC_Documentation-6.0/NMC-60-wsupplementary.zip": zipped({
                "NMC-60-wsupplementary.csv": other}),
            "NMC_Documentation-6.0/NMC_v6_documentation.pdf": b"%PDF",
        }),
        "atop_5.1__.csv_.zip": zipped({
            f"{atop}/atop5_1ddyr.csv": files["atop"],
            f"{atop}/atop5_1ddyr_NNA.csv": "ddyad,year\n1,1\n",
            f"{atop}/atop5_1dy.csv": "dyad,year\n1,1\n",
        }),
        f"{near}.zip": zipped({
            f"{near}/contdir.csv": "dyad,begin,end\n1,1,1\n",
            f"{near}/contdird.csv": files["contiguity"],
        }),
    }  # fmt: skip


def put(folder: Path, files: dict[str, Any]) -> Path:
    """Write files, text or bytes, into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def unpacked(folder: Path, files: dict[str, str]) -> Path:
    """The five tables as plain files."""
    return put(folder, {NAMES[key]: text for key, text in files.items()})
