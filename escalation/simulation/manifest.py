"""What a campaign asks, in one text: all that is needed to run it anywhere."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from escalation.errors import InputError
from escalation.parameters.posterior import posterior_from_text, posterior_text
from escalation.provenance import git_state, model_sha256, packages
from escalation.simulation.parameter_source import Source
from escalation.simulation.plan import MAX_BLOCK_SIZE, Plan
from escalation.study import Study, study_from_text
from escalation.study.names import shown
from escalation.study.schema import EXTENSIBLE, MAX_DRAWS, MAX_SEED, MAX_TRAJECTORIES, Design

FORMAT = 2

_Draws: TypeAlias = Annotated[int, Field(ge=1, le=MAX_DRAWS)]
_Trajectories: TypeAlias = Annotated[int, Field(ge=1, le=MAX_TRAJECTORIES)]

_NO_PART_OF_IDENTITY = ("sizes", "block_size", "created")


@dataclass(frozen=True)
class Manifest:
    """What a campaign simulates.

    Attributes
    ----------
    study_text : list of (str, str)
        Text of every file of the study, the study itself first.
    study_sha256 : str
        Checksum over what it says, see `Study.sha256`.
    posterior : str
        Text of the posterior; empty for priors only.
    pinned : dict of str to float
        Parameters that are set to a number.
    design : str
        How parameter draws cover the priors.
    seed, defaults, sweep, block_size
        As in a :class:`escalation.simulation.plan.Plan`.
    sizes : tuple of (int, int)
        Draws and trajectories that were asked for, in order; each at least the one before.
    model_sha256 : str
        Of the code that fixes counts.
    packages, git : dict of str to str, str
        Code that the campaign was begun with.
    created : str
        When it was begun, ISO 8601, UTC.
    """

    __pydantic_config__ = ConfigDict(strict=True, extra="forbid")

    study_text: tuple[tuple[str, str], ...]
    study_sha256: str
    posterior: str
    pinned: dict[str, Annotated[float, Field(allow_inf_nan=False)]]
    design: Design
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    defaults: bool
    sweep: tuple[str, ...]
    sizes: Annotated[tuple[tuple[_Draws, _Trajectories], ...], Field(min_length=1)]
    block_size: Annotated[int, Field(ge=1, le=MAX_BLOCK_SIZE)]
    model_sha256: str
    packages: dict[str, str]
    git: str
    created: str
    format: int = FORMAT

    @classmethod
    def of(cls, study: Study, plan: Plan, source: Source) -> Manifest:
        """Return the manifest of a campaign that begins; the study is as its text says it."""
        posterior = source.posterior
        text = "" if posterior is None else posterior_text(posterior)
        if posterior is not None and posterior.sha256 not in ("", posterior_from_text(text).sha256):
            raise InputError("posterior: a campaign needs one that was written by this program")
        return cls(
            study_text=tuple(study.text.items()),
            study_sha256=study_from_text(study.text).sha256,
            posterior=text,
            pinned=dict(source.pinned),
            design=study.plan.design,
            seed=plan.seed,
            defaults=plan.defaults,
            sweep=plan.sweep,
            sizes=plan.sizes,
            block_size=plan.block_size,
            model_sha256=model_sha256(),
            packages=dict(sorted(packages().items())),
            git=git_state(),
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )

    @property
    def identity(self) -> str:
        """Checksum over all that shapes the results' bytes, but for size; every row covers it."""
        fixed = {k: v for k, v in asdict(self).items() if k not in _NO_PART_OF_IDENTITY}
        return checksum(fixed)

    def study(self) -> Study:
        """Return the study, read again from its text."""
        return study_from_text(dict(self.study_text)).with_plan(design=self.design)

    def source(self, study: Study) -> Source:
        """Return where the parameters of the study come from."""
        posterior = posterior_from_text(self.posterior) if self.posterior else None
        return Source.of(study, Source(study, posterior, self.pinned))

    def plan(self) -> Plan:
        """Return what is done, at the size that the campaign has by now."""
        *before, (draws, trajectories) = self.sizes
        return Plan(
            trajectories, draws, self.seed, self.defaults, self.sweep,
            block_size=self.block_size, before=tuple(before),
        )  # fmt: skip

    def grown(self, plan: Plan) -> Manifest:
        """Return the manifest at the size of a plan; itself if that is its size.

        Raises
        ------
        InputError
            The size is smaller in some way, or the design does not extend to more draws.
        """
        size, there = plan.size, self.sizes[-1]
        if size == there:
            return self
        for name, wanted, least in zip(("draws", "trajectories"), size, there, strict=True):
            if wanted < least:
                raise InputError(f"{name}: {wanted} is less than the {least} that the campaign "
                                 "has; a campaign only grows")
        if size[0] > there[0] and self.design not in EXTENSIBLE:
            raise InputError(f"draws: more draws of a {self.design} do not extend the "
                             f"{there[0]} of this campaign; begin another")
        return replace(self, sizes=(*self.sizes, size))

    def text(self) -> str:
        """Return the text that :func:`manifest_from_text` reads."""
        return canonical(asdict(self)).decode("ascii")

    def check_same(self, other: Manifest) -> None:
        """Raise an InputError if another manifest asks something else."""
        if other.study_sha256 != self.study_sha256:
            texts = (study_from_text(dict(one.study_text)) for one in (self, other))
            raise InputError(_other_study(*map(_plain, texts)))
        words = {
            name: (_words(getattr(self, name)), _words(getattr(other, name)))
            for name in ("design", "seed", "defaults", "sweep", "pinned")
        }
        words["posterior"] = _posterior_words(self.posterior), _posterior_words(other.posterior)
        for name, (there, asked) in words.items():
            if asked != there:
                raise InputError(f"{name}: the campaign has {there}, not {asked}; "
                                 "a campaign keeps its question, begin another")


