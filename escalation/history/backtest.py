"""Score the model's predictions of disputes and crises against baselines.

Baselines need training rows. With a history these are its rows, less those that are also among
the disputes to be scored; without one (or if fewer than `MIN_TRAINING` are left) the disputes
themselves, in folds that keep a pair of states together, each fold predicted from the others.
The model is not fitted here: its parameters are the posterior's. For rows that the posterior was
fitted to (see `fitted`) its scores are in sample and the baselines' are not, which favours it; what
is left of the difference on the other rows is scored by itself.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from escalation.archive.crisis_table import VIOLENCE, Crises
from escalation.archive.csv_tables import Columns
from escalation.archive.dispute_table import Disputes
from escalation.archive.public_crises import load_crises
from escalation.archive.public_disputes import load_disputes
from escalation.errors import InputError
from escalation.history.baselines import (
    BASELINES,
    FEATURES,
    HISTORY_FEATURES,
    RIDGE,
    base_rate,
    predict_baselines,
)
from escalation.history.fitted import KEYS, in_fit
from escalation.history.targets import (
    ORDERED,
    TARGETS,
    Forecast,
    Prediction,
    Predictor,
    event_chances,
    forecast_of,
    group_rates,
    happened,
    outcomes_of,
)
from escalation.statistics.scores import (
    brier_scores,
    calibration,
    log_scores,
    paired_difference,
    ranked_probability_scores,
)

N_FOLDS = 5
MIN_TRAINING = 100
"""Rows of a history below which baselines are trained on folds of the disputes instead."""
MIN_SCORED = 30
"""Disputes outside the fit below which they are not scored by themselves."""


T = TypeVar("T")
Record = Disputes | str | os.PathLike[str]
Progress = Callable[[int, int], None]


def backtest(
    disputes: Record,
    history: Record | None = None,
    crises: Crises | str | os.PathLike[str] | None = None,
    *,
    prior: bool = False,
    refit: bool = False,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score the model on recorded disputes against base rates and logits.

    Parameters
    ----------
    disputes : Disputes or path
        A table, or the folder or zip file with the public MID, NMC, ATOP and contiguity files.
    history : Disputes or path, optional
        Where earlier disputes of a pair are looked up, and what baselines are fitted to.
    crises : Crises or path, optional
        A table, or the public ``icb1v*.csv``, its folder or a zip file of it.
    prior : bool
        Predict from the prior, not from the posterior.
    refit : bool
        Fit the model anew in five folds, so that model and baselines are both out of fold; takes
        minutes, and goes with neither `prior` nor `history`.
    say : callable, optional
        Told of each fold of a refit, one line each.
    progress : callable, optional
        Called with (folds done, folds in all).

    Returns
    -------
    dict
        As `run_backtest`; after a refit as :func:`escalation.history.validation.validate`.
        ``provenance`` has the ``files`` and ``notes`` on rows left out.

    Raises
    ------
    InputError
        A file cannot be used, options exclude each other, or there is too little to fit to.

    Examples
    --------
    Forty made-up disputes of neighbours, in place of a file:

    >>> import escalation
    >>> from escalation.archive.dispute_table import COLUMNS, Disputes
    >>> usual = dict.fromkeys(COLUMNS, 0) | {"initiator_cinc": 0.1, "target_cinc": 0.1}
    >>> found = escalation.backtest(Disputes.of(
    ...     usual | {"row": i, "dispnum": i, "year": 1950 + i, "hostlev": 2 + i % 4,
    ...              "contiguity": 1, "dyad": f"{2 + i % 9}>{100 + i % 7}"}
    ...     for i in range(40)
    ... ))
    >>> found["n_scored"]["max_level"], sorted(found["log_score"]["max_level"])
    (40, ['base_rate', 'logit', 'logit_history', 'model'])
    """
    if refit and (prior or history is not None):
        raise InputError("refit: goes with neither prior nor history; it fits to the disputes")
    notes: list[str] = []
    given = {"disputes": disputes, "history": history, "crises": crises}
    ours = _read(Disputes, load_disputes, disputes, notes)
    past = None if history is None else _read(Disputes, load_disputes, history, notes)
    grave = None if crises is None else _read(Crises, load_crises, crises, notes)
    if refit:
        from escalation.history.likelihood import crisis_counts
        from escalation.history.validation import validate

        counts = None if grave is None else crisis_counts(grave)
        result = validate(ours, counts, report=say, progress=progress)
    else:
        result = run_backtest(ours, past, grave, prior=prior, progress=progress)
    files = {k: v if v is None else str(v) for k, v in given.items() if not isinstance(v, Columns)}
    result["provenance"] |= {"notes": notes, "files": files}
    return result


