"""The one registry of what a results dataset holds.

Every coordinate, stored count and derived quantity stands here once, with dimensions, type,
unit and definition. Building, checking, saving, documents and tests read this table.

Counts are stored; probabilities are derived from them when they are asked for
(:mod:`escalation.results.derive`). A file holds the quantities besides, for whoever opens it with
`xarray` alone; `open_results` never believes them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from escalation.contracts import codes
from escalation.results.quantities import QUANTITIES

FORMAT_VERSION = 5
"""Version of the file format; a file with a larger number is refused."""

Role = Literal["coordinate", "stored", "sweep", "companion", "derived"]
Kind = Literal["int64", "float64", "bool", "str"]

CELL = ("decision_rule", "flashpoint", "structure", "draw")


@dataclass(frozen=True)
class Variable:
    """One variable of the results.

    Attributes
    ----------
    name : str
        Name in the dataset.
    dims : tuple of str
        Dimensions, in order.
    dtype : {"int64", "float64", "bool", "str"}
        Type of the entries; ``str`` is any fixed-width text.
    unit : str
        Unit in the notation of the CF conventions; empty for text.
    long_name : str
        What it is, in a few words.
    comment : str
        Definition, where the name does not say all.
    role : {"coordinate", "stored", "sweep", "companion", "derived"}
        Coordinate; stored in the file; stored if the run had a sweep; stored if it had a
        prior companion; computed from the counts.
    optional : bool
        Whether a complete dataset may lack it.
    """

    name: str
    dims: tuple[str, ...]
    dtype: Kind
    unit: str
    long_name: str
    comment: str = ""
    role: Role = "stored"
    optional: bool = False

    def attrs(self) -> dict[str, str]:
        """Attributes of the variable, by the CF conventions."""
        found = {"long_name": self.long_name}
        if self.unit:
            found["units"] = self.unit
        if self.comment:
            found["comment"] = self.comment
        return found


@dataclass(frozen=True)
class Attribute:
    """One attribute of the dataset: its type and meaning."""

    name: str
    type: type
    meaning: str
    required: bool = False


FIXED_COORDS: MappingProxyType[str, tuple[Any, ...]] = MappingProxyType(
    {
        "worst_rung": tuple(range(codes.N_RUNGS)),
        "peak_rung": tuple(range(codes.N_RUNGS)),
        "from_rung": tuple(range(codes.N_RUNGS)),
        "to_rung": tuple(range(codes.N_RUNGS)),
        "end_state": codes.END_STATES,
        "dispute_class": codes.DISPUTE_CLASSES,
        "us_fought": (0, 1),
        "event": codes.EVENTS,
        "cause": codes.CAUSES,
        "duration_bin": tuple(range(codes.N_DURATIONS)),
        "trajectory_end": codes.TRAJECTORY_ENDS,
        "brink": codes.BRINK_OUTCOMES,
        "replicate": tuple(range(codes.N_REPLICATES)),
        "counted": codes.REPLICATED,
    }
)
"""Coordinates that are the same in every run."""


def _coordinate(name: str, dtype: Kind, long_name: str, comment: str = "") -> Variable:
    unit = "" if dtype == "str" else "1"
    return Variable(name, (name,), dtype, unit, long_name, comment, "coordinate")


def _title(dim: str) -> Variable:
    return Variable(
        f"{dim}_title", (dim,), "str", "", f"title of the {dim}", "", "coordinate", True
    )


_RUNGS = "; ".join(f"{i} {name}" for i, name in enumerate(codes.RUNGS))

_COORDINATES = (
    _coordinate(
        "decision_rule", "str", "decision rule of the two sides", "the first is the headline rule"
    ),
    _coordinate("flashpoint", "str", "flashpoint"),
    _coordinate("structure", "str", "alliance structure"),
    _coordinate(
        "draw", "int64", "parameter draw", "the same number is the same draw under every structure"
    ),
    _coordinate("worst_rung", "int64", "worst rung over the horizon", _RUNGS),
    _coordinate("peak_rung", "int64", "highest rung of a dispute", _RUNGS),
    _coordinate("from_rung", "int64", "rung before the step", _RUNGS),
    _coordinate("to_rung", "int64", "rung after the step", _RUNGS),
    _coordinate("end_state", "str", "how a dispute ended"),
    _coordinate("dispute_class", "str", "class of dispute", "a grave dispute is a crisis"),
    _coordinate("us_fought", "int64", "1 if the great power fought, 0 if not"),
    _coordinate("actor", "str", "actor"),
    _coordinate("year", "int64", "year of the horizon", "counted from 1"),
    _coordinate("event", "str", "event", "concession: in a grave crisis"),
    _coordinate("cause", "str", "cause of a step up the ladder"),
    _coordinate("duration_bin", "int64", "duration bin", "the last bin is open"),
    _coordinate("coalition_size", "int64", "third parties that fought"),
    _coordinate("trajectory_end", "str", "why a trajectory ended"),
    _coordinate("brink", "str", "outcome of a decision at the brink of war"),
    _coordinate(
        "replicate", "int64", "replicate", "trajectory number modulo the number of replicates"
    ),
    _coordinate(
        "counted", "str", "what is counted by replicate",
        "trajectories with the event, then disputes, grave crises and grave wars",
    ),
    _coordinate("parameter", "str", "parameter of the model"),
    Variable(
        "duration_from_days", ("duration_bin",), "int64", "day", "lower edge of the bin",
        "", "coordinate",
    ),
    _title("flashpoint"),
    _title("structure"),
    _title("actor"),
)


def _count(
    name: str, tail: tuple[str, ...], long_name: str, comment: str = "", unit: str = "1"
) -> Variable:
    return Variable(name, (*CELL, *tail), "int64", unit, long_name, comment)


_STORED = (
    _count(
        "worst_rung_count", ("worst_rung",), "trajectories by worst rung",
        "0 means no dispute at all; sums to the trajectories of the cell",
    ),
    _count(
        "crisis_count", ("dispute_class", "end_state", "peak_rung", "us_fought"),
        "disputes by class, end, highest rung and whether the great power fought",
        "every dispute, routine and grave, exactly once; war is peak_rung >= 5",
    ),
    _count(
        "first_event_count", ("event", "year"), "trajectories by year of the first event",
        "summed over the years: trajectories with the event within the horizon",
    ),
    _count("supported_count", ("actor",), "disputes that the actor supported below war"),
    _count("fought_count", ("actor",), "wars in which the actor fought"),
    _count("stayed_out_count", ("actor",), "wars in which the actor did not fight"),
    _count(
        "entrapped_count", ("actor",), "wars in which the actor fought only for its commitment",
        "with no commitment and the same random number it would have stayed out",
    ),
    _count(
        "abandoned_count", ("actor",), "wars that the actor stayed out of although bound",
        "bound: bindingness of at least one half",
    ),
    _count("vetoed_count", ("actor",), "disputes in which domestic politics vetoed the actor"),
    _count("exited_count", ("actor",), "trajectories in which the actor left a pact"),
    _count("duration_count", ("dispute_class", "duration_bin"), "disputes by duration"),
    _count("duration_days", ("dispute_class",), "total days of all disputes", unit="day"),
    _count("coalition_size_count", ("coalition_size",), "wars by third parties that fought"),
    _count("transition_count", ("cause", "from_rung", "to_rung"), "steps up the ladder"),
    _count(
        "reciprocated_count", ("dispute_class",),
        "disputes in which the defender matched at least once",
    ),
    _count("wedge_count", (), "grave crises opened with economic coercion"),
    _count("brink_count", ("brink",), "decisions at the brink of war"),
    _count("trajectory_end_count", ("trajectory_end",), "trajectories by why they ended"),
    _count(
        "exposure_months", (), "months at peace and under observation",
        "over all trajectories of the cell", "month",
    ),
    Variable(
        "saturated_count", CELL, "int64", "1", "trajectories whose disputes came at the limit",
        "the onset rate stood at 32 a month, the largest that the tables hold, or a year was full "
        "of disputes, so that fewer came than the parameters ask for; missing from older files",
        optional=True,
    ),
    Variable(
        "replicate_count", (*CELL, "replicate", "counted"), "int64", "1",
        "first events and disputes by replicate",
        "the same random numbers in the same replicate under every structure; "
        "missing from files of format 2 and older",
        optional=True,
    ),
    Variable(
        "parameter_value", ("parameter", "draw"), "float64", "1", "value of the parameter",
        "in the unit that the registry of parameters states",
    ),
    Variable(
        "parameter_acts", ("flashpoint", "structure", "parameter"), "bool", "1",
        "whether the tables of the cell depend on the parameter",
        "under any decision rule; missing from files of format 4 and older", optional=True,
    ),
    Variable(
        "is_third_party", ("flashpoint", "actor"), "bool", "1",
        "whether the actor is a third party at the flashpoint",
    ),
)

_SWEEP_COMMENT = (
    "one parameter moved at a time, all others at the medians of the posterior where it covers "
    "them and at their defaults elsewhere, the same random numbers at every point and under "
    "every structure"
)
_SWEEP = (
    Variable(
        "sweep_parameter", ("sweep_parameter",), "str", "", "parameter that is moved",
        role="sweep", optional=True,
    ),
    Variable(
        "sweep_point", ("sweep_point",), "int64", "1", "point of the sweep",
        role="sweep", optional=True,
    ),
    Variable(
        "sweep_structure", ("sweep_structure",), "str", "", "structure of the sweep",
        "the reference and the structures compared with it", "sweep", True,
    ),
    Variable(
        "sweep_value", ("sweep_parameter", "sweep_point"), "float64", "1",
        "value of the moved parameter", _SWEEP_COMMENT, "sweep", True,
    ),
    Variable(
        "sweep_event_count",
        ("flashpoint", "sweep_structure", "sweep_parameter", "sweep_point", "event"),
        "int64", "1", "trajectories with the event within the horizon", _SWEEP_COMMENT,
        "sweep", True,
    ),
)

COMPANION_COUNTS = (
    "crisis_count", "first_event_count", "reciprocated_count", "duration_days",
    "exposure_months", "replicate_count",
)
"""Counts that the companions of a run hold too; every rate of the report needs no other."""

COMPANION_DIMS = MappingProxyType({"structure": "companion_structure", "draw": "companion_draw"})
"""Dimensions of a companion by those of the run that they stand for."""


def _companion(variable: Variable) -> Variable:
    """Return a count of the companions, which are run under the headline rule only."""
    dims = tuple(
        COMPANION_DIMS.get(dim, dim) for dim in variable.dims if dim != "decision_rule"
    )
    return replace(
        variable, name=f"companion_{variable.name}", dims=("companion", *dims), role="companion",
        optional=True, long_name=f"{variable.long_name}, in companions of the run",
    )


_COMPANION = (
    Variable(
        "companion", ("companion",), "str", "", "companion of the run",
        "a smaller run at the same random numbers, from other parameters", "companion", True,
    ),
    Variable(
        "companion_premise", ("companion",), "str", "", "premise of the companion",
        "whose priors; the attribute premise names the study's own", "companion", True,
    ),
    Variable(
        "companion_source", ("companion",), "str", "", "parameter source of the companion",
        "posterior, where it speaks for a parameter, or prior", "companion", True,
    ),
    Variable(
        "companion_structure", ("companion_structure",), "str", "", "structure of the companions",
        "the reference and the structures in focus", "companion", True,
    ),
    Variable(
        "companion_draw", ("companion_draw",), "int64", "1", "parameter draw of the companions",
        "the same random numbers as the draw of that number", "companion", True,
    ),
    *(_companion(v) for v in _STORED if v.name in COMPANION_COUNTS),
)

_NAN = "NaN where there was nothing to count"
_THIRD = f"{_NAN}, and for actors that are no third party"


def _derived(
    name: str, long_name: str, comment: str = "", tail: tuple[str, ...] = (), unit: str = "1"
) -> Variable:
    return Variable(name, (*CELL, *tail), "float64", unit, long_name, comment, "derived")


_UNITS = {"rate": "year-1", "share": "1", "mean": "day"}

_DERIVED = (
    *(_derived(q.name, q.title, q.comment, unit=_UNITS[q.kind]) for q in QUANTITIES.values()),
    _derived(
        "p_reach_rung", "P(worst rung of the horizon >= rung)", "unconditional", ("worst_rung",)
    ),
    _derived(
        "p_reach_rung_given_dispute", "P(highest rung >= rung | dispute)", _NAN, ("peak_rung",)
    ),
    _derived(
        "p_reach_rung_given_grave", "P(highest rung >= rung | grave crisis)", _NAN, ("peak_rung",)
    ),
    _derived(
        "cumulative_risk", "P(event by the end of the year)",
        "share of trajectories whose first such event falls in this year or before",
        ("event", "year"),
    ),
    _derived(
        "mean_duration_days_by_class", "mean duration of a dispute by class", _NAN,
        ("dispute_class",), "day",
    ),
    _derived(
        "supported_per_dispute", "share of disputes that the actor supported", _THIRD, ("actor",)
    ),
    _derived("fought_per_war", "share of wars in which the actor fought", _THIRD, ("actor",)),
    _derived(
        "entrapped_per_fought", "share of the actor's wars fought only for its commitment",
        _THIRD, ("actor",),
    ),
    _derived(
        "abandoned_per_war", "share of wars that the actor stayed out of although bound",
        f"0 also where it was never bound; {_THIRD}", ("actor",),
    ),
    _derived(
        "exited_per_trajectory", "share of trajectories in which the actor left a pact",
        "NaN for actors that are no third party", ("actor",),
    ),
)

VARIABLES: MappingProxyType[str, Variable] = MappingProxyType(
    {v.name: v for v in (*_COORDINATES, *_STORED, *_SWEEP, *_COMPANION, *_DERIVED)}
)
"""Every variable and coordinate by name."""

ATTRIBUTES: MappingProxyType[str, Attribute] = MappingProxyType(
    {
        a.name: a
        for a in (
            Attribute("trajectories", int, "trajectories per cell", True),
            Attribute("horizon_years", int, "years per trajectory", True),
            Attribute("seed", int, "seed of all random numbers", True),
            Attribute("reference", str, "structure that the others are compared with"),
            Attribute("focus", str, "structures that the sweep compares, as a JSON list"),
            Attribute("answer", str, "structures that the last screen compares, as a JSON table"),
            Attribute("loss", str, "weights of events in the user's loss, as a JSON table"),
            Attribute("great_power", str, "actor whose fighting makes a great-power war"),
            Attribute(
                "default_point", bool,
                "one draw with every parameter at its default, or at its median in the posterior",
            ),
            Attribute("until", str, "precision targets, as a JSON list"),
            Attribute("until_met", bool, "whether all of them hold"),
            Attribute("until_unmet", str, "those that do not, and where, as a JSON list"),
            Attribute("decision_rule", str, "decision rule of results without that dimension"),
            Attribute("sweep_trajectories", int, "trajectories per point of the sweep"),
            Attribute("companion_trajectories", int, "trajectories per cell of a companion"),
            Attribute("confirmed", str, "drivers and break-even values put to the test, as JSON"),
            Attribute("premise", str, "name of the study's own priors; own if missing"),
            Attribute("parameter_source", str, "posterior or prior; prior if missing"),
            Attribute("posterior_title", str, "what was fitted to what"),
            Attribute("posterior_sha256", str, "checksum of the posterior file"),
            Attribute("posterior_names", str, "parameters that it covers, as a JSON list"),
            Attribute(
                "posterior_overridden", str,
                "parameters that it holds but the study overrides, as a JSON list",
            ),
            Attribute("pinned", str, "parameters that the run set to a number, as a JSON table"),
            Attribute("design", str, "how parameter draws cover the priors; sobol if missing"),
            Attribute(
                "correlations", str, "rank correlations stated between priors, as a JSON list"
            ),
            Attribute(
                "correlations_overruled", str,
                "those stated with a parameter that the posterior covers, as a JSON list",
            ),
            Attribute("study_name", str, "name of the study"),
            Attribute("study_title", str, "title of the study"),
            Attribute("study_text", str, "files of the study as they were"),
            Attribute("study_sha256", str, "checksum of the study"),
            Attribute("packages", str, "versions of Python and of the packages"),
            Attribute("git", str, "commit and cleanness of the code, if known"),
            Attribute("table_checksum", str, "checksum of the compiled tables"),
            Attribute("created", str, "time of the run, ISO 8601, UTC"),
            Attribute("format_version", int, "version of this format"),
        )
    }
)
"""Attributes of the dataset; others are kept as they are."""


def names(*roles: Role) -> tuple[str, ...]:
    """Names of the registered variables with one of these roles."""
    return tuple(name for name, v in VARIABLES.items() if v.role in roles)
