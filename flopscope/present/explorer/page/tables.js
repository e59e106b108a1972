// The table of designs, the layers of one, two compared, and what can be copied.

const bytesText = (n) => threeDigits(Number(n) / 1e6);

const everyColumn = () => page.columns === "all";

/** The columns of the table. A column that is no integer has a `plain` text, which differences use. */
const ALL_COLUMNS = [
  { key: "work", heading: () => workWords(), of: (c) => c.total("work", page.convention), text: exactText, known: (c) => c.known(page.convention) },
  { key: "params", heading: () => "Params", of: (c) => c.total("params"), text: exactText },
  { key: "activations", heading: () => "Activations", of: (c) => c.total("activations"), text: exactText },
  { key: "weight_bytes", heading: () => `Weights, MB ${typeName()}`, of: (c) => c.total("bytes", page.width), text: bytesText },
  { key: "weight_bytes_int4", heading: () => "Weights, MB int4", of: (c) => c.total("int4"), text: bytesText },
  { key: "peak_bytes", heading: () => `Peak, MB ${typeName()}`, of: (c) => c.peak(page.width), text: bytesText },
  { key: "memory_bytes", heading: () => `Memory, MB ${typeName()}`, of: (c) => c.memory(page.width), text: bytesText },
  { key: "traffic_bytes", heading: () => `Traffic, MB ${typeName()}`, of: (c) => c.traffic(page.width), text: bytesText, shown: everyColumn },
  { key: "energy_fj", heading: () => `Energy, mJ ${typeName()}`, of: (c) => c.energy(page.width, page.energy), text: (n) => threeDigits(Number(n) / 1e12), known: (c) => c.known(0), shown: everyColumn },
  { key: "time_ms", heading: () => "Time, ms (90 %)", of: timeOf, text: timeAndInterval, plain: timeText, below: intervalText, shown: () => Boolean(deviceHere()) },
];

/** The published milliseconds of a design on the device: [its row of the data, its source]. */
const measuredHere = ({ network, sizes }) => (deviceHere() ? network.measuredAt(sizes, page.devices.indexOf(deviceHere())) : undefined);
const columns = () => ALL_COLUMNS.filter(({ shown }) => !shown || shown());

/** The metrics other than top-1 by which some design is published, each with the place of its value
 *  among the scores of each design. */
function metricsOf(found) {
  const scores = found.map(({ design, counts }) => (counts ? design.network.scoresAt(design.sizes) : []));
  return page.metrics.flatMap(([key, words, unit], metric) => {
    const values = scores.map((each) => each.find(([, , , place]) => place === metric));
    return values.some(Boolean) ? [{ key, words, unit, values }] : [];
  });
}

/** A row for each of these metrics, a column for each design that has one. */
function scoresTable(found, metrics, cited) {
  if (!metrics.length) return null;
  const some = found.filter((_, at) => metrics.some(({ values }) => values[at]));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "published by other metrics" }, h("table", { class: "scores-table" },
    h("caption", {}, "Published by other metrics. A value of one metric is never ranked beside one of another, nor beside a top-1."),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Metric"), some.map(({ i }) => h("th", { scope: "col" }, badge(i))))),
    h("tbody", {}, metrics.map(({ words, unit, values }) => h("tr", {}, h("th", { scope: "row" }, `${words}, ${unit}`), some.map(({ i }) =>
      h("td", {}, values[i] ? [values[i][4], cited(values[i][5])] : "–")))))));
}

