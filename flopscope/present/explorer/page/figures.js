// The figures: bars, a curve with a budget, the frontier.

/** Sums of rows by stage or by kind: [[group, amount], …], in the order of the network. */
function groups(counts, quantity) {
  const sums = new Map();
  QUANTITIES[quantity].each(counts).forEach((amount, i) => {
    const row = counts.rows[i];
    const group = page.by === "kind" ? row.kind.name : row.path.split(".")[0];
    sums.set(group, (sums.get(group) ?? (typeof amount === "bigint" ? 0n : 0)) + amount);
  });
  return [...sums].filter(([, amount]) => amount != 0);
}

function drawBars(found) {
  const rows = found.flatMap(({ counts, i }) => (counts ? [{ i, parts: groups(counts, page.parts) }] : []));
  const names = [...new Set(rows.flatMap(({ parts }) => parts.map(([name]) => name)))];
  const sums = rows.map(({ parts }) => parts.reduce((a, [, n]) => a + Number(n), 0)), most = Math.max(1, ...sums);
  const high = 34 * rows.length + 8;
  const svg = s("svg", { id: "bars-chart", class: "chart", viewBox: `0 0 ${WIDE} ${Math.max(high, 40)}`, role: "img",
    "aria-label": `${QUANTITIES[page.parts].words()} by ${page.by}` });
  rows.forEach(({ i, parts }, at) => {
    let from = 0;
    const across = linear(0, page.scale === "shares" ? sums[at] || 1 : most, 34, WIDE - 70);
    const y = 34 * at + 6;
    svg.append(s("text", { class: "letter", x: 8, y: y + 18, style: `fill:var(--c${i % 8})` }, letter(i)));
    for (const [name, amount] of parts) {
      const part = names.indexOf(name), width = across(from + Number(amount)) - across(from);
      const box = s("g", {}, s("title", {}, `${letter(i)} ${name}: ${exactText(amount)}`),
        s("rect", { class: `part part${part % 12}`, x: across(from), y, width: Math.max(width, 0.5), height: 26 }));
      if (width > 8 * name.length + 10)
        box.append(s("text", { class: `within within${part % 12}`, x: across(from) + 6, y: y + 17 }, name));
      svg.append(box);
      from += Number(amount);
    }
    svg.append(s("text", { class: "tick", x: across(from) + 6, y: y + 17 }, shortText(from)));
  });
  const legend = h("ul", { class: "legend" }, names.map((name, part) =>
    h("li", {}, h("span", { class: `swatch part${part % 12}` }), name)));
  show("bars", rows.length ? [svg, legend, pictureButtons("bars-chart", "flopscope-parts")] : h("p", {}, "Nothing to draw."));
}

/** How far a curve goes: to twice and a half its usual size, and on where the design is. */
function reach(size, at) {
  let high = Math.min(size.most, Math.max(2.5 * size.usual, size.whole ? 16 : 2.5));
  while (high < at) high *= 2;
  return size.whole ? Math.ceil(high) : high;
}

/** The places along an axis: every integer where they are few, else about 160. */
function along(size, high) {
  if (!size.whole) return Array.from({ length: 146 }, (_, k) => Number((0.1 + (k * (high - 0.1)) / 145).toFixed(3)));
  const low = Math.max(1, size.least), step = Math.max(1, Math.ceil((high - low) / 160));
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, k) => low + k * step);
}

/** The sizes with one moved; the resolution moves both sides of the image. */
const moved = (sizes, axis, value) =>
  (axis === "res" ? { ...sizes, H: value, W: value } : { ...sizes, [sizeName(axis)]: value });

/** The axis of a size. An argument of one's own code, as `width`, may mean something else than the
 *  catalogue's option of that name, and so has an axis of its own. */
const axisOf = (network, name) => (network.own.has(name) ? `${OWN_AXIS}${name}` : name);
const OWN_AXIS = "own ";
const isOwn = (axis) => axis.startsWith(OWN_AXIS);
const sizeName = (axis) => (axis === "res" ? "H" : isOwn(axis) ? axis.slice(OWN_AXIS.length) : axis);

function axes() {
  const names = new Set();
  for (const { network } of page.designs) {
    if (network.image) names.add("res");
    for (const name of network.free.keys()) if (!(network.image && ["H", "W"].includes(name))) names.add(axisOf(network, name));
  }
  return [...names];
}
const axisSize = (network, axis) => (network.own.has(sizeName(axis)) === isOwn(axis) ? network.free.get(sizeName(axis)) : undefined);
const axisWords = (axis) =>
  ({ res: "resolution, pixels", width: "width multiplier", depth: "depth multiplier" })[axis] ?? (isOwn(axis) ? `argument ${sizeName(axis)}` : sizeWords(axis));

