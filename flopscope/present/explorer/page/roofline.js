// The units of a network under the roofs of a device: MACs for each byte against MACs a second.

const MARKS = [ // each category of products has a form of its own, for those who see no colours
  (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${2.1 * r}h${-2.4 * r}z`,
  (x, y, r) => `M${x} ${y - 1.3 * r}l${1.3 * r} ${1.3 * r}l${-1.3 * r} ${1.3 * r}l${-1.3 * r} ${-1.3 * r}z`,
  (x, y, r) => `M${x} ${y + 1.2 * r}l${1.2 * r} ${-2.1 * r}h${-2.4 * r}z`,
  (x, y, r) => `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}`,
];

function drawRoofline(found) {
  const device = deviceHere();
  $id("roof-box").hidden = !device;
  if (!device) return;
  page.roof = Math.min(page.roof, page.designs.length - 1);
  show("roof-choice", choice("roof", "Network", designOptions(), () => changed()));
  const { counts, refusal, design } = found[page.roof];
  const refused = refusal ?? refusedBy(design.network, device);
  if (refused) return show("roof", h("p", { class: "refusal" }, `${refused}.`));
  const time = counts.time(device), units = time.units.filter(({ macs, bytes, seconds }) => macs && bytes && seconds);
  if (!units.length) return show("roof", h("p", {}, "It does no multiply-accumulates, which a roofline is drawn of."));
  show("roof", waiting(time, device), rooflineOf(units, time, device), pictureButtons("roof-chart", "flopscope-roofline"));
}

/** What the time is spent waiting for, in a sentence. */
function waiting(time, device) {
  const shares = { arithmetic: 0, memory: 0, launches: 0 };
  for (const { seconds, waits } of time.units) shares[waits] += seconds / time.seconds;
  const words = Object.entries(shares).map(([name, share]) => `${Math.round(100 * share)}\u00a0% for ${name}`);
  const slowest = time.units.reduce((a, b) => (b.seconds > a.seconds ? b : a));
  return h("p", {}, `The ${timeText(1e3 * time.seconds)} ms on ${device.name} are spent in units that wait ${words[0]}, ${words[1]} and ${words[2]}. The slowest is `,
    h("strong", {}, time.counts.rows[slowest.row].path), ` with ${timeText(1e3 * slowest.seconds)} ms, which waits for ${slowest.waits}.`);
}

function rooflineOf(units, { seconds: whole, counts: { rows: paths } }, device) {
  const points = units.map((unit) => ({ ...unit, x: unit.macs / unit.bytes, y: unit.macs / unit.seconds }));
  const used = [...new Set(units.map(({ category }) => category))].sort((a, b) => a - b);
  const roofs = used.filter((category) => device.of[category].mac).map((category) => ({ category, rate: 1 / device.of[category].mac }));
  const byte = device.seconds[page.roofs.byte], width = byte ? 1 / byte : 0;
  const xs = points.map(({ x }) => x), ys = [...points.map(({ y }) => y), ...roofs.map(({ rate }) => rate)];
  const x = { low: Math.min(...xs) / 1.5, high: Math.max(...xs) * 1.5, words: "MACs per byte (logarithmic)", log: true };
  const y = { low: Math.min(...ys) / 1.5, high: Math.max(...ys) * 1.5, words: "MACs per second (logarithmic)", log: true };
  const { svg, across, up } = frame("roof-chart", `Units under the roofs of ${device.name}`, x, y);
  const line = (x1, y1, x2, y2, style, dashes = "") => svg.append(s("line", { class: "roof", x1: across(x1), y1: up(y1), x2: across(x2), y2: up(y2), style, "stroke-dasharray": dashes }));
  for (const { category, rate } of roofs) line(Math.min(Math.max(x.low, width ? rate / width : x.low), x.high), rate, x.high, rate, `stroke:var(--c${category % 8})`);
  if (width) {
    const [from, to] = [Math.max(x.low, y.low / width), Math.min(x.high, Math.max(...roofs.map(({ rate }) => rate), y.low) / width)];
    if (to > from) line(from, from * width, to, to * width, "stroke:var(--soft)", "6 4");
  }
  for (const { x: at, y: rate, category, seconds, row, waits } of points) {
    const r = 2.5 + 6 * Math.sqrt(Math.min(1, (10 * seconds) / whole));
    svg.append(s("path", { class: "unit", d: MARKS[category % 6](across(at), up(rate), r), style: `stroke:var(--c${category % 8})` },
      s("title", {}, `${paths[row].path}: ${timeText(1e3 * seconds)} ms, ${shortText(at)} MACs per byte, ${shortText(rate)} MACs per second; waits for ${waits}`)));
  }
  const key = used.map((category) => h("li", {}, s("svg", { class: "key", viewBox: "0 0 14 14", "aria-hidden": "true" },
    s("path", { class: "unit", d: MARKS[category % 6](7, 7, 4.5), style: `stroke:var(--c${category % 8})` })), device.of[category].name));
  return [svg, h("ul", { class: "legend" }, key, h("li", {}, "dashed: bytes of activations")),
    h("p", { class: "quiet" }, "A mark is what the runtime runs as one, as large as its share of the time. Level lines are the device's rate of each kind of arithmetic. A mark is below its roof by its launch and by what it moves.")];
}
