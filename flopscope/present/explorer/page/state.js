// What is chosen, and how the address says it, so that a link is a figure.

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8a8d00"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "", "7 3", "2 3", "9 3 2 3"];
const MOST_DESIGNS = 50;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** A, B … Z, AA, AB …: by which all figures name a design. */
const letter = (i) => (i < 26 ? LETTERS[i] : letter(Math.floor(i / 26) - 1) + LETTERS[i % 26]);

const page = {
  networks: new Map(), conventions: [], letters: {}, devices: [], roofs: {},
  energy: {}, metrics: [],
  designs: [], // {network, sizes}
  convention: 0, width: 4, axes: "linear", by: "stage", parts: "work", scale: "amounts", axis: "", curve: "work", budget: 0,
  cost: "work", layers: 0, formula: 0, of: "macs", before: 0, after: 1, device: "", roof: 0, columns: "usual",
};

const CHOICES = ["convention", "width", "by", "parts", "scale", "axis", "curve", "budget", "cost", "layers",
  "formula", "of", "before", "after", "device", "roof", "axes", "columns"];

/** The chosen design's own sizes, those that are not usual: "mobilenetv2~width=0.6~H=160". */
function designText({ network, sizes }) {
  const usual = network.usual();
  const moved = Object.keys(usual).filter((name) => sizes[name] !== usual[name]);
  return [escaped(network.name), ...moved.map((n) => `${escaped(n)}=${sizes[n]}`)].join("~");
}
const escaped = (text) => encodeURIComponent(text).replaceAll("~", "%7E");
/** The text of a part of the address; what is no such text is no name either. */
function unescaped(text) {
  try { return decodeURIComponent(text); } catch { return ""; }
}

function designOf(text) {
  const [name, ...moved] = text.split("~");
  const network = page.networks.get(unescaped(name));
  if (!network) return null;
  const sizes = network.usual();
  for (const each of moved) {
    const [size, value] = each.split("=");
    const known = unescaped(size);
    if (Object.hasOwn(sizes, known) && value && Number.isFinite(+value)) sizes[known] = +value;
  }
  return { network, sizes };
}

const USUAL = Object.fromEntries(CHOICES.map((name) => [name, page[name]]));

function address() {
  const parts = page.designs.map((design) => `d=${designText(design)}`);
  for (const name of CHOICES)
    if (page[name] !== USUAL[name]) parts.push(`${name}=${encodeURIComponent(page[name])}`);
  return `#${parts.join("&")}`;
}

/** What a choice of the address may be; numbers without a list are whole ones from 0. */
const ALLOWED = {
  by: ["stage", "kind"], scale: ["amounts", "shares"], axes: ["linear", "logarithmic"], of: ["macs", "params"], width: [4, 2, 1],
  columns: ["usual", "all"],
  get curve() { return offeredQuantities().map(([name]) => name); },
  get cost() { return this.curve; },
  get parts() { return offeredQuantities().flatMap(([name, { each }]) => (each ? [name] : [])); },
  get device() { return ["", ...page.devices.map(({ name }) => name)]; },
};

/** The value of a choice, or the usual one where the text is none. */
function chosen(name, text) {
  const value = typeof USUAL[name] === "number" ? Number(text) : unescaped(text);
  if (ALLOWED[name]) return ALLOWED[name].includes(value) ? value : USUAL[name];
  if (typeof value === "string") return value;
  const fits = name === "budget" ? value >= 0 && value < Infinity : Number.isInteger(value) && value >= 0;
  return fits ? value : USUAL[name];
}

/** Reads the address; false where it names no design that the page has. At most 50 are read. */
function readAddress(hash) {
  const designs = [];
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    const [name, value] = [part.slice(0, at), part.slice(at + 1)];
    if (name === "d") designs.push(designOf(value));
    else if (CHOICES.includes(name)) page[name] = chosen(name, value);
  }
  page.convention = Math.min(page.convention, page.conventions.length - 1);
  const known = designs.filter(Boolean).slice(0, MOST_DESIGNS);
  if (known.length) page.designs = known;
  return known.length > 0;
}

/** The counts of a design, or the refusal in words. */
function counted(network, sizes) {
  try {
    return { counts: network.at(sizes) };
  } catch (error) {
    if (error instanceof RangeError) return { refusal: error.message };
    throw error;
  }
}