function drawTable(found) {
  const sources = [], timed = found.some(({ design }) => measuredHere(design)), shown = columns();
  const cited = (source) => { if (!sources.includes(source)) sources.push(source); return h("sup", {}, sources.indexOf(source) + 1); };
  const body = found.map(({ design, counts, refusal, i }) => {
    const name = h("th", { scope: "row" }, badge(i), ` ${design.network.name}`, h("small", {}, sizesText(design)));
    if (refusal) return h("tr", { class: "refused" }, name, h("td", { colspan: shown.length + 1 + timed }, `This network does not exist here: ${refusal}.`));
    const top1 = design.network.publishedAt(design.sizes), measured = measuredHere(design);
    return h("tr", {}, name, shown.map(({ of, text, known, heading, plain, below }) => {
      const value = of(counts);
      return h("td", { title: exactText(value), "data-label": heading() }, h("span", {}, known && !known(counts) ? "≥ " : "", (plain ?? text)(value), below ? h("small", { class: "below" }, below(value)) : null));
    }), timed ? h("td", { "data-label": "Measured, ms" }, h("span", {}, measured ? [timeText(measured[5]), cited(measured[6])] : "–")) : null, h("td", { "data-label": "Top-1 %", title: top1 ? `${top1[4]}: ${top1[5]}` : "nothing is published of these sizes" },
      h("span", {}, top1 ? [top1[3], cited(top1[5])] : "–")));
  });
  const scores = scoresTable(found, metricsOf(found), cited);
  show("table", h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "costs of the designs" }, h("table", { class: "designs-table" },
    h("caption", {}, `${page.conventions[page.convention].name}: ${page.conventions[page.convention].counts}.`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Network"), shown.map(({ heading }) => h("th", { scope: "col" }, heading())),
      timed ? h("th", { scope: "col" }, "Measured, ms") : null, h("th", { scope: "col" }, "Top-1 %"))), h("tbody", {}, body))), scores,
    sources.length ? h("ol", { class: "sources quiet" }, sources.map((text) => h("li", {}, text))) : null,
    h("p", { class: "quiet" }, "A published accuracy or latency is shown only at the sizes for which it was published."), everyColumn() ? h("p", { class: "quiet" }, page.energy.caution) : null, aboutTimes(found));
}

/** Where the predicted times hold, and of which designs to believe them less. */
function aboutTimes(found) {
  const device = deviceHere();
  if (!device) return null;
  const warned = found.flatMap(({ design, counts, i }) => {
    const refused = counts && refusedBy(design.network, device);
    const said = !counts ? [] : refused ? [`has no time here: ${refused}`] : unlikeness(counts, device, design.sizes);
    return said.map((text) => h("li", {}, badge(i), ` ${design.network.name} ${text}.`));
  });
  return h("div", {}, warned.length ? h("ul", { class: "warnings" }, warned) : null,
    h("details", { class: "quiet", open: page.trusted, ontoggle: (event) => { page.trusted = event.target.open; } },
      h("summary", {}, `Times are predicted on ${device.name}, not measured`), h("p", {}, device.words)));
}

const shapeText = (shape) => shape.map(String).join("×");

