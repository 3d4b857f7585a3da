"""Posterior draws of the shared parameters, as a small text file with provenance.

A posterior file is UTF-8 text::

    # title: posterior of 1,212 disputes and 264 crises
    # created: 2026-01-01
    # prior choice_precision: LN(5, 0.4)
    choice_precision,resolve_spread
    4.81204,0.513388
    ...
    # sha256: 9f86d0...

Provenance comes first, one ``# key: value`` a line. ``# prior NAME:`` states the prior that a
parameter was fitted under; a study that holds another opinion keeps its own
(:func:`coverage`). Then the names, one row per draw with six digits, and the SHA-256 of every
line before the last. The rows are joint: correlations between parameters live in them.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from escalation.contracts.whole_file import put
from escalation.errors import InputError
from escalation.parameters.registry import REGISTRY, Parameter

SHIPPED = Path(__file__).with_name("posterior.csv")
"""The posterior that comes with the package, if there is one."""

_SEAL = "# sha256: "
_PRIOR = "prior "
_NAME = re.compile(r"[A-Za-z_][\w.]*", re.ASCII)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Joint draws of some of the parameters.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    values : float array, shape (parameter, draw)
        Their values, in each parameter's unit.
    provenance : dict of str to str
        Where the draws come from; ``title`` says it in a few words.
    sha256 : str
        Checksum of the file; empty for draws that are in none.
    priors : dict of str to str
        Prior of each parameter in the fit, as :meth:`Prior.describe` writes it.
    """

    names: tuple[str, ...]
    values: np.ndarray
    provenance: dict[str, str] = field(default_factory=dict)
    sha256: str = ""
    priors: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        return self.values[self.names.index(name)]

    @property
    def n(self) -> int:
        """Number of draws."""
        return int(self.values.shape[1])

    @property
    def title(self) -> str:
        """What was fitted to what, in a few words."""
        return self.provenance.get("title", "posterior without a title")


@dataclass(frozen=True)
class Coverage:
    """For which parameters of a study a posterior speaks.

    Attributes
    ----------
    covered : tuple of str
        Taken from the posterior.
    overridden : tuple of str
        In the posterior, but the study says something else about them than the fit assumed.
    """

    covered: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """What a fit did to one parameter.

    Attributes
    ----------
    prior, posterior : (float, float, float)
        Quantiles 5, 50 and 95 % before and after.
    """

    prior: tuple[float, float, float]
    posterior: tuple[float, float, float]


def coverage(parameters: Mapping[str, Parameter], posterior: Posterior | None) -> Coverage:
    """Sort the parameters of a posterior into those it speaks for and those overridden.

    A study overrides a parameter by another prior than that of the fit, or by another default
    than the registry's. Parameters that the study does not know are in neither list.
    """
    if posterior is None:
        return Coverage()
    known = [name for name in parameters if name in posterior.names]
    agreed = [name for name in known if _agrees(parameters[name], posterior)]
    return Coverage(tuple(agreed), tuple(name for name in known if name not in agreed))


def _agrees(parameter: Parameter, posterior: Posterior) -> bool:
    name = parameter.name
    if parameter.prior.describe() != posterior.priors.get(name):
        return False
    return name not in REGISTRY or parameter.default == REGISTRY[name].default


def shipped_posterior() -> Posterior | None:
    """Return the posterior that comes with the package, or None if it has none.

    Raises
    ------
    InputError
        The file is damaged.
    """
    return load_posterior(SHIPPED) if SHIPPED.is_file() else None


def load_posterior(path: str | os.PathLike[str]) -> Posterior:
    """Read and verify a posterior file.

    Raises
    ------
    InputError
        The file is missing, damaged, edited, or not a posterior; the message names it.
    """
    where = os.fspath(path)
    shown = where if where.isprintable() and len(where) <= 300 else repr(where[:60])
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not a posterior file (no UTF-8 text)") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable file name"
        raise InputError(f"{shown}: cannot read the posterior: {reason}") from None
    try:
        return _parsed(text)
    except ValueError as error:
        raise InputError(f"{shown}: {error}") from None


def save_posterior(posterior: Posterior, path: str | os.PathLike[str]) -> Posterior:
    """Write a posterior file, whole or not at all.

    Returns
    -------
    Posterior
        As the file holds it: six digits, and with its checksum.

    Raises
    ------
    InputError
        The posterior cannot be stored, or the path cannot be written.
    """
    try:
        text = _sealed(_body(posterior))
        stored = _parsed(text)
    except ValueError as error:
        raise InputError(f"posterior: {error}") from None
    target = Path(path)
    try:
        put(target, text.encode("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable file name"
        raise InputError(f"cannot write {str(target)[:200]!r}: {reason}") from None
    return stored


def _body(posterior: Posterior) -> str:
    """Return everything before the checksum."""
    entries = posterior.provenance | {
        f"{_PRIOR}{name}": text for name, text in posterior.priors.items()
    }
    for key, value in entries.items():
        if not f"{key}{value}".isprintable() or ":" in key or key == "sha256":
            raise ValueError(f"provenance {key!r}: not a line of text")
    lines = [f"# {key}: {value}" for key, value in entries.items()]
    lines.append(",".join(posterior.names))
    lines += [",".join(f"{x:.6g}" for x in row) for row in posterior.values.T.tolist()]
    return "\n".join(lines) + "\n"


def _sealed(body: str) -> str:
    return f"{body}{_SEAL}{hashlib.sha256(body.encode('utf-8')).hexdigest()}\n"


def _parsed(text: str) -> Posterior:
    """Read the text of a posterior file; ValueError says what is wrong with it."""
    place = text.rfind(_SEAL)
    if place < 0:
        raise ValueError("not a posterior file, or truncated (no checksum at its end)")
    body, seal = text[:place], text[place + len(_SEAL) :].strip()
    if _sealed(body) != text:
        raise ValueError("damaged or edited: its content does not match its checksum")
    lines = body.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("# ")), len(lines))
    entries = dict(_entry(line) for line in lines[:count])
    posterior = Posterior(*_table(lines[count:]), sha256=seal)
    is_prior = {key: key.startswith(_PRIOR) for key in entries}
    return replace(
        posterior,
        provenance={key: value for key, value in entries.items() if not is_prior[key]},
        priors={
            key.removeprefix(_PRIOR): value for key, value in entries.items() if is_prior[key]
        },
    )


def _entry(line: str) -> tuple[str, str]:
    key, colon, value = line.removeprefix("# ").partition(": ")
    if not colon:
        raise ValueError(f"provenance {line[:60]!r}: no 'key: value'")
    return key, value


def _table(lines: list[str]) -> tuple[tuple[str, ...], np.ndarray]:
    names = tuple(lines[0].split(",")) if lines else ()
    if not all(map(_NAME.fullmatch, names)) or len(set(names)) < len(names) or not names:
        raise ValueError("the header does not name each parameter once")
    if len(lines) < 2:
        raise ValueError("no draws")
    rows = [_row(line, len(names), number) for number, line in enumerate(lines[1:], 1)]
    return names, np.array(rows, float).T.copy()


def _row(line: str, width: int, number: int) -> list[float]:
    try:
        row = [float(cell) for cell in line.split(",")]
    except ValueError:
        row = []
    if len(row) != width or not all(map(math.isfinite, row)):
        raise ValueError(f"draw {number}: not {width} finite numbers")
    return row