/** The quantities that a curve, a bar or a frontier can show. */
const QUANTITIES = {
  work: { words: () => workWords(), of: (c) => c.total("work", page.convention), each: (c) => c.each("work", page.convention) },
  params: { words: () => "parameters", of: (c) => c.total("params"), each: (c) => c.each("params") },
  activations: { words: () => "activations", of: (c) => c.total("activations"), each: (c) => c.each("activations") },
  weights: { words: () => `bytes of weights, ${typeName()}`, of: (c) => c.total("bytes", page.width), each: (c) => c.each("bytes", page.width) },
  int4: { words: () => "bytes of weights, int4", of: (c) => c.total("int4"), each: (c) => c.each("int4") },
  peak: { words: () => `peak of activations, bytes, ${typeName()}`, of: (c) => c.peak(page.width) },
  memory: { words: () => `memory of inference, bytes, ${typeName()}`, of: (c) => c.memory(page.width) },
  traffic: { words: () => `traffic, bytes, ${typeName()}`, of: (c) => c.traffic(page.width), each: (c) => c.eachTraffic(page.width) },
  energy: { words: () => `energy, fJ, ${typeName()}, for ratios only`, of: (c) => c.energy(page.width, page.energy), each: (c) => c.eachEnergy(page.width, page.energy) },
  time: { words: () => `predicted milliseconds, ${deviceHere().name}`, of: timeOf, each: (c) => (Number.isNaN(timeOf(c)) ? c.rows.map(() => 0) : c.time(deviceHere()).rows),
    shown: () => Boolean(deviceHere()) },
};
const offeredQuantities = () => Object.entries(QUANTITIES).filter(([, { shown }]) => !shown || shown());

/** The device whose times are shown; undefined on a page without one. */
const deviceHere = () => page.devices.find(({ name }) => name === page.device) ?? page.devices[0];

/** The predicted milliseconds of one run; NaN where the network cannot run so. */
function timeOf(counts) {
  return refusedBy(counts.network, deviceHere()) ? NaN : 1e3 * counts.time(deviceHere()).seconds;
}

/** A number to three digits; 1,230 and never 1.23e+3. */
const threeDigits = (n) => exactText(Number(Number(n).toPrecision(3)));
const timeText = (ms) => (Number.isNaN(ms) ? "–" : threeDigits(ms));
/** The interval of nine in ten around milliseconds, and both. */
const intervalText = (ms) => (Number.isNaN(ms) ? "" : deviceHere().interval(ms).map(timeText).join(" – "));
const timeAndInterval = (ms) => (Number.isNaN(ms) ? "–" : `${timeText(ms)} (${intervalText(ms)})`);
const TYPES = { 4: "float32", 2: "float16", 1: "int8" };
const typeName = () => TYPES[page.width];
const workWords = () => {
  const { name, unit } = page.conventions[page.convention];
  return name === "macs" ? "MACs" : `${unit} (${name})`;
};

/** 300,774,272 and, shorter, 301M. */
function exactText(n) {
  const text = typeof n === "number" && !Number.isInteger(n) ? String(Number(n.toPrecision(4))) : String(n);
  return text.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
}
function shortText(n) {
  const value = Number(n);
  for (const [scale, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (Math.abs(value) >= scale) return `${Number((value / scale).toPrecision(3))}${letter}`;
  return String(Number(value.toPrecision(3)));
}

/** An amount of the curve's cost, and a budget of it. */
const unit = (cost) => (cost === "time" ? " ms" : "");
const budgetText = () => shortText(page.budget) + unit(page.curve);

/** "300M" as a number; NaN for what is none. */
function amountOf(text) {
  const found = /^\s*([\d.,]+)\s*([kKMGBT]?)\s*(?:ms)?\s*$/.exec(text);
  const scales = { "": 1, k: 1e3, K: 1e3, M: 1e6, G: 1e9, B: 1e9, T: 1e12 };
  return found ? Number(found[1].replaceAll(",", "")) * scales[found[2]] : NaN;
}

/** "160 px, α 0.6": the sizes that say which design it is. */
function sizesText({ network, sizes }) {
  const usual = network.usual(), parts = [];
  if (network.image) parts.push(sizes.H === sizes.W ? `${sizes.H} px` : `${sizes.H}×${sizes.W} px`);
  for (const [name, { whole }] of network.free)
    if (!["H", "W"].includes(name) && (sizes[name] !== usual[name] || (!whole && sizes[name] !== 1)))
      parts.push(`${sizeWords(name)} ${sizes[name]}`);
  return parts.join(", ");
}
const sizeWords = (name) => ({ B: "batch", H: "height", W: "width of the image" })[name] ?? name;
