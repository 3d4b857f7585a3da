"""Tables built from the public datasets: tiny files with the real column names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from escalation.archive.public_crises import load_crises
from escalation.archive.public_disputes import load_disputes
from escalation.errors import InputError

FILES = {
    "MIDA 5.0.csv": """\
dispnum,stday,stmon,styear,endday,endmon,endyear,outcome,settle,fatality,fatalpre,maxdur,mindur,\
hiact,hostlev,recip,numa,numb,ongo2014,version
10,1,1,1961,2,2,1961,5,3,0,0,33,30,16,4,1,1,3,0,5
11,1,1,1961,2,2,1961,5,3,0,0,33,30,0,1,0,1,1,0,5
12,1,1,1930,2,2,1930,5,3,0,0,33,30,16,4,0,1,1,0,5
13,1,1,1988,2,2,1988,-9,3,-9,0,-9,30,16,3,0,2,1,0,5
14,1,1,1988,2,2,1988,5,3,0,0,1,1,16,2,0,1,1,0,5
""",
    "sub/midb 5.0.csv": """\
dispnum,stabb,ccode,stday,stmon,styear,endday,endmon,endyear,sidea,revstate,fatality,hiact,\
hostlev,orig,version
10,CHN,710,1,1,1961,2,2,1961,1,1,0,16,4,1,5
10,USA,2,1,1,1961,2,2,1961,0,0,0,16,4,0,5
10,TAW,713,1,1,1961,2,2,1961,0,0,0,16,4,1,5
10,UKG,200,1,1,1961,2,2,1961,0,0,0,16,4,0,5
11,CHN,710,1,1,1961,2,2,1961,1,1,0,0,1,1,5
11,TAW,713,1,1,1961,2,2,1961,0,0,0,0,1,1,5
12,CHN,710,1,1,1930,2,2,1930,1,1,0,16,4,1,5
12,JPN,740,1,1,1930,2,2,1930,0,0,0,16,4,1,5
13,IND,750,1,1,1988,2,2,1988,1,1,0,16,3,1,5
13,BNG,771,1,1,1988,2,2,1988,1,1,0,16,3,1,5
13,PAK,770,1,1,1988,2,2,1988,0,0,0,16,3,1,5
14,USA,2,1,1,1988,2,2,1988,1,1,0,16,2,1,5
""",
    "NMC-60-abridged.csv": """\
stateabb,ccode,year,milex,milper,irst,pec,tpop,upop,cinc,version
USA,2,1961,1,1,1,1,1,1,0.20,2021
CHN,710,1961,1,1,1,1,1,1,0.10,2021
TAW,713,1961,1,1,1,1,1,1,0.01,2021
PHI,840,1961,1,1,1,1,1,1,0.004,2021
IND,750,1988,1,1,1,1,1,1,0.05,2021
PAK,770,1988,1,1,1,1,1,1,0.012,2021
BNG,771,1988,1,1,1,1,1,1,-9,2021
""",
    "atop5_1ddyr.csv": """\
ddyad,year,atopally,defense,offense,neutral,nonagg,consul,stateA,stateB
2713,1961,1,1,0,0,0,1,2,713
840713,1961,1,1,0,0,0,1,840,713
840710,1961,1,1,0,0,0,1,840,710
713002,1961,1,1,0,0,0,1,713,2
710713,1961,1,1,0,0,0,1,710,713
900713,1961,1,0,0,0,0,1,900,713
365713,1962,1,1,0,0,0,1,365,713
""",
    "contdird.csv": """\