def canonical(value: Any) -> bytes:
    """Return JSON text of plain data that is the same for equal data.

    >>> canonical({"b": 1, "a": (2, 3)})
    b'{"a":[2,3],"b":1}'
    """
    return json.dumps(
        value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    ).encode("ascii")


def checksum(value: Any) -> str:
    """Return the SHA-256 over plain data."""
    return hashlib.sha256(canonical(value)).hexdigest()


def manifest_from_text(text: str) -> Manifest:
    """Read the manifest of a campaign.

    Raises
    ------
    InputError
        It is of another version, or says what no manifest may say.
    """
    try:
        body = json.loads(text)
        version = body.get("format")
    except (ValueError, AttributeError, RecursionError):
        raise InputError("no manifest of a campaign: not the text of one") from None
    if version != FORMAT:
        raise InputError(f"of format {shown(version)}, this version reads {FORMAT}")
    try:
        found: Manifest = TypeAdapter(Manifest).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"no manifest of a campaign: {where}: {first['msg']}") from None
    if any(n < m for a, b in pairwise(found.sizes) for m, n in zip(a, b, strict=True)):
        raise InputError("no manifest of a campaign: its sizes shrink")
    return found


def study_of_text(study: Study) -> Study:
    """Return a study as its text says it.

    Raises
    ------
    InputError
        It was changed in Python, so that its text would not bring it back.
    """
    if not study.as_read:
        raise InputError(f"study {study.name}: it was changed after it was read; a campaign needs "
                         "one that its text describes")
    return study_from_text(study.text).with_plan(**study.plan.model_dump())


def _other_study(there: Any, asked: Any) -> str:
    where = _difference(there, asked)
    if where in ("plan.draws", "plan.trajectories"):
        option = where.removeprefix("plan.")
        return (f"study: the campaign has another {where}; leave the file as it was and extend "
                f"the campaign with --{option}")
    return (f"study: the campaign has another {shown(where)[1:-1]}; a campaign keeps its "
            "question, begin another")


def _plain(study: Study) -> Any:
    return json.loads(study.model_dump_json(exclude={"text", "read_sha256"}))


def _difference(there: Any, asked: Any, path: str = "") -> str:
    """Return the dotted path of the first key where plain data differ, or their order."""
    if not isinstance(there, dict) or not isinstance(asked, dict):
        return path
    for key in dict.fromkeys([*there, *asked]):
        if key not in there or key not in asked or there[key] != asked[key]:
            below = f"{path}.{key}" if path else key
            return _difference(there.get(key), asked.get(key), below)
    return "order of names"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name}={number:g}" for name, number in value.items()]
    if isinstance(value, (tuple, list)):
        return shown(", ".join(value)) if value else "none"
    return str(value)


def _posterior_words(text: str) -> str:
    return posterior_from_text(text).sha256[:12] if text else "none"
