"""The page for readers: its numbers are Python's, and nothing in its words can do anything.

The tests that open it need Playwright and the system's Chromium, and are skipped elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import cells
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import escalation
from escalation import page as room
from escalation.analysis.comparison import compare
from escalation.analysis.reweighting import Moved, moved_weights, weights
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.page.page_beliefs import like
from escalation.page.page_file import LARGEST
from escalation.page.page_stories import KINDS, stories
from escalation.parameters.priors import Normal
from escalation.report.text import of_100, plain_number
from escalation.results import save_results
from escalation.results.kept_study import kept_study
from escalation.statistics.weighting import effective, weighted_quantile
from escalation.study import Study, load_study

ROOM = Path(room.__file__).parent
EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
STRAIT = "taiwan_strait"
MILD = {
    "name": "mild", "source": "made up", "title": f"mild {EVIL}",
    "parameters": {"provocation_stake": {"prior": "normal", "mean": 0.1, "sd": 0.15},
                   "pact_dilution": {"prior": "normal", "mean": 0.1, "sd": 0.2}},
}  # fmt: skip
QUESTION = {"structure": "asian_nato", "against": "minilateral_lattice",
            "over": ["provocation_stake", "asian_nato.decision_delay_days"]}  # fmt: skip
SETTINGS: tuple[dict[str, Moved], ...] = (
    {},
    {"provocation_stake": Moved(0.75)},
    {"provocation_stake": Moved(-0.5, 0.7), "asian_nato.decision_delay_days": Moved(0.4)},
    {"asian_nato.decision_delay_days": Moved(-0.6, 0.4)},
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("page")
    (folder / "configs").symlink_to(cells.CONFIGS)
    (folder / "mild.yaml").write_text(json.dumps(MILD))
    (folder / "study.yaml").write_text(json.dumps({
        "name": "paged", "title": EVIL, "extends": "configs/asian_nato.yaml",
        "flashpoints": [f"configs/flashpoints/{STRAIT}.yaml"], "premises": ["mild.yaml"],
        "structures": [f"configs/structures/{n}.yaml"
                       for n in ("hub_and_spoke", "minilateral_lattice", "asian_nato")],
        "decision_rules": ["expected_utility"],
        "compare": {"answer": QUESTION, "focus": ["asian_nato", "minilateral_lattice"]},
    }))  # fmt: skip
    return load_study(folder / "study.yaml")


@pytest.fixture(scope="module")
def ds(study: Study) -> xr.Dataset:
    """A run whose titles are hostile."""
    found = escalation.run(study, draws=192, trajectories=160, seed=4)
    titles = [f"{name} {EVIL}" for name in found["structure"].values.tolist()]
    return found.assign_coords(structure_title=("structure", titles))


@pytest.fixture(scope="module")
def written(ds: xr.Dataset) -> str:
    return room.page(ds)


# ---------------------------------------------------------------- weights


def test_a_moved_belief_weighs_as_the_premise_that_says_the_same(
    study: Study, ds: xr.Dataset
) -> None:
    own = study.parameters
    other = MILD["parameters"]["provocation_stake"]
    entry = study.premises["mild"].parameters["provocation_stake"]
    assert entry.prior == Normal(mean=other["mean"], sd=other["sd"])
    moved = like(own["provocation_stake"], entry)
    assert moved == pytest.approx((0.5, 0.75), abs=0.001)
    found = moved_weights(ds, own, {"provocation_stake": moved})
    np.testing.assert_allclose(found, weights(ds, own, {"provocation_stake": entry}), rtol=2e-3)
    assert effective(found) < 0.95 * ds.sizes["draw"]


def test_a_median_is_a_shift(study: Study, ds: xr.Dataset) -> None:
    name = "asian_nato.decision_delay_days"
    number = 7 * (16 / 7) ** (1 / 1.6448536)  # one normal score above the median, from its range
    by_number = moved_weights(ds, study.parameters, {name: number})
    by_shift = moved_weights(ds, study.parameters, {name: Moved(1.0)})
    np.testing.assert_allclose(by_number, by_shift, rtol=1e-4)


def test_without_beliefs_the_numbers_are_those_of_a_comparison(ds: xr.Dataset) -> None:
    found = escalation.reweight(ds, {}, reference="minilateral_lattice")
    known = compare(ds, reference="minilateral_lattice", loss={}).isel(decision_rule=0)
    for name in ("mean", "p_safer", "p_safer_low", "p_safer_high", "difference", "regret"):
        np.testing.assert_allclose(found[name], known[name], rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(found["high"], known["high"], rtol=1e-9)
    np.testing.assert_allclose(found["monte_carlo_se"], known["monte_carlo_se"], rtol=1e-9)
    ranks = known["rank_probability"]
    np.testing.assert_allclose(found["p_least"], ranks.sel(rank=1), atol=1e-12)
    np.testing.assert_allclose(found["mean_rank"], (ranks * ranks["rank"]).sum("rank"), atol=1e-9)
    assert found.attrs["effective"] == pytest.approx(ds.sizes["draw"])


def test_quantiles_with_equal_weights_are_plain_ones() -> None:
    values = np.random.default_rng(3).gamma(1.0, size=41)
    for chance in (0.0, 0.05, 0.5, 0.95, 1.0):
        assert weighted_quantile(values, np.ones(41), chance) == pytest.approx(
            np.quantile(values, chance)
        )
    weight = np.r_[np.ones(20), np.zeros(21)]
    assert weighted_quantile(values, weight, 0.9) == pytest.approx(np.quantile(values[:20], 0.9))


@pytest.mark.parametrize(("beliefs", "said"), [
    ({"hope": 1.0}, "no parameter 'hope'"),
    ({"choice_precision": 1.0}, "was taken from the posterior"),
    ({"provocation_stake": Moved(3.5, 0.3)}, "are worth .* fewer than 30"),
    ({"provocation_stake": Moved(0.0, 1.5)}, "less sure than it"),
    ({"provocation_stake": 99.0}, "beyond its prior"),
])  # fmt: skip
def test_what_cannot_be_weighed_is_refused(
    ds: xr.Dataset, beliefs: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        escalation.reweight(ds, beliefs, "war")


# ---------------------------------------------------------------- the file


def test_the_file_is_one_and_names_nothing_to_load(written: str) -> None:
    assert len(written.encode()) < LARGEST
    page = re.sub(r"<script>.*?</script>\n", "", written, flags=re.S)
    assert EVIL not in page
    assert "window.hacked = 1</script>" not in page
    for tag in re.findall(r"<(?:script|link|img|iframe|object|a)\b[^>]*>", page):
        assert re.search(r"\b(src|href)=(?!\"(#answer|data:,)\")", tag) is None, tag
    assert "default-src 'none'; script-src 'sha256-" in page


def test_its_libraries_are_those_that_were_published() -> None:
    said = (ROOM / "vendor" / "VENDORED.md").read_text(encoding="utf-8")
    files = sorted((ROOM / "vendor").glob("*.js"))
    assert [file.name for file in files] == ["d3.min.js", "plot.umd.min.js"]
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f"`{file.name}`" in said
        assert f"`{digest}`" in said
    assert "ISC" in said


def test_histories_are_of_the_kinds_that_they_say(study: Study, ds: xr.Dataset) -> None:
    kept = kept_study(ds, STRAIT, ["asian_nato"])
    found = stories(ds, kept, STRAIT, ["asian_nato", "minilateral_lattice"], seconds=8.0)
    assert len(found) > 10
    assert {kind for one in found for kind in one["kinds"].values()} - {""} <= set(KINDS)
    one = next(one for one in found if one["kinds"]["asian_nato"] == "war")
    told = escalation.replay(ds, flashpoint=STRAIT, structure="asian_nato", draw=one["draw"],
                             trajectory=one["trajectory"], width=10_000)  # fmt: skip
    assert [line for line in told[1:] if line] == one["lines"]["asian_nato"]
    assert any(re.search(r"Highest rung: .*\(rung [567]\)", line) for line in told)


def test_results_of_no_file_have_a_page_without_sliders(ds: xr.Dataset) -> None:
    alone = ds.assign_attrs(study_text="{}")
    assert '"beliefs":[]' in room.page(alone)
    with pytest.raises(InputError, match="belief: attribute study_text"):
        room.page(alone, beliefs=["provocation_stake"])


@pytest.mark.parametrize(("beliefs", "said"), [
    (["hope"], "belief: 'hope' is no parameter of the study"),
    (["choice_precision"], "was taken from the posterior"),
])  # fmt: skip
def test_a_slider_that_cannot_be_is_refused(
    ds: xr.Dataset, beliefs: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        room.page(ds, beliefs=beliefs, tell=False)


def test_the_command(ds: xr.Dataset, tmp_path: Path) -> None:
    save_results(ds, tmp_path / "r.nc")
    command = ["page", str(tmp_path / "r.nc"), "-o", str(tmp_path / "p.html"), "--no-stories",
               "--belief", "coverage_nonmember"]  # fmt: skip
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.strip().endswith("MB")
    assert "coverage_nonmember" in (tmp_path / "p.html").read_text(encoding="utf-8")
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "is there already; --overwrite replaces it" in again.stderr


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("no Chromium on this machine; .ci/browser installs one")
    with api.sync_playwright() as tool:
        found = tool.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


class Visit:
    """The page, opened; what it complained of and asked for.

    Attributes
    ----------
    tab : Page
        Of Playwright.
    complaints, requests : list of str
    """

    def __init__(self, browser: Any, file: Path, link: str = "", **options: Any) -> None:
        self.tab = browser.new_context(**options).new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(f"{file.as_uri()}{link}")
        self.tab.wait_for_selector("body[data-told]")

    def text(self, id_: str) -> str:
        return str(self.tab.inner_text(f"#{id_}"))

    def set(self, belief: str, step: int) -> None:
        self.tab.evaluate(
            "([id, step]) => { const range = document.getElementById(id); range.value = step;"
            "range.dispatchEvent(new Event('input')); }", [f"move-{belief}", step],
        )  # fmt: skip
        self.tab.wait_for_timeout(150)


@pytest.fixture(scope="module")
def file(written: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("written") / "page.html"
    path.write_text(written, encoding="utf-8")
    return path


def link_of(beliefs: dict[str, Moved]) -> str:
    return "#" + urlencode({f"b.{k}": f"{m.shift}~{m.spread}" for k, m in beliefs.items()})


def test_it_opens_without_a_request_or_a_complaint(browser: Any, file: Path) -> None:
    visit = Visit(browser, file)
    assert visit.requests == [file.as_uri()]
    assert visit.complaints == []
    assert visit.tab.evaluate("window.hacked") is None
    assert visit.tab.title() == EVIL
    assert EVIL in visit.text("all")
    assert f"mild {EVIL}" in visit.text("presets")
    assert visit.tab.evaluate(
        "fetch('data:text/plain,x').then(() => 'loaded', () => 'refused')") == "refused"


@pytest.mark.parametrize("beliefs", SETTINGS)
def test_its_numbers_are_those_of_python(
    browser: Any, file: Path, ds: xr.Dataset, beliefs: dict[str, Moved]
) -> None:
    """To the last digit that it prints."""
    visit = Visit(browser, file, link_of(beliefs))
    whole = escalation.reweight(ds, beliefs, reference="minilateral_lattice")
    here = whole.sel(flashpoint=STRAIT, structure="asian_nato")
    found = here.sel(risk="war")
    other = whole.sel(flashpoint=STRAIT, risk="war", structure="minilateral_lattice")
    assert f" in {of_100(found['p_safer'])} of 100 worlds." in visit.text("sentence")
    left = found.attrs["effective"]
    assert float(visit.tab.evaluate("document.body.dataset.left")) == pytest.approx(left)
    facts = visit.text("facts")
    low, high = (of_100(found[f"p_safer_{end}"]) for end in ("low", "high"))
    assert f"(95 % range {low} to {high})" in facts
    for name, scale, unit in (("mean", 100, " % under"), ("high", 100, " % under"),
                              ("mean_rank", 1, " for"), ("regret", 100, "")):  # fmt: skip
        first, second = (plain_number(scale * float(one[name])) for one in (found, other))
        assert re.search(rf"\b{re.escape(first + unit)}.*\b{re.escape(second + unit)}", facts), name
    for risk in ("great_power_war", "nuclear_use", "concession"):
        share = float(here["p_safer"].sel(risk=risk))
        if np.isfinite(share):
            assert f" {of_100(share)}\t" in visit.text("risks").replace("\xa0", " "), risk
    weight = visit.tab.evaluate(
        "async (beliefs) => { const n = await Weigh.unpack(JSON.parse(document.getElementById("
        "'numbers-data').textContent)); return Array.from(Weigh.weights(n.get('war/kept') || "
        f"{ds.sizes['draw']}, beliefs.map((b) => ({{...b, scores: n.get(`score/${{b.name}}`)}}))));"
        "}", [{"name": k, "shift": m.shift, "spread": m.spread} for k, m in beliefs.items()],
    )  # fmt: skip
    np.testing.assert_allclose(weight, whole["weight"], rtol=1e-9)


def test_it_writes_numbers_as_python_does(browser: Any, file: Path) -> None:
    visit = Visit(browser, file)
    rng = np.random.default_rng(8)
    numbers = [
        *(rng.normal(size=300) * 10 ** rng.uniform(-6, 6, 300)), 0.125, 0.25, 12.25, 0.5, 9.95,
    ]  # fmt: skip
    shares = [*rng.uniform(size=100), 0.125, 0.375, 0.005, 0.995, 1.0, 0.0]
    written = visit.tab.evaluate("(all) => all.map(Weigh.plain)", numbers)
    assert written == [plain_number(float(x)) for x in numbers]
    assert visit.tab.evaluate("(all) => all.map(Weigh.of100)", shares) == list(map(of_100, shares))


def test_a_slider_moves_the_sentence_and_the_link_restores_it(browser: Any, file: Path) -> None:
    visit = Visit(browser, file)
    before = visit.text("sentence")
    visit.set("provocation_stake", 60)
    moved, facts = visit.text("sentence"), visit.text("facts")
    assert moved != before
    link = visit.tab.evaluate("location.hash")
    assert "b.provocation_stake=1" in link
    again = Visit(browser, file, link)
    assert (again.text("sentence"), again.text("facts")) == (moved, facts)
    again.tab.click("#presets button:first-child")
    again.tab.wait_for_timeout(150)
    assert again.text("sentence") == before
    again.tab.select_option("#risk", "concession")
    again.tab.select_option("#structure", "hub_and_spoke")
    again.tab.wait_for_timeout(150)
    other = Visit(browser, file, again.tab.evaluate("location.hash"))
    assert other.text("sentence") == again.text("sentence") != before
    assert "concession" in other.text("sentence")
    assert Visit(browser, file, "#risk=x&b.hope=1&b.provocation_stake=a~b&at=%00").text(
        "sentence") == before


def test_few_worlds_are_warned_of_and_too_few_refused(browser: Any, file: Path) -> None:
    few = Visit(browser, file, link_of({"provocation_stake": Moved(1.2)}))
    assert few.text("warning").startswith("Rough: only ")
    assert "of 100" in few.text("sentence")
    none = Visit(browser, file, link_of({"provocation_stake": Moved(2.0, 0.3)}))
    assert none.text("warning").startswith("Nothing is said")
    assert none.text("sentence") == "Nothing can be said for these beliefs."
    assert not none.tab.is_visible("#facts")
    assert not none.tab.is_visible("#worlds")


def test_a_preset_says_what_it_sets(browser: Any, file: Path) -> None:
    visit = Visit(browser, file)
    visit.tab.click("#presets button:nth-child(2)")
    visit.tab.wait_for_timeout(150)
    words = visit.text("preset-words")
    assert re.search(r"Sets \d of its 2 numbers here\. Played with all of them", words)
    assert "as=mild" in visit.tab.evaluate("location.hash")


def test_the_keyboard_reads_worlds_and_every_field_has_a_name(browser: Any, file: Path) -> None:
    visit = Visit(browser, file)
    visit.tab.focus("#map-figure")
    visit.tab.keyboard.press("ArrowRight")
    visit.tab.keyboard.press("ArrowRight")
    assert re.match(r"World \d+\. War: ", visit.text("world"))
    assert visit.tab.get_attribute("#sentence", "aria-live") == "polite"
    nameless = visit.tab.evaluate(
        "[...document.querySelectorAll('input, select')].filter((field) =>"
        " !(field.labels.length || field.getAttribute('aria-label'))).map((field) => field.id)"
    )
    assert nameless == []
    assert len(visit.tab.query_selector_all(".story")) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_telephone_by_day_and_by_night(browser: Any, file: Path, scheme: str) -> None:
    visit = Visit(browser, file, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert visit.tab.evaluate("document.documentElement.scrollWidth") == 360
    ground = visit.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = np.mean([int(part) for part in re.findall(r"\d+", ground)[:3]])
    assert (brightness > 128) == (scheme == "light")
    assert visit.tab.evaluate("document.getElementById('sentence').getBoundingClientRect().bottom"
                              ) < 740  # fmt: skip


def test_it_prints_on_one_sheet(browser: Any, file: Path) -> None:
    printed = Visit(browser, file).tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