function drawLayers(found) {
  page.layers = Math.min(page.layers, page.designs.length - 1);
  const { counts, refusal, design } = found[page.layers];
  show("layers-choice", choice("layers", "Network", designOptions(), () => changed()));
  if (!counts) return show("layers", h("p", {}, `${refusal}.`));
  const works = counts.each("work", page.convention), all = Number(counts.total("work", page.convention)) || 1;
  const [params, acts] = [counts.each("params"), counts.each("activations")], times = deviceHere() && QUANTITIES.time.each(counts);
  const rows = counts.rows.flatMap((row, i) => (counts.repeats[i] == 0 ? [] : [h("tr", {},
    h("th", { scope: "row" }, row.path, counts.repeats[i] == 1 ? "" : ` (${counts.repeats[i]} times)`), h("td", { class: "text" }, row.kind.name),
    h("td", {}, shapeText(counts.shape(i))), h("td", {}, exactText(params[i])), h("td", {}, exactText(works[i])),
    h("td", {}, ((100 * Number(works[i])) / all).toFixed(1)), h("td", {}, exactText(acts[i])), times ? h("td", {}, times[i] ? timeText(times[i]) : "–") : null)]));
  show("layers", h("div", { class: "wide tall", tabindex: 0, role: "region", "aria-label": `layers of ${design.network.name}` }, h("table", {},
    h("thead", {}, h("tr", {}, ["Layer", "Kind", "Output", "Params", workWords(), "%", "Activations", ...(times ? ["Time, ms"] : [])].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, rows))),
    times ? h("p", { class: "quiet" }, `A layer without a time runs as part of the one before it on ${deviceHere().name}.`) : null);
}

const designOptions = () => page.designs.map((design, i) => [i, `${letter(i)} ${design.network.name} ${sizesText(design)}`]);

const typeset = {};

function drawFormula(found) {
  page.formula = Math.min(page.formula, page.designs.length - 1);
  const { design, counts, refusal } = found[page.formula], { network, sizes } = design;
  show("formula-choice", choice("formula", "Network", designOptions(), () => changed()),
    choice("of", "Of", [["macs", "MACs (macs)"], ["params", "parameters"]], () => changed()));
  const [lets, [text]] = network.formulas[page.of];
  if (typeset.network !== network || typeset.of !== page.of) {
    const written = new Typeset(lets, page.letters);
    Object.assign(typeset, { network, of: page.of, parts: [h("div", { class: "maths lines", tabindex: 0, role: "region", "aria-label": "in letters" }, written.lines(text)),
      h("div", { class: "maths columns" }, written.definitions())] });
  }
  const parts = [...typeset.parts,
    h("p", {}, h("b", {}, "It holds for "), `${network.domain}.`)];
  if (counts) {
    const numbers = { ...sizes, ...network.filled(page.of, sizes) };
    const total = page.of === "macs" ? counts.total("work", 0) : counts.total("params");
    parts.push(h("h3", {}, "With the numbers filled in"), h("div", { class: "maths lines small", tabindex: 0, role: "region", "aria-label": "in numbers" }, new Typeset(lets, page.letters, numbers).lines(text)),
      h("p", { class: "equals" }, "= ", h("strong", {}, exactText(total))));
  } else parts.push(h("p", { class: "refusal" }, `${refusal}.`));
  show("formula", parts);
}

function drawDiff(found) {
  if (page.designs.length < 2) return show("diff", h("p", {}, "Choose a second network, or copy a design, to compare two."));
  for (const side of ["before", "after"]) page[side] = Math.min(page[side], page.designs.length - 1);
  const [a, b] = [found[page.before], found[page.after]];
  const choices = h("div", { class: "choices" }, choice("before", "From", designOptions(), () => changed()), choice("after", "To", designOptions(), () => changed()));
  if (!a.counts || !b.counts) return show("diff", choices, h("p", {}, `${a.refusal ?? b.refusal}.`));
  const change = (x, y) => (Number(x) && !Number.isNaN(Number(y)) ? `${y >= x ? "+" : "−"}${Math.abs((Number(y) / Number(x) - 1) * 100).toFixed(1)} %` : "");
  const apart = (x, y) => (typeof x === "bigint" || typeof y === "bigint" ? BigInt(y) - BigInt(x) : Number(y) - Number(x));
  const line = (name, x, y, text = exactText) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, text(x)), h("td", {}, text(y)),
    h("td", {}, Number.isNaN(Number(y) - Number(x)) ? "–" : `${y < x ? "−" : "+"}${text(y < x ? apart(y, x) : apart(x, y))}`), h("td", {}, change(x, y)));
  const totals = columns().map(({ heading, of, plain }) => line(heading().replace("MB", "bytes").replace("mJ", "fJ").replace(" (90 %)", ""), of(a.counts), of(b.counts), plain));
  const [left, right] = [a, b].map(({ counts }) => byPath(counts)), paths = [...new Set([...left.keys(), ...right.keys()])];
  const rows = paths.filter((path) => String(left.get(path) ?? "") !== String(right.get(path) ?? ""))
    .map((path) => line(path, left.get(path) ?? 0, right.get(path) ?? 0));
  const head = h("thead", {}, h("tr", {}, ["Cost", letter(page.before), letter(page.after), "Difference", "%"].map((t) => h("th", { scope: "col" }, t))));
  show("diff", choices, h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": "differences in total" }, h("table", {}, head, h("tbody", {}, totals))),
    h("details", { open: page.differs, ontoggle: (event) => { page.differs = event.target.open; } }, h("summary", {}, `${rows.length} of ${paths.length} layers differ in ${workWords()}`),
      h("div", { class: "wide tall", tabindex: 0, role: "region", "aria-label": "differences by layer" }, h("table", {}, head.cloneNode(true), h("tbody", {}, rows)))));
}

/** The work of each layer, by its path; of equal paths the sum. */
function byPath(counts) {
  const sums = new Map();
  counts.each("work", page.convention).forEach((n, i) => {
    if (counts.repeats[i] != 0) sums.set(counts.rows[i].path, (sums.get(counts.rows[i].path) ?? counts.number(0)) + n);
  });
  return sums;
}

// --- copies --------------------------------------------------------------------------------------

