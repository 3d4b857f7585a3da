"""Posterior files: they come back as they were, and a changed one is refused by name."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from posteriors import FITTED, made_up

from escalation.errors import InputError
from escalation.parameters import posterior as module
from escalation.parameters.posterior import coverage, load_posterior, save_posterior
from escalation.parameters.priors import Fixed, LogNormal
from escalation.parameters.registry import REGISTRY


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "posterior.csv"
    save_posterior(made_up(), path)
    return path


def test_round_trip(saved):
    original, back = made_up(), load_posterior(saved)
    assert back.names == original.names
    assert back.values.shape == (3, 12)
    np.testing.assert_allclose(back.values, original.values, rtol=5e-6)
    assert back.provenance == original.provenance
    assert back.priors == original.priors
    assert back.title == "posterior of 12 made-up disputes"
    assert saved.read_text(encoding="utf-8").splitlines()[-1] == f"# sha256: {back.sha256}"
    again = save_posterior(back, saved)
    assert np.array_equal(again.values, back.values)
    assert again.sha256 == back.sha256
    assert os.listdir(saved.parent) == [saved.name]


def test_another_kind_of_line_end_is_no_damage(saved):
    saved.write_bytes(saved.read_bytes().replace(b"\n", b"\r\n"))
    assert load_posterior(saved).n == 12


def test_a_full_posterior_stays_small(tmp_path):
    names = tuple(REGISTRY)[:45]
    save_posterior(made_up(1_000, names), tmp_path / "full.csv")
    assert (tmp_path / "full.csv").stat().st_size < 600_000


CHANGES = {
    "digit": lambda text: text.replace(text.splitlines()[8][:6], "9.9999", 1),
    "provenance": lambda text: text.replace("12 made-up", "13 made-up"),
    "prior": lambda text: text.replace("choice_precision: ", "choice_precision: x", 1),
    "row lost": lambda text: text.replace(text.splitlines(keepends=True)[9], "", 1),
    "row twice": lambda text: text.replace(row := text.splitlines(True)[9], row + row, 1),
    "no checksum": lambda text: text[: text.rindex("# sha256")],
    "something behind it": lambda text: text + "\n",
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
}  # fmt: skip


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_file_is_refused_by_name(saved, case):
    text = saved.read_text(encoding="utf-8")
    changed = CHANGES[case](text)
    assert changed != text
    saved.write_text(changed, encoding="utf-8")
    wanted = r"posterior\.csv: (damaged or edited|not a posterior)"
    with pytest.raises(InputError, match=wanted) as caught:
        load_posterior(saved)
    assert len(str(caught.value).splitlines()) == 1


SEALED = {
    "": "each parameter once",
    "a,b\n": "no draws",
    "a,a\n1,2\n": "each parameter once",
    "a,b c\n1,2\n": "each parameter once",
    "a,b\n1,2\n1\n": "draw 2: not 2 finite",
    "a,b\n1,nan\n": "draw 1: not 2 finite",
    "a,b\n1,x\n": "draw 1: not 2 finite",
    "# title\na\n1\n": "no 'key: value'",
}


@pytest.mark.parametrize("body", SEALED)
def test_content_that_makes_no_sense_is_refused_even_with_its_checksum(tmp_path, body):
    (tmp_path / "odd.csv").write_text(module._sealed(body), encoding="utf-8")
    with pytest.raises(InputError, match=rf"odd\.csv: .*{SEALED[body]}"):
        load_posterior(tmp_path / "odd.csv")


def test_files_that_cannot_be_read_or_written(tmp_path):
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    for path, words in (
        (tmp_path / "none.csv", r"none\.csv: cannot read"),
        (tmp_path, "cannot read"),
        (tmp_path / "bytes.csv", r"bytes\.csv: not a posterior file"),
        ("a\0b", "cannot read"),
    ):
        with pytest.raises(InputError, match=words):
            load_posterior(path)
    for path in (tmp_path / "none" / "p.csv", tmp_path, "a\0b"):
        with pytest.raises(InputError, match="cannot write"):
            save_posterior(made_up(), path)
    assert os.listdir(tmp_path) == ["bytes.csv"]


def test_what_a_file_cannot_hold_is_not_written(tmp_path):
    good = made_up()
    for bad in (
        replace(good, provenance={"title": "two\nlines"}),
        replace(good, provenance={"a: b": "c"}),
        replace(good, values=good.values * np.nan),
        replace(good, values=good.values[:, :0]),
        replace(good, values=good.values[:2]),
    ):
        with pytest.raises(InputError, match="posterior: "):
            save_posterior(bad, tmp_path / "p.csv")
    assert os.listdir(tmp_path) == []


def test_shipped_posterior_is_sound_or_absent(monkeypatch, saved):
    found = module.shipped_posterior()
    if found is not None:
        assert coverage(REGISTRY, found).overridden == ()
        assert set(found.priors) == set(found.names)
        assert module.SHIPPED.stat().st_size < 600_000
    monkeypatch.setattr(module, "SHIPPED", saved)
    assert module.shipped_posterior().n == 12
    monkeypatch.setattr(module, "SHIPPED", saved.with_name("none.csv"))
    assert module.shipped_posterior() is None


def test_a_study_keeps_its_own_word():
    study = dict(REGISTRY)
    assert coverage(study, made_up()).covered == tuple(n for n in REGISTRY if n in FITTED)
    assert coverage(study, None).covered == ()
    first = REGISTRY["choice_precision"]
    for change in (
        {"prior": LogNormal(median=first.default, sigma=0.1)},
        {"prior": Fixed()},
        {"default": first.default + 1},
    ):
        study["choice_precision"] = replace(first, **change)
        found = coverage(study, made_up())
        assert found.overridden == ("choice_precision",)
        assert set(found.covered) == set(FITTED) - {"choice_precision"}
    del study["choice_precision"]
    assert coverage(study, made_up()).overridden == ()


def test_a_parameter_without_a_stated_prior_is_not_taken():
    assert coverage(REGISTRY, replace(made_up(), priors={})).covered == ()
