"""The registry, and that a dataset which does not add up is refused."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import synthetic_dataset, synthetic_parts

from escalation.contracts import codes
from escalation.errors import ResultsError
from escalation.results.build import build_dataset, check_dataset, empty_dataset
from escalation.results.derive import with_probabilities
from escalation.results.variables import ATTRIBUTES, CELL, VARIABLES, names

SMALL = {"flashpoints": 2, "structures": 3, "draws": 2, "trajectories": 60, "years": 4}
PLACE = (0, 1, 2, 1)
PLACE_TEXT = (
    "decision_rule=expected_utility, flashpoint=taiwan_outlying_islands, structure=quad, draw=1"
)


@pytest.fixture(scope="module")
def parts():
    return synthetic_parts(3, **SMALL)


def build_changed(parts, **changes):
    arrays, coords, attrs = parts
    copies = {name: array.copy() for name, array in arrays.items()}
    for name, change in changes.items():
        change(copies[name])
    return build_dataset(copies, coords, attrs)


def test_every_registered_variable_is_in_a_dataset_and_no_other():
    ds = with_probabilities(synthetic_dataset(0, **SMALL))
    optional = {name for name, v in VARIABLES.items() if v.optional and v.role != "sweep"}
    assert set(ds.variables) == set(VARIABLES) - optional | {"replicate_count"}


def test_variables_have_the_registered_form_and_attributes():
    ds = with_probabilities(synthetic_dataset(0, **SMALL))
    for name in ds.variables:
        variable = VARIABLES[name]
        assert ds[name].dims == variable.dims, name
        kind = ds[name].dtype.kind if variable.dtype == "str" else ds[name].dtype
        assert kind == ("U" if variable.dtype == "str" else variable.dtype), name
        assert ds[name].attrs == variable.attrs(), name
        assert ds[name].attrs["long_name"]
        assert variable.dtype == "str" or ds[name].attrs["units"]


def test_registry_is_frozen():
    with pytest.raises(AttributeError):
        VARIABLES["p_war"].unit = "2"
    with pytest.raises(TypeError):
        VARIABLES["p_war"] = None


def test_every_derived_share_says_what_it_is():
    for name in names("derived"):
        assert VARIABLES[name].long_name
        assert VARIABLES[name].dims[: len(CELL)] == CELL


def test_sizes_may_be_given_instead_of_labels(parts):
    arrays, coords, attrs = parts
    other = {k: v for k, v in coords.items() if k not in ("draw", "year")}
    arrays = dict(arrays)
    other["is_third_party"] = arrays.pop("is_third_party")
    other |= {"n_draws": SMALL["draws"], "n_years": SMALL["years"]}
    ds = build_dataset(arrays, other, attrs | {"seed": "18446744073709551615"})
    assert ds.attrs["seed"] == 2**64 - 1
    expected = build_dataset(*parts)
    assert ds.drop_attrs().identical(expected.drop_attrs())


def test_titles_are_kept(parts):
    arrays, coords, attrs = parts
    ds = build_dataset(arrays, coords | {"flashpoint_title": ["A", "B"]}, attrs)
    assert ds["flashpoint_title"].values.tolist() == ["A", "B"]


def test_sweep_labels_without_a_sweep_are_ignored():
    arrays, coords, attrs = synthetic_parts(0, **SMALL, sweep=False)
    ds = build_dataset(arrays, coords | {"sweep_parameter": ["x"]}, attrs)
    assert "sweep_parameter" not in ds.variables


def test_empty_dataset_is_all_zero_and_is_refused_as_a_result(parts):
    _, coords, attrs = parts
    ds = empty_dataset(coords, attrs)
    assert all(int(ds[name].sum()) == 0 for name in names("stored") if name in ds)
    with pytest.raises(ResultsError, match="worst_rung_count"):
        check_dataset(ds)


def set_to(*index, value):
    def change(array):
        array[(*PLACE, *index)] = value
    return change


def add(*index, value=1):
    def change(array):
        array[(*PLACE, *index)] += value
    return change


def move(source, target, value=1):
    def change(array):
        array[(*PLACE, *source)] -= value
        array[(*PLACE, *target)] += value
    return change


GRAVE, WITHDRAWS = codes.GRAVE, codes.END_WITHDRAWAL
JAPAN, CHINA, US = 3, 0, 2

BROKEN = {
    "worst rung does not sum": ("worst_rung_count", add(1)),
    "negative count": ("wedge_count", set_to(value=-1)),
    "war from nowhere": ("first_event_count", add(codes.EVENT_WAR, 0, value=50)),
    "dispute lost": ("crisis_count", add(GRAVE, WITHDRAWS, 1, 0)),
    "dispute at rung 0": ("crisis_count", add(GRAVE, WITHDRAWS, 0, 0)),
    "ends do not sum": ("trajectory_end_count", add(0)),
    "duration": ("duration_count", add(GRAVE, 3)),
    "reciprocated": ("reciprocated_count", set_to(GRAVE, value=10**6)),
    "wedge": ("wedge_count", set_to(value=10**6)),
    "coalition": ("coalition_size_count", add(1)),
    "entrapped": ("entrapped_count", set_to(JAPAN, value=10**6)),
    "abandoned": ("abandoned_count", set_to(JAPAN, value=10**6)),
    "not all wars": ("stayed_out_count", add(JAPAN)),
    "no third party": ("supported_count", set_to(CHINA, value=1)),
    "exposure": ("exposure_months", set_to(value=10**9)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_count_is_refused_and_named(parts, case):
    name, change = BROKEN[case]
    with pytest.raises(ResultsError, match=r"_count|exposure_months") as caught:
        build_changed(parts, **{name: change})
    assert PLACE_TEXT in str(caught.value)


def test_great_power_must_agree(parts):
    arrays, coords, attrs = parts
    assert arrays["stayed_out_count"][..., US].any()
    arrays = dict(arrays)
    arrays["fought_count"] = arrays["fought_count"] + arrays["stayed_out_count"]
    arrays["stayed_out_count"] = arrays["stayed_out_count"] * 0
    arrays["abandoned_count"] = arrays["abandoned_count"] * 0
    with pytest.raises(ResultsError, match=r"fought_count.*united_states differs"):
        build_dataset(arrays, coords, attrs)


def test_a_sound_dataset_passes(parts):
    check_dataset(build_changed(parts))
    check_dataset(synthetic_dataset(1, flashpoints=1, structures=1, draws=1, trajectories=1))


@pytest.mark.parametrize("name", names("stored"))
def test_every_missing_count_is_named(parts, name):
    arrays, coords, attrs = parts
    if VARIABLES[name].optional:
        pytest.skip("may be missing")
    rest = {key: array for key, array in arrays.items() if key != name}
    with pytest.raises(ResultsError, match=f"missing.*{name}|{name}.*missing|coalition_size"):
        build_dataset(rest, coords, attrs)


def test_half_a_sweep_is_refused(parts):
    arrays, coords, attrs = parts
    rest = {key: array for key, array in arrays.items() if key != "sweep_event_count"}
    with pytest.raises(ResultsError, match="sweep: incomplete"):
        build_dataset(rest, coords, attrs)


def test_wrong_shape_type_label_and_attribute_are_refused(parts):
    arrays, coords, attrs = parts
    with pytest.raises(ResultsError, match="wedge_count: shape"):
        build_dataset(arrays | {"wedge_count": np.zeros((2, 3))}, coords, attrs)
    with pytest.raises(ResultsError, match="wedge_count: type float64"):
        build_dataset(arrays | {"wedge_count": arrays["wedge_count"] * 1.0}, coords, attrs)
    with pytest.raises(ResultsError, match=r"parameter_value.*not finite"):
        build_dataset(
            arrays | {"parameter_value": arrays["parameter_value"] * np.nan}, coords, attrs
        )
    with pytest.raises(ResultsError, match="structure: a label occurs twice"):
        build_dataset(arrays, coords | {"structure": ["a", "a", "b"]}, attrs)
    with pytest.raises(ResultsError, match="unknown variables: more"):
        build_dataset(arrays | {"more": np.zeros(1)}, coords, attrs)
    with pytest.raises(ResultsError, match="unknown coordinates: more"):
        build_dataset(arrays, coords | {"more": [1]}, attrs)
    with pytest.raises(ResultsError, match="attribute seed"):
        build_dataset(arrays, coords, {k: v for k, v in attrs.items() if k != "seed"})
    with pytest.raises(ResultsError, match="attribute trajectories"):
        build_dataset(arrays, coords, attrs | {"trajectories": "many"})
    with pytest.raises(ResultsError, match="64 bits"):
        build_dataset(arrays, coords, attrs | {"seed": 2**64})


def test_attributes_become_plain(parts):
    arrays, coords, attrs = parts
    extra = {"focus": ["a", "b"], "git": None, "more": {"x": 1}, "default_point": 1}
    ds = build_dataset(arrays, coords, attrs | extra | {"seed": np.uint64(7)})
    assert ds.attrs["focus"] == '["a", "b"]'
    assert ds.attrs["git"] == ""
    assert ds.attrs["more"] == '{"x": 1}'
    assert ds.attrs["default_point"] is True
    assert ds.attrs["seed"] == 7
    assert ATTRIBUTES["seed"].required