const curves = new Map();

/** A curve along an axis, whose amounts are counted little by little: while a slider moves, one
 *  place in eight. It is kept, as it stays while that axis alone moves. */
class Curve {
  constructor(places, count) {
    Object.assign(this, { places, count, amounts: [], done: false });
    places.forEach((_, k) => { if (k % 8 === 0 || k === places.length - 1) this.add(k); });
  }

  add(k) {
    if (this.amounts[k] !== undefined) return;
    const amount = this.count(this.places[k]);
    this.amounts[k] = Number.isNaN(amount) ? null : amount;
  }

  /** Counts on until this time. */
  go(until) {
    for (let k = 0; k < this.places.length; k += 1) {
      if (performance.now() > until) return;
      this.add(k);
    }
    this.done = true;
  }

  /** [place, amount] where it is counted; null where there is none. */
  get points() {
    return this.places.flatMap((place, k) => (this.amounts[k] === undefined ? [] : [[place, this.amounts[k]]]));
  }
}

const missing = { timer: 0 };
/** Counts the rest of these curves once the sliders rest, and draws them. */
function finish(unfinished) {
  clearTimeout(missing.timer);
  if (!unfinished.length) return;
  const some = () => {
    const until = performance.now() + 12;
    for (const curve of unfinished) curve.go(until);
    if (unfinished.every(({ done }) => done)) drawCurve();
    else missing.timer = setTimeout(some, 4);
  };
  missing.timer = setTimeout(some, 60);
}

function curveOf(network, sizes, axis, size, high) {
  const others = moved(sizes, axis, high);
  const key = [network.name, axis, page.curve, page.convention, page.width, page.device, JSON.stringify(others)].join();
  if (!curves.has(key)) {
    if (curves.size > 300) curves.clear();
    const { of } = QUANTITIES[page.curve];
    curves.set(key, new Curve(along(size, high), (value) => {
      const { counts } = counted(network, moved(sizes, axis, value));
      return counts ? Number(of(counts)) : NaN;
    }));
  }
  return curves.get(key);
}

function drawCurve() {
  const known = axes(), axis = known.includes(page.axis) ? page.axis : known[0];
  if (!axis) return show("curve", h("p", {}, "None of these networks has a free size, so there is no curve to draw."));
  const far = Math.max(...page.designs.map(({ network, sizes }) => { const size = axisSize(network, axis); return size ? reach(size, sizes[size.name]) : 0; }));
  const of = QUANTITIES[page.curve], lines = page.designs.map(({ network, sizes }, i) => {
    const size = axisSize(network, axis);
    if (!size) return { i, points: [] };
    const curve = curveOf(network, sizes, axis, size, far);
    return { i, curve, points: curve.points, here: sizes[size.name] };
  });
  const unfinished = lines.flatMap(({ curve }) => (curve && !curve.done ? [curve] : []));
  finish(unfinished);
  if (!lines.some(({ points }) => points.some(([, y]) => y !== null))) return show("curve", h("p", {}, "None of these networks has this cost at any size of this axis."));
  const log = page.axes === "logarithmic";
  if (log) for (const line of lines) line.points = line.points.map(([x, y]) => [x, y > 0 ? y : null]);
  const there = lines.flatMap(({ points }) => points.filter(([, y]) => y !== null));
  if (!there.length) return show("curve", h("p", {}, "Nothing of this is above zero, which is what logarithmic axes can show."));
  const xs = there.map(([x]) => x), ys = there.map(([, y]) => y);
  const high = Math.max(...ys, page.budget ? Math.min(page.budget, 2 * Math.max(...ys)) : 0) || 1;
  const title = `${of.words()} against ${axisWords(axis)}`;
  const low = log ? Math.min(...ys, page.budget || Infinity) / 1.2 : 0, said = log ? " (logarithmic)" : "";
  const { svg, across, up, amountAt } = frame("curve-chart", title,
    { low: Math.min(...xs), high: Math.max(...xs), words: `${axisWords(axis)}${said}`, log },
    { low, high: high * 1.05, words: `${of.words()}${said}`, log });
  for (const { i, points, here } of lines) {
    svg.append(s("path", { class: "curve", d: steps(points, across, up), style: `stroke:var(--c${i % 8})`, "stroke-dasharray": DASHES[i % 8] },
      s("title", {}, `${letter(i)} ${page.designs[i].network.name}`)));
    const at = points.reduce((a, b) => (here !== undefined && Math.abs(b[0] - here) < Math.abs(a[0] - here) ? b : a), points[0] ?? [0, null]);
    if (at[1] !== null) svg.append(mark(i, across(at[0]), up(at[1])));
  }
  const budget = page.budget || (log ? Math.sqrt(low * high) : high * 0.5);
  svg.setAttribute("role", "group"); // an image may hold nothing that the keyboard reaches
  svg.append(budgetLine(budget, up, high, amountAt));
  show("curve", svg, pictureButtons("curve-chart", "flopscope-curve"));
  if (unfinished.length && page.budget) return; // its answers come with the rest of the curves
  show("budget-answers", page.budget ? answersWithin(axis, of, lines) : h("li", {}, "Drag the dashed line, or write a budget, to see the largest network that keeps it."));
}