def _read(
    kind: type[T], load: Callable[[Path, Callable[[str], None]], T],
    given: T | str | os.PathLike[str], notes: list[str],
) -> T:
    """Return a table of the record as it is, or from its file."""
    return given if isinstance(given, kind) else load(Path(cast(str, given)), notes.append)


def run_backtest(
    disputes: Disputes,
    history: Disputes | None = None,
    crises: Crises | None = None,
    *,
    predictor: Predictor | None = None,
    prior: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Predict, score and compare.

    Parameters
    ----------
    disputes : Disputes
        Rows to predict and score.
    history : Disputes or None
        Where the pair's earlier disputes are found, and what baselines are trained on.
    crises : Crises or None
        Crises to score as well.
    predictor : Predictor or None
        Default: the package's own model.
    prior : bool
        Predict from the prior instead of the posterior.
    seed : int
        Of folds and of the tosses behind predictive intervals.
    progress : callable, optional
        Called with (folds done, folds in all), where baselines are trained on folds.

    Returns
    -------
    dict
        Ready for JSON. ``log_score``, ``brier``, ``rps``: target to ``model``, ``base_rate``,
        ``logit``, ``logit_history`` (None without a history); ``difference`` of log scores,
        model minus baseline, per target and baseline; ``n_scored`` per target; ``calibration``
        per event; ``groups``; ``crises`` if given; ``n`` and ``provenance``. ``in_fit``: how
        many ``disputes`` and ``crises`` the posterior was fitted to, which of those had
        ``other_contiguity`` in the fit, and ``outside``, scores of the disputes that were not in
        it (None for too few, or none in it); None if the posterior does not say.

    Raises
    ------
    InputError
        Nothing to train baselines on: no history, and fewer pairs of states than folds.
    """
    model = predictor or cast(Predictor, importlib.import_module("escalation.history.predict"))
    prediction = model.predict_disputes(disputes, history, prior=prior)
    baselines, trained_on = _baselines(disputes, history, seed, progress)
    forecasts: dict[str, Forecast] = {"model": forecast_of(prediction), **baselines}
    result = score_all(disputes, forecasts)
    result["groups"] = group_rates(disputes, prediction, seed=seed)
    result["n"] = {"disputes": len(disputes), "history": 0 if history is None else len(history)}
    if crises is not None:
        chance = np.asarray(model.predict_crises(crises, prior=prior), float)
        result["crises"] = score_crises(crises, chance, seed=seed)
        result["n"]["crises"] = len(crises)
    describe = getattr(model, "provenance", None)
    source = dict(describe(prior=prior) or {}) if describe else {}
    result["in_fit"] = _in_fit(source, prior, disputes, crises, forecasts)
    result["provenance"] = {
        "parameters": "prior" if prior else "posterior",
        "model": {key: text for key, text in source.items() if key not in KEYS} or None,
        "baselines": {
            "trained_on": trained_on,
            "features": list(FEATURES),
            "history_features": list(HISTORY_FEATURES),
            "ridge": RIDGE,
        },
        "seed": seed,
    }
    return result


def _in_fit(
    source: dict[str, Any],
    prior: bool,
    disputes: Disputes,
    crises: Crises | None,
    forecasts: dict[str, Forecast],
) -> dict[str, Any] | None:
    found = in_fit(dict.fromkeys(KEYS, "") if prior else source, disputes, crises)
    if found is None:
        return None
    out = ~found.disputes
    other = np.flatnonzero(found.disputes & (found.contiguity != disputes.contiguity))
    outside = None
    if found.disputes.any() and out.sum() >= MIN_SCORED:
        rest = {
            name: {target: chance[out] for target, chance in forecast.items()}
            for name, forecast in forecasts.items()
        }
        scores = score_all(disputes.take(out), rest)
        outside = {name: scores[name] for name in ("log_score", "difference", "n_scored")}
    return {
        "disputes": int(found.disputes.sum()),
        "crises": int(found.crises.sum()),
        "other_contiguity": [
            {
                "dispnum": int(disputes.dispnum[i]),
                "year": int(disputes.year[i]),
                "dyad": str(disputes.dyad[i]),
                "here": int(disputes.contiguity[i]),
                "in_fit": int(found.contiguity[i]),
            }
            for i in other
        ],
        "outside": outside,
    }


def cross_validate(
    disputes: Disputes,
    fit_predict: Callable[[Disputes, Disputes], Prediction] | None,
    folds: str = "dyad",
    n_folds: int = N_FOLDS,
    seed: int = 0,
    history: Disputes | None = None,
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Scores of a model that is fitted anew to each fold's training rows.

    Parameters
    ----------
    disputes : Disputes
    fit_predict : callable or None
        Takes training and test rows, returns the prediction of the test rows; None scores the
        baselines alone.
    folds : {"dyad", "random"}
        Whether a pair of states stays together.
    n_folds, seed : int
        How many, and how they are drawn.
    history : Disputes or None
        What ``logit_history`` looks earlier disputes up in; default: all of `disputes`.
        Only earlier years are used, so a fold's own outcomes are known where a later dispute
        of the pair is predicted, as they would have been at the time.
    progress : callable, optional
        Called with (folds done, folds in all).

    Returns
    -------
    dict
        As `run_backtest`, without groups and crises.
    """
    fold = fold_numbers(disputes, folds, n_folds, seed)
    past = disputes if history is None else history

    def predict(train: Disputes, test: Disputes) -> dict[str, Forecast]:
        found = predict_baselines(train, test, past)
        if fit_predict is None:
            return found
        return {"model": forecast_of(fit_predict(train, test)), **found}

    result = score_all(disputes, _by_fold(disputes, fold, predict, progress))
    result["n"] = {"disputes": len(disputes)}
    result["provenance"] = {"folds": folds, "n_folds": n_folds, "seed": seed}
    return result


def fold_numbers(disputes: Disputes, folds: str, n_folds: int, seed: int) -> np.ndarray:
    """Fold of each dispute, shape (n,); pairs or rows are dealt out in random order.

    Raises
    ------
    InputError
        An unknown kind of folds, or fewer pairs (rows) than folds.
    """
    if folds not in ("dyad", "random"):
        raise InputError(f"folds: {folds!r} is neither 'dyad' nor 'random'")
    units = disputes.pair.astype(str) if folds == "dyad" else np.arange(len(disputes))
    names, unit = np.unique(units, return_inverse=True)
    if len(names) < n_folds:
        what = "pairs of states" if folds == "dyad" else "disputes"
        raise InputError(
            f"disputes: {len(names)} {what} are too few for {n_folds} folds; "
            "give a history to train the baselines on"
        )
    order = np.random.default_rng(seed).permutation(len(names))
    return (np.argsort(order) % n_folds)[unit]


def score_all(disputes: Disputes, forecasts: dict[str, Forecast]) -> dict[str, Any]:
    """Every score of every forecast, differences to the model's, and its calibration.

    Parameters
    ----------
    disputes : Disputes
    forecasts : dict
        Name to forecast of the same rows; the calibration curves are those of ``model``.
    """
    result: dict[str, Any] = {
        name: {} for name in ("log_score", "brier", "rps", "difference", "n_scored")
    }
    for target in TARGETS:
        outcome = outcomes_of(disputes)[target]
        known = outcome >= 0
        result["n_scored"][target] = int(known.sum())
        chances = {name: forecast[target][known] for name, forecast in forecasts.items()}
        logs = {name: log_scores(p, outcome[known]) for name, p in chances.items()}
        result["log_score"][target] = _means(logs)
        result["brier"][target] = _means(
            {name: brier_scores(p, outcome[known]) for name, p in chances.items()}
        )
        if target in ORDERED:
            result["rps"][target] = _means(
                {name: ranked_probability_scores(p, outcome[known]) for name, p in chances.items()}
            )
        result["difference"][target] = _differences(logs, disputes.pair[known])
    if "model" in forecasts:
        result["calibration"] = _calibrations(disputes, forecasts["model"])
    return result


def score_crises(crises: Crises, chance: np.ndarray, *, seed: int = 0) -> dict[str, Any]:
    """Scores of P(violence category), shape (n, 4), against base rates of other folds.

    Returns
    -------
    dict
        ``log_score``, ``brier``, ``rps`` of ``model`` and ``base_rate``; ``difference``; the
        observed and predicted share of full-scale war.
    """
    outcome = crises.violence_code
    chances = {"model": chance, "base_rate": _crisis_rates(outcome, seed)}
    logs = {name: log_scores(p, outcome) for name, p in chances.items()}
    war = VIOLENCE.index("full_scale_war")
    return {
        "log_score": _means(logs, ("model", "base_rate")),
        "brier": _means(
            {name: brier_scores(p, outcome) for name, p in chances.items()}, ("model", "base_rate")
        ),
        "rps": _means(
            {name: ranked_probability_scores(p, outcome) for name, p in chances.items()},
            ("model", "base_rate"),
        ),
        "difference": {"base_rate": paired_difference(
            logs["model"], logs["base_rate"], crises.crisno)},
        "war": {"observed": float(np.mean(outcome == war)),
                "predicted": float(chance[:, war].mean())},
        "base_rate_trained_on": f"{N_FOLDS} random folds of the crises",
    }  # fmt: skip


def _crisis_rates(outcome: np.ndarray, seed: int) -> np.ndarray:
    fold = np.random.default_rng(seed).permutation(len(outcome)) % N_FOLDS
    rates = np.array([base_rate(outcome[fold != k], len(VIOLENCE)) for k in range(N_FOLDS)])
    return rates[fold]


def _baselines(
    disputes: Disputes, history: Disputes | None, seed: int, progress: Progress | None
) -> tuple[dict[str, Forecast], str]:
    """Forecasts of every baseline, and in words what they were trained on."""
    if history is not None:
        ours = set(zip(disputes.dispnum.tolist(), disputes.dyad.tolist(), strict=True))
        keys = zip(history.dispnum.tolist(), history.dyad.tolist(), strict=True)
        fresh = np.array([key not in ours for key in keys])
        if fresh.sum() >= MIN_TRAINING:
            words = f"{fresh.sum():,} rows of the history"
            if not fresh.all():
                words += f" ({(~fresh).sum():,} others are among the disputes and left out)"
            return predict_baselines(history.take(fresh), disputes, history), words
    fold = fold_numbers(disputes, "dyad", N_FOLDS, seed)
    words = f"{N_FOLDS} folds of the disputes, pairs of states kept together"
    if history is not None:
        words += f" (the history has only {fresh.sum():,} rows that are not scored themselves)"
    found = _by_fold(
        disputes, fold, lambda a, b: predict_baselines(a, b, history), progress
    )
    return found, words


def _by_fold(
    disputes: Disputes,
    fold: np.ndarray,
    predict: Callable[[Disputes, Disputes], dict[str, Forecast]],
    progress: Progress | None,
) -> dict[str, Forecast]:
    """Forecasts of every row by name, each fold's from the rows of the others."""
    parts: dict[str, list[Forecast]] = {}
    for k in range(fold.max() + 1):
        for name, forecast in predict(disputes.take(fold != k), disputes.take(fold == k)).items():
            parts.setdefault(name, []).append(forecast)
        if progress is not None:
            progress(k + 1, int(fold.max()) + 1)
    order = np.argsort(np.argsort(fold, kind="stable"))
    return {
        name: {target: np.concatenate([f[target] for f in found])[order] for target in TARGETS}
        for name, found in parts.items()
    }


def _means(
    scores: dict[str, np.ndarray], names: tuple[str, ...] = ("model", *BASELINES)
) -> dict[str, float | None]:
    """Mean score by name; None for a forecast that there is not, or that has no row."""
    return {
        name: float(scores[name].mean()) if name in scores and len(scores[name]) else None
        for name in names
    }


def _differences(logs: dict[str, np.ndarray], pair: np.ndarray) -> dict[str, Any]:
    if "model" not in logs or not len(pair):
        return {}
    return {
        name: paired_difference(logs["model"], logs[name], pair)
        for name in BASELINES
        if name in logs
    }


def _calibrations(disputes: Disputes, forecast: Forecast) -> dict[str, Any]:
    observed = happened(disputes)
    found = {}
    for event, chance in event_chances(forecast).items():
        curve = calibration(chance, observed[event])
        found[event] = {
            name: getattr(curve, name).tolist()
            for name in ("predicted", "observed", "low", "high", "n")
        }
    return found
