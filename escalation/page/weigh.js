"use strict";
/* What the page computes: the same as escalation/analysis/reweighting.py, which says what it means.
   It touches no element of the page, so that tests can hold it against Python by itself. */
const Weigh = (() => {
  const PARTS = 32, TIES = 840, Z2 = 1.959963984540054 ** 2;
  const TYPES = {u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array,
    f8: Float64Array};

  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.deflated), (sign) => sign.charCodeAt(0));
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const buffer = await new Response(inflated).arrayBuffer();
    const found = new Map();
    for (const {name, type, shape, at} of packed.arrays) {
      const size = shape.reduce((a, b) => a * b, 1);
      found.set(name, new TYPES[type](buffer, at, size));
    }
    return found;
  }

  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const dot = (a, b) => { let s = 0; for (let i = 0; i < a.length; i++) s += a[i] * b[i]; return s; };
  const effective = (w) => sum(w) ** 2 / dot(w, w);

  /* beliefs: a list of {scores, shift, spread}. */
  function weights(draws, beliefs) {
    const logs = new Float64Array(draws);
    for (const {scores, shift, spread} of beliefs) {
      for (let i = 0; i < draws; i++) {
        const z = scores[i];
        logs[i] += 0.5 * (z * z - ((z - shift) / spread) ** 2) - Math.log(spread);
      }
    }
    return normalised(logs.map((value) => Math.exp(value - Math.max(...logs))));
  }

  function normalised(w) {
    const total = sum(w);
    return w.map((value) => value / total);
  }

  function quantile(values, weights, chance) {
    const order = [...values.keys()].filter((i) => weights[i] > 0)
      .sort((a, b) => values[a] - values[b] || a - b);
    const middle = [];
    let before = 0;
    for (const i of order) { middle.push(before + weights[i] / 2); before += weights[i]; }
    const first = middle[0], reach = middle[middle.length - 1] - first;
    if (!(reach > 0)) return values[order[0]];
    const at = chance * reach + first;
    let k = 1;
    while (k < order.length - 1 && middle[k] < at) k++;
    const [x0, x1] = [middle[k - 1], middle[k]];
    const [y0, y1] = [values[order[k - 1]], values[order[k]]];
    return x1 > x0 ? y0 + (y1 - y0) * (at - x0) / (x1 - x0) : y1;
  }

  /* One risk at one flashpoint: `words` as in page_numbers._words_of, arrays by draw. */
  function cell(words, numbers, key, structures) {
    const get = (name) => numbers.get(`${key}/${name}`);
    const kept = get("kept"), draws = kept.length;
    const [hits, trials, less, least, most, regret] =
      ["hits", "trials", "less", "least", "most", "regret"].map(get);
    const row = (array, s) => array.subarray(s * draws, (s + 1) * draws);
    const values = [];
    for (let s = 0; s < structures; s++) {
      const h = row(hits, s), t = row(trials, s);
      values.push(Float64Array.from(h, (x, i) => x / t[i]));
    }
    const pair = (s, t) => s * structures - s * (s + 1) / 2 + (t - s - 1);
    function share(s, t) {
      if (s === t) return new Float64Array(draws).fill(0.5);
      const found = Float64Array.from(row(less, s < t ? pair(s, t) : pair(t, s)),
        (x) => x / PARTS);
      return s < t ? found : found.map((x) => 1 - x);
    }
    return {
      words, kept, draws, structures, values, share,
      regret: (s) => row(regret, s),
      least: (s) => Float64Array.from(row(least, s), (x) => x / (PARTS / 2 * TIES)),
      most: (s) => Float64Array.from(row(most, s), (x) => x / (PARTS / 2 * TIES)),
    };
  }

  const keptWeights = (one, w) => normalised(Float64Array.from(one.kept, (i) => w[i]));

  /* In which share of worlds structure s has less than r, with its 95 % interval. */
  function safer(one, w, s, r) {
    const less = one.share(s, r), n = effective(w), p = dot(less, w);
    const centre = (p + Z2 / (2 * n)) / (1 + Z2 / n);
    const half = Math.sqrt(Z2 * p * (1 - p) / n + Z2 ** 2 / (4 * n * n)) / (1 + Z2 / n);
    return {p, low: p === 0 ? 0 : centre - half, high: p === 1 ? 1 : centre + half};
  }

  /* What is known of one structure by itself and among all. */
  function level(one, w, s) {
    const values = one.values[s], mean = dot(values, w);
    const raw = quantile(values, w, 0.95), median = quantile(values, w, 0.5);
    let rank = 0.5;
    for (let t = 0; t < one.structures; t++) rank += 1 - dot(one.share(s, t), w);
    return {
      mean, chance: Math.sqrt(one.words.noise[s] * dot(w, w)),
      high: raw > 0 ? Math.max(mean + one.words.factor[s] * (raw - mean), median) : 0,
      least: dot(one.least(s), w), most: dot(one.most(s), w), rank, regret: dot(one.regret(s), w),
    };
  }

  /* As Python's f"{x:.{digits}f}", which rounds halves to even. */
  function fixed(x, digits) {
    const scale = 10 ** digits, scaled = Math.abs(x) * scale, whole = Math.floor(scaled);
    if (scaled - whole === 0.5 && Number.isInteger(x * 2 ** (digits + 1))) {
      const even = (whole + whole % 2) / scale;
      return (x < 0 ? "-" : "") + even.toFixed(digits);
    }
    return x.toFixed(digits);
  }

  /* As plain_number and of_100 in escalation/report/text.py. */
  function plain(x) {
    if (!Number.isFinite(x)) return "-";
    const size = Math.abs(x);
    if (size === 0) return "0";
    if (size >= 1e5 || size < 0.00095) {
      return x.toExponential(0).replace("+", "");
    }
    if (size >= 99.95) return fixed(x, 0);
    if (size >= 9.95) return fixed(x, 1);
    if (size < 0.00995) return fixed(x, 3);
    return fixed(x, 1 - Math.floor(Math.log10(Number(size.toExponential(1)))));
  }

  function of100(share) {
    if (share > 0.995) return "over 99";
    return share < 0.005 ? "under 1" : fixed(100 * share, 0);
  }

  return {unpack, weights, effective, quantile, cell, keptWeights, safer, level, plain, of100, sum,
    dot};
})();
if (typeof module !== "undefined") module.exports = Weigh;