const optionsText = ({ network, sizes }) => {
  const usual = network.usual();
  const moved = [...network.free.keys()].filter((n) => !["B", "H", "W"].includes(n) && sizes[n] !== usual[n]);
  const base = network.name, written = moved.map((n) => `${n}=${sizes[n]}`).join(",");
  if (!moved.length) return base;
  if (network.own.size) return base.endsWith("]") ? `${base.slice(0, -1)},${written}]` : `${base}[${written}]`;
  return `${base}${base.includes(":") ? "," : ":"}${written}`;
};
const sized = (sizes) => (sizes.H === undefined ? "" : ` --res ${sizes.H === sizes.W ? sizes.H : `${sizes.H}x${sizes.W}`}`) + (sizes.B > 1 ? ` --batch ${sizes.B}` : "");
const quoted = (text) => (/^[\w.:=,/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Designs of one input size together, because a command takes one. */
function together() {
  const groups = new Map();
  for (const design of page.designs) {
    const key = `${sized(design.sizes)}|${JSON.stringify([design.sizes.H, design.sizes.W, design.sizes.B])}`;
    groups.set(key, [...(groups.get(key) ?? []), design]);
  }
  return [...groups.values()];
}
/** What names the device in a command, where it comes with flopscope and so has a name there. */
const onDevice = (words) => (deviceHere()?.builtin ? words(deviceHere().name) : "");
const conventionName = () => page.conventions[page.convention].name;

const COPIES = {
  CSV: (found) => [["network", "sizes", ...columns().map(({ key }) => (key === "time_ms" ? `time_ms_${deviceHere().name}` : key)), "top1", ...metricsOf(found).map(({ key }) => key)],
    ...found.map(({ design, counts, i }) => [design.network.name, sizesText(design), ...columns().map(({ of }) => (counts ? of(counts) : "")),
      design.network.publishedAt(design.sizes)?.[3] ?? "", ...metricsOf(found).map(({ values }) => values[i]?.[4] ?? "")])]
    .map((row) => row.map((cell) => (/[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(",")).join("\n"),
  LaTeX: (found) => ["% \\usepackage{booktabs}", `\\begin{tabular}{l${"r".repeat(columns().length + 1 + metricsOf(found).length)}}`, "\\toprule",
    `${["Network", ...columns().map(({ heading }) => tex(heading())), "Top-1 (\\%)", ...metricsOf(found).map(({ words, unit }) => tex(`${words}, ${unit}`))].join(" & ")} \\\\`, "\\midrule",
    ...found.map(({ design, counts, i }) => `${[tex(sizesName(design)), ...columns().map(({ of, text }) => (counts ? text(of(counts)).replaceAll(",", "{,}").replaceAll("–", "--") : "--")),
      design.network.publishedAt(design.sizes)?.[3] ?? "--", ...metricsOf(found).map(({ values }) => values[i]?.[4] ?? "--")].join(" & ")} \\\\`), "\\bottomrule", "\\end{tabular}"].join("\n"),
  Python: () => ["import flopscope as fs", "", ...together().map((designs) => {
    const { sizes } = designs[0], named = designs.map((design) => JSON.stringify(optionsText(design)));
    const res = sizes.H === undefined ? "" : `, res=${sizes.H === sizes.W ? sizes.H : `(${sizes.H}, ${sizes.W})`}`;
    return `print(fs.compare(${named.join(", ")}${res}${sizes.B > 1 ? `, batch=${sizes.B}` : ""}, convention="${conventionName()}"${onDevice((name) => `, device="${name}"`)}))`;
  })].join("\n"),
  "Command line": () => together().map((designs) =>
    `flopscope compare ${designs.map((design) => quoted(optionsText(design))).join(" ")}${sized(designs[0].sizes)} --convention ${conventionName()}${onDevice((name) => ` --device ${name}`)}`).join("\n"),
  Link: () => location.href,
};
const tex = (text) => text.replace(/[\\&%$#_{}]/g, (c) => (c === "\\" ? "\\textbackslash{}" : `\\${c}`)).replaceAll("α", "$\\alpha$").replaceAll("×", "$\\times$");

function drawCopies(found) {
  show("copies", Object.entries(COPIES).map(([name, text]) => h("button", { type: "button", onclick: async () => {
    const copy = text(found);
    $id("copied").value = copy;
    $id("copied").hidden = false;
    try { await navigator.clipboard.writeText(copy); $id("copy-said").textContent = `${name} is on the clipboard, and below.`; }
    catch { $id("copied").select(); $id("copy-said").textContent = `${name} is below; copy it with Ctrl-C or ⌘C.`; }
  } }, name)));
}