const mark = (i, x, y) => s("g", {}, s("circle", { class: "dot", cx: x, cy: y, r: 8, style: `fill:var(--c${i % 8})` }),
  s("text", { class: "on-dot", x, y: y + 3.5, "text-anchor": "middle" }, letter(i)));

/** A line that the pointer or the arrow keys move. */
function budgetLine(budget, up, high, amountAt) {
  const y = up(Math.min(budget, high * 1.05));
  const rounded = (value) => (page.curve === "time" ? Number(Math.max(0.001, value).toPrecision(3)) : Math.max(1, Math.round(value)));
  const set = (value) => { page.budget = rounded(value); $id("budget").value = budgetText(); changed(); $id("budget-line")?.focus(); };
  const line = s("g", { id: "budget-line", class: "budget", tabindex: 0, role: "slider", "aria-label": "budget", "aria-orientation": "vertical",
    "aria-valuemin": 0, "aria-valuemax": high, "aria-valuenow": budget, "aria-valuetext": shortText(budget) + unit(page.curve),
    onkeydown: (event) => {
      const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (by) { event.preventDefault(); set(budget + (by * high) / 100); }
    },
    onpointerdown: (event) => {
      event.preventDefault();
      const svg = event.target.ownerSVGElement;
      const move = (e) => {
        const box = $id("curve-chart").getBoundingClientRect(), at = ((e.clientY - box.top) / box.height) * HIGH;
        set(Math.max(0, amountAt(at)));
      };
      const stop = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", stop); };
      addEventListener("pointermove", move); addEventListener("pointerup", stop);
      return svg;
    } },
    s("rect", { x: LEFT, y: y - 9, width: WIDE - LEFT - RIGHT, height: 18, fill: "transparent" }),
    s("line", { x1: LEFT, x2: WIDE - RIGHT, y1: y, y2: y }),
    s("text", { x: WIDE - RIGHT + 4, y: y + 4 }, page.budget ? budgetText() : "budget"));
  return line;
}

/** For each design, the largest place along the axis whose cost keeps the budget. */
function answersWithin(axis, of, lines) {
  return lines.map(({ i, points }) => {
    const { network, sizes } = page.designs[i], size = axisSize(network, axis);
    const beyond = points.length && points.at(-1)[1] <= page.budget ? farther(network, sizes, axis, size, points.at(-1)[0], of) : [];
    const every = [...points, ...beyond], within = every.filter(([, y]) => y !== null && y <= page.budget);
    const who = [badge(i), ` ${network.name}: `];
    if (!points.length) return h("li", {}, who, `it has no free ${axisWords(axis)}.`);
    if (!within.length) return h("li", {}, who, "no size on this axis keeps the budget.");
    const [value, amount] = largest(network, sizes, axis, of, within.at(-1)[0], every);
    return h("li", {}, who, h("strong", {}, axis === "res" ? `${value} px` : `${axisWords(axis)} ${value}`), ` with ${exactText(amount)}${unit(page.curve)} `,
      h("button", { type: "button", onclick: () => { page.designs[i].sizes = moved(sizes, axis, value); changed(true); } }, "take it"));
  });
}

/** Points from the end of a curve to the end of its slider, where the budget allows more than the
 *  curve shows. */
function farther(network, sizes, axis, size, from, of) {
  return along(size, Math.max(size.most, from)).filter((value) => value > from).map((value) => {
    const { counts } = counted(network, moved(sizes, axis, value)), amount = counts ? Number(of.of(counts)) : NaN;
    return [value, Number.isNaN(amount) ? null : amount];
  });
}

/** The largest integer, or hundredth, from a place that keeps the budget on. */
function largest(network, sizes, axis, of, from, points) {
  const { whole } = axisSize(network, axis), step = whole ? 1 : 0.01;
  const cost = (value) => { const { counts } = counted(network, moved(sizes, axis, value)); return counts ? of.of(counts) : null; };
  const next = points.find(([x]) => x > from)?.[0] ?? from;
  let best = [from, cost(from)];
  for (let value = from + step; value < next; value += step) {
    const at = whole ? value : Number(value.toFixed(2)), amount = at > from ? cost(at) : null;
    if (amount !== null && Number(amount) <= page.budget) best = [at, amount];
  }
  return best;
}
