"""The plan of a campaign: all that is needed to play it anywhere, in one file with a checksum."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from escalation.contracts.whole_file import write_whole
from escalation.errors import InputError
from escalation.parameters.posterior import Posterior, load_posterior
from escalation.simulation.seals import canonical
from escalation.study import Study, study_from_text
from escalation.study.names import shown
from escalation.study.schema import MAX_DRAWS, MAX_SEED, MAX_TRAJECTORIES

NAME = "campaign.json"
POSTERIOR = "posterior.csv"
FORMAT = 1
_SUM = "sha256"

Size: TypeAlias = tuple[
    Annotated[int, Field(ge=1, le=MAX_DRAWS)], Annotated[int, Field(ge=1, le=MAX_TRAJECTORIES)]
]
"""Draws, and trajectories per cell and draw."""

_NO_PART_OF_IDENTITY = ("sizes", "block_size", "created")


@dataclass(frozen=True)
class CampaignPlan:
    """What a campaign plays.

    Attributes
    ----------
    study_text : list of (str, str)
        Text of every file of the study, the study itself first.
    study_sha256 : str
        Checksum over what it says, see `Study.sha256`.
    seed : int
        Seed of all random numbers.
    sizes : tuple of (int, int)
        Draws and trajectories that were asked for, in order; each at least the one before.
    defaults : bool
        One draw, at the centre of what is known.
    posterior_sha256 : str
        Checksum of the posterior; empty for priors only.
    sweep : bool
        Whether the study's parameters are swept too.
    block_size : int
        Trajectories of a block, about.
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
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)]
    defaults: bool
    posterior_sha256: str
    sweep: bool
    block_size: Annotated[int, Field(ge=1, le=2**62)]
    model_sha256: str
    packages: dict[str, str]
    git: str
    created: str
    format: int = FORMAT

    @property
    def size(self) -> Size:
        """Draws and trajectories that it has by now."""
        return self.sizes[-1]

    @property
    def identity(self) -> str:
        """Checksum over all that shapes the results' bytes, but for size; it seals every file."""
        fixed = {k: v for k, v in asdict(self).items() if k not in _NO_PART_OF_IDENTITY}
        return hashlib.sha256(canonical(fixed)).hexdigest()

    def study(self) -> Study:
        """Return the study, read again from its text."""
        return study_from_text(dict(self.study_text))

    def posterior(self, folder: Path) -> Posterior | None:
        """Return the posterior from its copy in the campaign's folder; None for priors only.

        Raises
        ------
        InputError
            The copy is missing, damaged, or another one.
        """
        if not self.posterior_sha256:
            return None
        found = load_posterior(folder / POSTERIOR)
        if found.sha256 != self.posterior_sha256:
            raise InputError(f"{folder / POSTERIOR}: not the posterior of this campaign")
        return found

    def grown(self, size: Size) -> CampaignPlan:
        """Return the plan at a larger size; itself if that is its size.

        Raises
        ------
        InputError
            The size is smaller in some way, or the design does not extend to more draws.
        """
        if size == self.size:
            return self
        for name, wanted, there in zip(("draws", "trajectories"), size, self.size, strict=True):
            if wanted < there:
                raise InputError(f"{name}: {wanted} is less than the {there} that the campaign "
                                 "has; a campaign only grows")
        design = self.study().plan.design
        if size[0] > self.size[0] and design != "sobol":
            raise InputError(f"draws: more draws of a {design} do not extend the "
                             f"{self.size[0]} of this campaign; begin another")
        return replace(self, sizes=(*self.sizes, size))


def save_plan(plan: CampaignPlan, folder: Path) -> None:
    """Write the plan, whole or not at all."""
    body = json.loads(canonical(asdict(plan)))
    body[_SUM] = hashlib.sha256(canonical(body)).hexdigest()
    text = json.dumps(body, indent=1, sort_keys=True) + "\n"
    write_whole(folder / NAME, text.encode("ascii"))


def load_plan(folder: Path) -> CampaignPlan:
    """Read and verify the plan of a campaign.

    Raises
    ------
    InputError
        There is none, it is damaged, or of a newer version.
    """
    path = folder / NAME
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable name"
        raise InputError(f"{str(folder)[:100]!r} holds no campaign: {NAME}: {reason}") from None
    body = _verified(content)
    if body is None:
        raise InputError(f"{path}: damaged or edited: it does not match its checksum; a plan "
                         "cannot be recomputed, restore the file or begin another campaign")
    if body.get("format") != FORMAT:
        raise InputError(f"{path}: of format {shown(body.get('format'))}, this version reads "
                         f"{FORMAT}")
    try:
        plan: CampaignPlan = TypeAdapter(CampaignPlan).validate_json(canonical(body))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: no plan of a campaign: {where}: {first['msg']}") from None
    if any(n < m for a, b in pairwise(plan.sizes) for m, n in zip(a, b, strict=True)):
        raise InputError(f"{path}: no plan of a campaign: its sizes shrink")
    return plan


def _verified(content: bytes) -> dict[str, Any] | None:
    """Return the plan's fields if the bytes are those that were written."""
    try:
        body = json.loads(content)
        text = json.dumps(body, indent=1, sort_keys=True) + "\n"
        stated = body.pop(_SUM)
        whole = text.encode("ascii") == content
        return body if whole and stated == hashlib.sha256(canonical(body)).hexdigest() else None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