dyad,state1no,state1ab,state2no,state2ab,year,conttype,version
710713,710,CHN,713,TAW,1961,4,3.2
713710,713,TAW,710,CHN,1961,4,3.2
750770,750,IND,770,PAK,1988,1,3.2
770771,770,PAK,771,BNG,1988,0,3.2
""",
}
CRISES = """\
icb1,crisno,crisname,yrtrig,motrig,datrig,yrterm,moterm,daterm,break,viol,usinv,suinv,forout
ICB1,10,BEFORE 1946,1935,1,1,1935,2,1,9,4,1,1,4
ICB1,140,TAIWAN STRAIT,1965,8,1,1965,8,31,7,2,4,3,1
ICB1,141,NOT CODED,1970,8,1,1970,8,31,7,,4,3,1
ICB1,142,NO END,1989,5,,,,,9,4,5,,7
"""
ACTORS = """\
icb2,crisno,cracno,cracid,actor
ICB2,10,1,220,FRN
ICB2,140,2,710,CHN
ICB2,140,3,2,USA
ICB2,140,4,713,TAW
ICB2,142,5,750,IND
ICB2,142,6,770,PAK
"""


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_disputes_from_the_public_files(tmp_path):
    table = load_disputes(put(tmp_path, FILES))
    # 11 has no militarized action, 12 is before 1946, 14 has no originator on side B
    assert table.dispnum.tolist() == [10, 13]
    assert table.row.tolist() == [2, 5]
    assert table.dyad.tolist() == ["710>713", "750-771>770"]
    assert table.recip.tolist() == [1, 0]
    assert table.initiator_cinc[0] == pytest.approx(0.10)
    assert np.isnan(table.initiator_cinc[1])  # Bangladesh is -9
    assert table.target_cinc.tolist() == pytest.approx([0.01, 0.012])
    # the US and the Philippines must defend Taiwan; China is the initiator, Australia only
    # consults, the Soviet Union's pact is of another year; the Philippines must defend China too
    assert table.n_target_defenders.tolist() == [2, 0]
    assert table.target_defender_cinc[0] == pytest.approx(0.204)
    assert table.target_unshared_defender_cinc[0] == pytest.approx(0.20)
    assert table.target_has_nuclear_defender.tolist() == [1, 0]
    assert table.target_has_unshared_nuclear_defender.tolist() == [1, 0]
    # the US and Britain joined Taiwan, only the US was obliged to
    assert (table.n_joined_target[0], table.n_defenders_joined_target[0]) == (2, 1)
    assert (table.n_side_a[0], table.n_side_b[0]) == (1, 3)
    assert table.initiator_nuclear.tolist() == [0, 1]  # China 1961, India 1988
    assert table.target_nuclear.tolist() == [0, 0]  # Pakistan from 1990
    assert table.contiguity.tolist() == [4, 1]
    assert table.china_initiator.tolist() == [1, 0]
    assert table.duration[0] == 33
    assert np.isnan(table.duration[1])
    assert np.isnan(table.fatality[1])


def test_contiguity_zero_is_unknown_and_nothing_listed_is_six(tmp_path):
    for listed, found in (("750,IND,770,PAK,1988,0", 0), ("2,USA,20,CAN,1988,1", 6)):
        text = FILES["contdird.csv"].splitlines()[0] + f"\n1,{listed},3.2\n"
        table = load_disputes(put(tmp_path, FILES | {"contdird.csv": text}))
        assert table.contiguity[1] == found


def test_a_missing_or_doubled_file_is_named(tmp_path):
    put(tmp_path, FILES)
    put(tmp_path, {"copy/MIDA 4.3.csv": "x"})
    with pytest.raises(InputError, match=r"more than one MIDA\*.csv: MIDA 5.0.csv, copy"):
        load_disputes(tmp_path)
    (tmp_path / "copy" / "MIDA 4.3.csv").unlink()
    put(tmp_path, {"contdird.csv": "state1no,state2no,year\n1,2,3\n"})
    with pytest.raises(InputError, match=r"contdird.csv:1: missing columns: conttype"):
        load_disputes(tmp_path)
    put(tmp_path, {"contdird.csv": "state1no,state2no,year,conttype\n2,20,1961,x\n"})
    with pytest.raises(InputError, match=r"contdird.csv:2: conttype: 'x' is not a number"):
        load_disputes(tmp_path)
    (tmp_path / "contdird.csv").unlink()
    with pytest.raises(InputError, match=r"no file contdird\*.csv"):
        load_disputes(tmp_path)


def test_crises_from_the_public_files(tmp_path):
    put(tmp_path, {"icb1v14.csv": CRISES, "icb2v14.csv": ACTORS})
    for path in (tmp_path, tmp_path / "icb1v14.csv"):
        table = load_crises(path)
        assert table.crisno.tolist() == [140, 142]
        assert table.row.tolist() == [3, 5]
        assert table.violence.tolist() == ["minor_clashes", "full_scale_war"]
        assert table.trigger.tolist() == ["non-violent military", "violent act"]
        assert table.us_involvement.tolist() == ["direct_military", ""]
        assert table.ussr_russia_involvement.tolist() == ["covert_or_semi_military", ""]
        assert table.form_of_outcome.tolist() == ["formal agreement", "crisis faded"]
        assert table.n_actors.tolist() == [3, 2]
        assert table.n_nuclear_actors.tolist() == [2, 1]
        assert table.china_actor.tolist() == [1, 0]
        assert table.duration_days[0] == 30
        assert np.isnan(table.duration_days[1])


def test_bad_public_crises_are_named(tmp_path):
    put(tmp_path, {"icb1v14.csv": CRISES})
    with pytest.raises(InputError, match=r"no file icb2v\*.csv"):
        load_crises(tmp_path)
    put(tmp_path, {"icb2v14.csv": ACTORS.replace("713", "TAW")})
    with pytest.raises(InputError, match=r"icb2v14.csv:5: cracid: 'TAW' is not a number"):
        load_crises(tmp_path)
    put(tmp_path, {"icb2v14.csv": ACTORS, "icb1v14.csv": CRISES.replace("break", "broke")})
    with pytest.raises(InputError, match=r"icb1v14.csv:1: missing columns: break"):
        load_crises(tmp_path)
