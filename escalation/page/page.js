"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const read = (id) => JSON.parse($(id).textContent);
  const told = read("told-data");
  const index = (list) => new Map(list.map((entry, i) => [entry.name, {...entry, i}]));
  const structures = index(told.structures), flashpoints = index(told.flashpoints);
  const risks = index(told.risks), beliefs = index(told.beliefs), worldly = index(told.worlds);
  const {plain, of100} = Weigh;
  const percent = (share) => `${plain(100 * share)} %`;
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  let numbers;
  try {
    numbers = await Weigh.unpack(read("numbers-data"));
  } catch (error) {
    $("sentence").textContent = "This browser is too old to unpack the numbers of this page.";
    return;
  }

  /* ---------------------------------------------------------------- elements, always as text */

  function make(tag, properties = {}, ...children) {
    const found = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in found) found[name] = value; else found.setAttribute(name, value);
    }
    found.append(...children);
    return found;
  }

  function fill(select, entries, words) {
    select.replaceChildren(...entries.map((entry) =>
      make("option", {value: entry.name, textContent: words(entry)})));
  }

  /* ---------------------------------------------------------------- what the reader chose */

  const own = () => Object.fromEntries([...beliefs.keys()].map((n) => [n, {shift: 0, spread: 1}]));
  const state = {
    flashpoint: told.flashpoints[0].name, structure: told.pair.structure,
    against: told.pair.against, risk: told.risks[0].name, moved: own(), preset: "",
    across: "", up: "", world: -1,
  };

  function shown() {
    const found = told.beliefs.filter((belief) => !belief.owner
      || belief.owner === state.structure || belief.owner === state.against);
    const first = found.sort((a, b) => a.slot - b.slot
      || (b.owner === state.structure) - (a.owner === state.structure));
    return first.slice(0, 4);
  }

  function restore() {
    const link = new URLSearchParams(location.hash.slice(1));
    const pick = (name, known, standard) => known.has(link.get(name)) ? link.get(name) : standard;
    state.flashpoint = pick("at", flashpoints, told.flashpoints[0].name);
    state.structure = pick("structure", structures, told.pair.structure);
    state.against = pick("against", structures, told.pair.against);
    if (state.structure === state.against) {
      [state.structure, state.against] = [told.pair.structure, told.pair.against];
    }
    state.risk = pick("risk", risks, told.risks[0].name);
    state.moved = own();
    for (const name of beliefs.keys()) {
      const [shift, spread] = (link.get(`b.${name}`) || "").split("~").map(Number);
      if (link.has(`b.${name}`) && Number.isFinite(shift) && Number.isFinite(spread)) {
        state.moved[name] = {
          shift: clamp(Math.round(shift / told.step) * told.step, -told.reach, told.reach),
          spread: clamp(spread, 0.05, 1),
        };
      }
    }
    state.preset = told.presets.some((p) => p.name === link.get("as")) ? link.get("as") : "";
    state.across = pick("across", worldly, "");
    state.up = pick("up", worldly, "");
  }

  function link() {
    const parts = new URLSearchParams({at: state.flashpoint, structure: state.structure,
      against: state.against, risk: state.risk});
    for (const [name, {shift, spread}] of Object.entries(state.moved)) {
      if (shift !== 0 || spread !== 1) parts.set(`b.${name}`, `${+shift.toFixed(2)}~${spread}`);
    }
    if (state.preset) parts.set("as", state.preset);
    if (state.across) parts.set("across", state.across);
    if (state.up) parts.set("up", state.up);
    history.replaceState(null, "", `#${parts}`);
  }

  /* ---------------------------------------------------------------- what follows */

  const cells = new Map();
  function cellOf(risk, flashpoint = state.flashpoint) {
    const key = `${flashpoint}/${risk}`;
    if (!cells.has(key)) {
      cells.set(key, Weigh.cell(told.cells[key], numbers, key, told.structures.length));
    }
    return cells.get(key);
  }

  function weighed() {
    const moved = shown().map(({name}) => ({scores: numbers.get(`score/${name}`),
      ...state.moved[name]}));
    const w = Weigh.weights(told.draws, moved);
    return {w, left: Weigh.effective(w)};
  }

  const s = () => structures.get(state.structure).i;
  const r = () => structures.get(state.against).i;
  const reasonOf = (cell) => cell.words.reasons[r()][s()];

  function sentenceParts(p) {
    const a = structures.get(state.structure), b = structures.get(state.against);
    const place = flashpoints.get(state.flashpoint).words;
    const before = `At ${place}, against ${b.words}, ${a.words} ${a.plural ? "have" : "has"} fewer `
      + `${risks.get(state.risk).words} in `;
    return [before, `${of100(p)} of 100`, " worlds."];
  }

  /* P(safer) on either side of a number, with the chance error of their difference. */
  function split(cell, w, name, at) {
    const values = numbers.get(`value/${name}`), less = cell.share(s(), r());
    const side = (keeps) => {
      const part = w.map((x, i) => keeps(values[cell.kept[i]]) ? x : 0);
      const size = Weigh.sum(part);
      if (!(size > 0.02)) return null;
      const p = Weigh.dot(part, less) / size, n = Weigh.effective(part);
      return {p, size, variance: p * (1 - p) / n};
    };
    return {below: side((x) => x <= at), above: side((x) => x > at)};
  }

  function turnOf(name) {
    const pair = [told.pair.structure, told.pair.against];
    if (!pair.includes(state.structure) || !pair.includes(state.against)) return undefined;
    return told.turns.find((t) => t.parameter === name && t.flashpoint === state.flashpoint
      && t.risk === state.risk);
  }

  function minds(cell, w) {
    const found = [];
    const pair = [state.structure, state.against];
    for (const world of told.worlds) {
      if (world.owner && !pair.includes(world.owner)) continue;
      const turn = turnOf(world.name), values = numbers.get(`value/${world.name}`);
      const here = Float64Array.from(cell.kept, (i) => values[i]);
      const middle = Weigh.quantile(here, w, 0.5);
      const wide = Weigh.quantile(here, w, 0.9) - Weigh.quantile(here, w, 0.1);
      const at = turn ? turn.value : Math.abs(middle) < 0.03 * wide ? 0 : middle;
      const {below, above} = split(cell, w, world.name, at);
      if (!below || !above) continue;
      const gap = Math.abs(below.p - above.p);
      const clear = gap > 2 * Math.sqrt(below.variance + above.variance);
      found.push({world, at, turn, below, above, gap, clear,
        turns: clear && (below.p - 0.5) * (above.p - 0.5) < 0});
    }
    return found.filter((m) => m.clear).sort((a, b) => b.gap - a.gap);
  }

  const amount = (world, x) => `${plain(x)}${world.unit ? ` ${world.unit}` : ""}`;

  /* ---------------------------------------------------------------- the first screen */

  function drawSentence(one, w) {
    const reason = reasonOf(one);
    if (reason) {
      const a = structures.get(state.structure).words, b = structures.get(state.against).words;
      $("sentence").textContent = `At ${flashpoints.get(state.flashpoint).words}, ${a} against `
        + `${b}, ${risks.get(state.risk).words}: ${reason}.`;
      return null;
    }
    const found = Weigh.safer(one, w, s(), r());
    const [before, share, after] = sentenceParts(found.p);
    const strong = make("strong", {textContent: share, className: found.p < 0.5 ? "not" : ""});
    const words = `${before}${share}${after}`;
    if ($("sentence").textContent !== words) $("sentence").replaceChildren(before, strong, after);
    return found;
  }

  function drawCondition(list, left) {
    const line = $("condition");
    if (!list.length) {
      line.textContent = left < told.good ? "Too few worlds are left to say which belief it hangs on."
        : "No single belief that this page can weigh makes a clear difference.";
      return;
    }
    const {world, at, below, above} = list.find((m) => m.turns) || list[0];
    const bold = (text) => make("b", {textContent: text});
    const values = numbers.get(`value/${world.name}`);
    const upper = at >= Weigh.quantile(values, new Float64Array(values.length).fill(1), 0.5);
    const [one, rest] = upper ? [above, below] : [below, above];
    line.replaceChildren("It hangs on what you believe. ", bold(world.question), " If ",
      `${upper ? world.high : world.low} (${upper ? "above" : "below"} ${amount(world, at)}, as in `
      + `${of100(one.size)} of 100 worlds): `, bold(`${of100(one.p)} of 100`), "; otherwise ",
      bold(`${of100(rest.p)} of 100`), ".");
  }

  /* 100 worlds in order of their difference: as many on either side as the sentence says. */
  function hundred(one, w, p) {
    const less = one.share(s(), r()), mine = one.regret(s()), other = one.regret(r());
    const gap = Float64Array.from(mine, (x, i) => 100 * (x - other[i]));
    const fewer = clamp(Math.round(100 * p), 0, 100);
    const side = (values, part, number) => Array.from({length: number}, (_, k) =>
      Weigh.quantile(values, part, (k + 0.5) / number));
    return [
      ...side(gap.map((x) => Math.min(x, 0)), w.map((x, i) => x * less[i]), fewer),
      ...side(gap.map((x) => Math.max(x, 0)), w.map((x, i) => x * (1 - less[i])), 100 - fewer),
    ].map((x, i) => ({x, fewer: i < fewer}));
  }

  function drawDots(one, w, found) {
    $("dots").replaceChildren();
    $("dots-caption").textContent = "";
    if (!found) return;
    const a = structures.get(state.structure).words, b = structures.get(state.against).words;
    const list = hundred(one, w, found.p), width = Math.max($("dots").clientWidth, 260);
    const most = Math.max(...list.map((d) => Math.abs(d.x)), 1e-6);
    const bins = width < 420 ? 16 : 24, size = most / bins, heights = new Map();
    for (const d of list) {
      const step = Math.min(Math.floor(Math.abs(d.x) / size), bins - 1);
      d.bin = (step + 0.5) * size * (d.fewer ? -1 : 1);
      d.high = heights.get(d.bin) || 0;
      heights.set(d.bin, d.high + 1);
    }
    const radius = (width - 40) / bins / 4 * 0.9, tall = Math.max(...heights.values());
    const pitch = Math.min(2.15 * radius, 250 / tall), dot = Math.min(radius, pitch / 2);
    $("dots").append(Plot.plot({
      width, height: Math.max(tall * pitch + 62, 130), marginLeft: 20, marginRight: 20,
      marginTop: 22, marginBottom: 36, style: {background: "none", color: "inherit",
        fontSize: "12px"},
      ariaLabel: `Dot plot of 100 worlds: ${list.filter((d) => d.fewer).length} on the side of `
        + `${a}`,
      x: {domain: [-most, most], label: `difference in the risk of ${risks.get(state.risk).noun}, points`,
        labelAnchor: "center", labelArrow: "none", ticks: width < 420 ? 5 : 9},
      y: {axis: null, domain: [-0.5, Math.max(tall - 0.5, 0.5)]},
      marks: [
        Plot.ruleX([0], {stroke: "currentColor"}),
        Plot.dot(list, {x: "bin", y: "high", r: dot,
          fill: (d) => d.fewer ? "var(--fewer)" : "var(--more)"}),
        Plot.text([`← ${a}: fewer`], {frameAnchor: "top-left", dy: -20, fill: "var(--fewer)",
          fontWeight: 600, fontSize: width < 420 ? 11 : 13}),
        Plot.text([`${b}: fewer →`], {frameAnchor: "top-right", dy: -20, fill: "var(--more)",
          fontWeight: 600, fontSize: width < 420 ? 11 : 13}),
      ],
    }));
    $("dots-caption").textContent = `Each dot is one of 100 worlds: one way in which the `
      + `${told.unknown} numbers that nobody knows may be. The farther from the line, the larger `
      + `the difference over ${told.years} years.`;
  }

  function drawGauge(left) {
    const gauge = $("gauge");
    Object.assign(gauge, {max: told.draws, low: told.least, high: Math.min(told.good, told.draws),
      optimum: told.draws, value: left});
    $("left").textContent = `${Math.floor(left)} of ${told.draws}`;
    gauge.setAttribute("aria-valuetext", $("left").textContent);
    const warning = $("warning"), refused = !(left >= told.least);
    warning.hidden = left >= told.good;
    warning.textContent = refused
      ? `Nothing is said: hardly a world of this run fits these beliefs (${Math.floor(left)}, and `
        + `at least ${told.least} are needed). Move a slider back, or run the study with them.`
      : `Rough: only ${Math.floor(left)} worlds are left that fit these beliefs. With fewer than `
        + `${told.good}, read the numbers with their ranges.`;
    return refused;
  }

  function fact(title, words) {
    return make("div", {}, make("dt", {textContent: title}), make("dd", {textContent: words}));
  }

  function drawFacts(one, w, found) {
    const a = structures.get(state.structure), b = structures.get(state.against);
    const mine = Weigh.level(one, w, s()), other = Weigh.level(one, w, r());
    const facts = [
      fact(`Mean risk of ${risks.get(state.risk).noun} in ${told.years} years`,
        `${percent(mine.mean)} under ${a.words}, ${percent(other.mean)} under ${b.words}`),
      fact("In the worst 5 worlds of 100",
        `over ${percent(mine.high)} under ${a.words}, ${percent(other.high)} under ${b.words}`),
    ];
    if (found) {
      facts.unshift(fact("Worlds with fewer, of 100",
        `${of100(found.p)} (95 % range ${of100(found.low)} to ${of100(found.high)})`));
    }
    if (one.words.ranked) {
      facts.push(
        fact(`Place among ${told.structures.length} (1 is best)`,
          `${plain(mine.rank)} for ${a.words}, ${plain(other.rank)} for ${b.words}`),
        fact(`Above the best of all ${told.structures.length} (regret)`,
          `${plain(100 * mine.regret)} points for ${a.words}, ${plain(100 * other.regret)} for `
          + `${b.words}`),
      );
    }
    $("facts").replaceChildren(...facts);
    $("chance").textContent = `Chance alone (${told.histories} histories in each world) moves a mean `
      + `by ±${plain(100 * 1.96 * Math.max(mine.chance, other.chance))} points.`;
  }

  function drawAlways(left) {
    const moved = shown().some(({name}) => state.moved[name].shift !== 0
      || state.moved[name].spread !== 1);
    $("ignorance").textContent = `Ignorance is the rest: ${told.draws} worlds, of which your beliefs `
      + `leave ${Math.floor(left)}.`;
    $("rule").textContent = `Everybody decides by ${told.rule}; premise: ${told.premise}`
      + `${moved ? ", moved by you" : ""}.`;
  }

  /* ---------------------------------------------------------------- beliefs */

  const WIDTHS = [[1, "as unsure as the run"], [0.7, "surer"], [0.4, "quite sure"]];
  let drawnFor = "";

  function drawSliders() {
    const list = shown(), key = list.map((belief) => belief.name).join();
    if (key !== drawnFor) {
      $("sliders").replaceChildren(...list.map(slider));
      drawnFor = key;
    }
    for (const belief of list) {
      const {shift, spread} = state.moved[belief.name];
      const step = Math.round((shift + told.reach) / told.step);
      const range = $(`move-${belief.name}`), wide = $(`sure-${belief.name}`);
      range.value = step;
      const words = amount(belief, belief.medians[step]);
      $(`is-${belief.name}`).textContent = words;
      range.setAttribute("aria-valuetext", `median ${words}`);
      const options = WIDTHS.some(([x]) => x === spread) ? WIDTHS
        : [...WIDTHS, [spread, `${plain(spread)} as unsure`]];
      wide.replaceChildren(...options.map(([value, text]) =>
        make("option", {value, textContent: text})));
      wide.value = spread;
    }
    if (!list.length) {
      $("sliders").textContent = told.study_missing ? `No beliefs can be moved: ${told.study_missing}`
        : "This run has no belief that can be moved.";
    }
  }

  function slider(belief) {
    const id = `move-${belief.name}`;
    const range = make("input", {type: "range", id, min: 0, max: belief.medians.length - 1, step: 1,
      title: belief.meaning});
    const wide = make("select", {id: `sure-${belief.name}`});
    wide.setAttribute("aria-label", `How sure: ${belief.question}`);
    range.addEventListener("input", () => move(belief.name,
      {shift: +(range.value * told.step - told.reach).toFixed(2)}));
    wide.addEventListener("change", () => move(belief.name, {spread: Number(wide.value)}));
    return make("div", {className: "slider"},
      make("label", {htmlFor: id}, make("span", {textContent: belief.question}),
        make("output", {id: `is-${belief.name}`, ariaLive: "off"})),
      range,
      make("div", {className: "ends"}, make("span", {textContent: `← ${belief.low}`}), wide,
        make("span", {textContent: `${belief.high} →`})));
  }

  function move(name, change) {
    Object.assign(state.moved[name], change);
    state.preset = "";
    later();
  }

  function drawPresets() {
    const button = (name, title) => {
      const found = make("button", {type: "button", textContent: title});
      found.setAttribute("aria-pressed", String(pressed(name)));
      found.addEventListener("click", () => choose(name));
      return found;
    };
    $("presets").replaceChildren(button("", "as the study"),
      ...told.presets.map((preset) => button(preset.name, preset.title)));
    const preset = told.presets.find((one) => one.name === state.preset);
    $("preset-words").textContent = preset ? presetWords(preset) : "";
  }

  function pressed(name) {
    return name ? state.preset === name : !state.preset && shown().every((belief) =>
      state.moved[belief.name].shift === 0 && state.moved[belief.name].spread === 1);
  }

  function choose(name) {
    const preset = told.presets.find((one) => one.name === name);
    state.moved = own();
    for (const [belief, [shift, spread]] of Object.entries(preset ? preset.moved : {})) {
      state.moved[belief] = {shift, spread};
    }
    state.preset = name;
    later();
    [...$("presets").children].find((b) => b.getAttribute("aria-pressed") === "true")?.focus();
  }

  function presetWords(preset) {
    const here = shown().filter(({name}) => name in preset.moved).length;
    const all = Object.keys(preset.moved).length + preset.others.length;
    const set = here ? `Sets ${here} of its ${all} numbers here.`
      : `None of its ${all} numbers is among these sliders.`;
    const rows = preset.played[`${state.flashpoint}/${state.risk}`];
    const [a, b] = [state.structure, state.against].map((name) =>
      (preset.played.structures || []).indexOf(name));
    const found = rows && a >= 0 && b >= 0
      ? ` Played with all of them (${preset.played.draws} worlds): ${of100(rows[a][b])} of 100.` : "";
    return `${preset.description} ${set}${found}`;
  }

  /* ---------------------------------------------------------------- the second screen */

  function drawMinds(list) {
    const item = ({world, at, turn, below, above, turns}) => make("li", {},
      make("span", {className: turns ? "turns" : "", textContent: world.question}),
      ` ${turn ? "Break-even" : "Middle"} ${amount(world, at)}`
      + (turn ? ` (${plain(turn.low)} to ${plain(turn.high)})` : "")
      + `: ${of100(below.p)} of 100 below, ${of100(above.p)} above`
      + (turns ? ": it would change your mind." : "; the answer stays."));
    $("minds").replaceChildren(...(list.length ? list.slice(0, 6).map(item)
      : [make("li", {textContent: "No single number makes a clear difference."})]));
  }

  function axesOf() {
    const names = [...shown().map((b) => b.name), ...worldly.keys()];
    const across = state.across || names[0];
    return [across, state.up || [...new Set(names)].find((name) => name !== across)];
  }

  function drawMap(one, w, carried) {
    const [across, up] = axesOf();
    $("map").replaceChildren();
    $("map-figure").hidden = $("axes").hidden = $("map-title").hidden = !up || !carried;
    if (!up || !carried) return;
    $("across").value = across;
    $("up").value = up;
    const a = structures.get(state.structure).words, b = structures.get(state.against).words;
    const less = one.share(s(), r()), x = numbers.get(`value/${across}`);
    const y = numbers.get(`value/${up}`), top = Math.max(...w);
    const dots = Array.from(one.kept, (draw, i) => ({
      draw, x: x[draw], y: y[draw], less: less[i], fade: 0.06 + 0.84 * Math.sqrt(w[i] / top),
    }));
    one.order = dots.slice().sort((p, q) => p.x - q.x);
    const axis = (name) => ({label: `${worldly.get(name).question} `
      + `${worldly.get(name).unit ? `(${worldly.get(name).unit})` : ""}`,
    type: worldly.get(name).wide ? "log" : "linear", nice: true, labelArrow: "none", ticks: 5});
    const width = Math.max($("map").clientWidth, 260);
    $("map").append(Plot.plot({
      width, height: clamp(width * 0.55, 260, 460), marginLeft: 46, marginTop: 28,
      style: {background: "none", color: "inherit", fontSize: "12px"},
      ariaLabel: "Map of worlds", x: {...axis(across), labelAnchor: "center"}, y: axis(up),
      marks: [
        Plot.dot(dots, {x: "x", y: "y", r: 4, opacity: "fade",
          fill: (d) => d.less >= 0.5 ? "var(--fewer)" : "var(--more)",
          title: (d) => worldWords(d), tip: {fill: "var(--paper)"}}),
        Plot.dot(dots.filter((d) => d.draw === state.world), {x: "x", y: "y", r: 8,
          stroke: "currentColor", strokeWidth: 2}),
      ],
    }));
    $("map-help").textContent = `Each of the ${one.draws} dots is a world: blue where ${a} `
      + `${structures.get(state.structure).plural ? "have" : "has"} fewer `
      + `${risks.get(state.risk).words}, orange where ${b} ${structures.get(state.against).plural
        ? "have" : "has"}. Faint ones hardly fit your beliefs. Point at one, or focus the map and `
      + "press the arrow keys, to read its numbers.";
  }

  function worldWords(d) {
    const one = cellOf(state.risk), i = one.kept.indexOf(d.draw);
    const pair = [state.structure, state.against];
    const lines = told.worlds.filter((world) => !world.owner || pair.includes(world.owner)).map(
      (world) =>
      `${world.question} ${amount(world, numbers.get(`value/${world.name}`)[d.draw])}`);
    const level = (name) => `${structures.get(name).words}: ${percent(one.values[
      structures.get(name).i][i])}`;
    return [`World ${d.draw}. ${capital(risks.get(state.risk).noun)}: ${level(state.structure)}, `
      + `${level(state.against)}`, ...lines].join("\n");
  }

  function stepWorld(event) {
    const step = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1}[event.key];
    const order = cellOf(state.risk).order;
    if (!step || !order) return;
    event.preventDefault();
    const at = order.findIndex((d) => d.draw === state.world);
    const next = order[at < 0 ? 0 : clamp(at + step, 0, order.length - 1)];
    state.world = next.draw;
    $("world").textContent = worldWords(next);
    later();
  }

  function row(cellsOfRow, properties = {}) {
    const [first, ...rest] = cellsOfRow;
    return make("tr", properties, make("th", {scope: "row"}, first),
      ...rest.map((content) => make("td", {}, content)));
  }

  function table(target, headings, rows) {
    const head = make("thead", {}, make("tr", {}, ...headings.map((text) =>
      make("th", {scope: "col", textContent: text}))));
    target.replaceChildren(head, make("tbody", {}, ...rows));
  }

  function bar(share) {
    const inside = make("i");
    inside.style.width = `${100 * share}%`;
    const found = make("span", {className: "bar"}, inside);
    found.setAttribute("aria-hidden", "true");
    return make("span", {}, found, ` ${of100(share)}`);
  }

  function drawRisks(w) {
    const a = structures.get(state.structure).words, b = structures.get(state.against).words;
    table($("risks"), ["Of 100 worlds", `${a}: fewer in`, "95 % range", `mean, ${a}`, `mean, ${b}`,
      `worst 5 of 100, ${a}`, `worst 5 of 100, ${b}`], told.risks.map((risk) => {
      const one = cellOf(risk.name), kept = Weigh.keptWeights(one, w), why = reasonOf(one);
      const mine = Weigh.level(one, kept, s()), other = Weigh.level(one, kept, r());
      const found = Weigh.safer(one, kept, s(), r());
      return row([capital(risk.noun), why || bar(found.p),
        why ? "" : `${of100(found.low)} to ${of100(found.high)}`, percent(mine.mean),
        percent(other.mean), percent(mine.high), percent(other.high)]);
    }));
  }

  function drawAll(one, w) {
    const b = structures.get(state.against).words, risk = risks.get(state.risk);
    $("all-title").textContent = `All structures: risk of ${risk.noun}`;
    const ranked = one.words.ranked;
    table($("all"), ["Structure", `fewer than ${b}, of 100`, "mean", "worst 5 of 100",
      "fewest of all, of 100", "most of all, of 100", "mean place", "regret, points"],
    told.structures.map((structure, k) => {
      const level = Weigh.level(one, w, k), why = one.words.reasons[r()][k];
      const share = k === r() ? "" : why || bar(Weigh.safer(one, w, k, r()).p);
      const ranks = ranked ? [of100(level.least), of100(level.most), plain(level.rank),
        plain(100 * level.regret)] : ["-", "-", "-", "-"];
      const chosen = k === s() || k === r();
      return row([structure.title, share, percent(level.mean), percent(level.high), ...ranks],
        {className: chosen ? "chosen" : ""});
    }));
  }

  /* ---------------------------------------------------------------- the third: stories */

  let histories = null;
  const KINDS = {near_miss: "a near miss (limited clash)", war: "war without the great power",
    great_power_war: "war with the great power", nuclear_use: "the use of nuclear weapons"};

  async function openStories() {
    if (histories) return;
    histories = [];
    const bytes = (await Weigh.unpack(read("histories-data"))).get("stories");
    histories = JSON.parse(new TextDecoder().decode(bytes));
    if (!histories.length) { $("stories").hidden = true; return; }
    const names = Object.keys(histories[0].kinds);
    const entries = names.map((name) => structures.get(name));
    for (const id of ["left-structure", "right-structure"]) fill($(id), entries, (e) => e.label);
    $("left-structure").value = names[0];
    $("right-structure").value = names[1];
    fill($("kind"), told.kinds.map((name) => ({name})), (e) => KINDS[e.name]);
    $("kind").value = "war";
    $("stories-note").textContent = `${histories.length} histories at `
      + `${told.flashpoints[0].words}, played again from this run. They were picked because `
      + "something happens in them, so they do not show how often it does. The same number means "
      + "the same world and the same dice.";
    drawHistories();
  }

  function drawHistories() {
    const left = $("left-structure").value, kind = $("kind").value;
    const list = histories.map((history, i) => ({name: String(i), history}))
      .filter(({history}) => history.kinds[left] === kind);
    fill($("history"), list, ({history}) => `world ${history.draw}, history ${history.trajectory}`);
    drawStory();
  }

  function drawStory() {
    const history = histories[Number($("history").value)];
    const sides = [$("left-structure").value, $("right-structure").value];
    $("told").replaceChildren(...($("history").value === "" ? [make("p", {textContent:
      "None was found among those that were searched."})]
      : sides.map((name) => story(history, name))));
  }

  function story(history, name) {
    const brief = $("brief").checked, title = structures.get(name).title;
    const lines = history.lines[name].filter((line) => !(brief && / stays out \(/.test(line)));
    const kind = history.kinds[name];
    return make("article", {className: "story"},
      make("h3", {textContent: title}),
      make("p", {className: "note", textContent: kind ? `It comes to ${KINDS[kind]}.`
        : "It comes to no clash."}),
      make("ol", {tabIndex: 0, ariaLabel: `History under ${title}`}, ...lines.map((line) =>
        make("li", {className: /^Year.* opens a /.test(line) ? "opens"
          : /Immediate deterrence|It failed/.test(line) ? "ends-here" : ""}, ...dated(line)))));
  }

  function dated(line) {
    const [, date, text] = /^\s*((?:day|Year) \d+(?:, month \d+)?)\s+(.*)$/.exec(line)
      || [null, "", line];
    return [make("span", {className: "date", textContent: date}), text];
  }

  /* ---------------------------------------------------------------- all of it */

  function draw() {
    for (const name of ["flashpoint", "structure", "against", "risk"]) $(name).value = state[name];
    for (const [id, other] of [["structure", "against"], ["against", "structure"]]) {
      for (const option of $(id).options) option.disabled = option.value === state[other];
    }
    drawSliders();
    drawPresets();
    const {w, left} = weighed(), refused = drawGauge(left);
    document.body.dataset.left = String(left);
    for (const id of ["condition", "facts", "dots-figure", "worlds"]) $(id).hidden = refused;
    drawAlways(left);
    if (refused) {
      $("sentence").textContent = "Nothing can be said for these beliefs.";
      $("chance").textContent = "";
      return;
    }
    const one = cellOf(state.risk), kept = Weigh.keptWeights(one, w);
    const found = drawSentence(one, kept);
    const list = found ? minds(one, kept) : [];
    drawCondition(list, left);
    drawDots(one, kept, found);
    drawFacts(one, kept, found);
    drawMinds(list);
    drawMap(one, kept, Boolean(found));
    drawRisks(w);
    drawAll(one, kept);
  }

  let waiting = 0;
  function later() {
    link();
    if (!waiting) waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
  }

  fill($("flashpoint"), told.flashpoints, (e) => e.label);
  for (const id of ["structure", "against"]) {
    fill($(id), told.structures, (e) => e.label);
    for (const option of $(id).options) option.title = structures.get(option.value).title;
  }
  fill($("risk"), told.risks, (e) => e.words);
  for (const id of ["across", "up"]) fill($(id), told.worlds, (e) => e.question);
  for (const name of ["flashpoint", "structure", "against", "risk", "across", "up"]) {
    $(name).addEventListener("change", () => { state[name] = $(name).value; later(); });
  }
  for (const id of ["left-structure", "kind"]) $(id).addEventListener("change", drawHistories);
  for (const id of ["right-structure", "history", "brief"]) {
    $(id).addEventListener("change", drawStory);
  }
  for (const form of document.forms) form.addEventListener("submit", (e) => e.preventDefault());
  $("map-figure").addEventListener("keydown", stepWorld);
  addEventListener("hashchange", () => { restore(); draw(); });
  addEventListener("resize", () => { if (!waiting) waiting = requestAnimationFrame(() => {
    waiting = 0; draw(); }); });
  restore();
  draw();
  document.body.dataset.ready = "yes";
  await openStories();
  document.body.dataset.told = "yes";
})();
