// Elements, and charts drawn by hand as SVG.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** An element with attributes; texts are never read as HTML. */
function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}
function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(NAMESPACE, tag), attributes, children);
}
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
const $id = (id) => document.getElementById(id);
const show = (id, ...children) => $id(id).replaceChildren(...children.flat(2).filter(Boolean));

/** The letter of a design in its colour, which is how all figures name it. */
const badge = (i) => h("span", { class: "badge", style: `--c:var(--c${i % 8})` }, letter(i));

/** The measures of charts: narrow ones on a phone, whose letters would else be too small. */
let WIDE = 680, LEFT = 64, RIGHT = 44;
const HIGH = 320, TOP = 22, BOTTOM = 46;
const phone = matchMedia("(max-width: 40rem)");
function measure() {
  [WIDE, LEFT, RIGHT] = phone.matches ? [400, 48, 40] : [680, 64, 44];
}

/** Round numbers that divide a range into about so many parts. */
function ticks(low, high, about = 5) {
  const raw = (high - low || 1) / about, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high * (1 + 1e-9); n += 1) found.push(n * step);
  return found;
}
function powers(low, high) {
  const found = [];
  for (let n = Math.floor(Math.log10(low)); 10 ** n <= high; n += 1)
    for (const k of [1, 2, 5]) if (k * 10 ** n >= low && k * 10 ** n <= high) found.push(k * 10 ** n);
  return found;
}

/** The marks that stand so far apart; those with the roundest numbers first. */
function apartBy(marks, at, distance) {
  const kept = [], round = (v) => (/^[1-9]0*$/.test(String(v)) && String(v)[0] === "1" ? 0 : String(v)[0] === "5" ? 1 : 2);
  for (const mark of [...marks].sort((a, b) => round(a) - round(b) || a - b))
    if (kept.every((other) => Math.abs(at(other) - at(mark)) >= distance)) kept.push(mark);
  return kept;
}

const linear = (low, high, from, to) => (x) => from + ((x - low) / (high - low || 1)) * (to - from);
const logarithmic = (low, high, from, to) => {
  const scale = linear(Math.log(low), Math.log(high), from, to);
  return (x) => scale(Math.log(x));
};

/** A frame with axes. `x` and `y` are {low, high, words, log}. */
function frame(id, title, x, y) {
  const across = (x.log ? logarithmic : linear)(x.low, x.high, LEFT, WIDE - RIGHT);
  const up = (y.log ? logarithmic : linear)(y.low, y.high, HIGH - BOTTOM, TOP);
  const marks = (axis, at, distance) => (axis.log ? apartBy(powers(axis.low, axis.high), at, distance)
    : ticks(axis.low, axis.high, phone.matches ? 4 : 5));
  /** The number at a height of the picture. */
  const amountAt = (height) => {
    const share = (HIGH - BOTTOM - height) / (HIGH - BOTTOM - TOP);
    return y.log ? y.low * (y.high / y.low) ** share : y.low + share * (y.high - y.low);
  };
  const svg = s("svg", { id, viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": title, class: "chart" },
    s("title", {}, title),
    marks(y, up, 16).map((v) => [
      s("line", { class: "grid", x1: LEFT, x2: WIDE - RIGHT, y1: up(v), y2: up(v) }),
      s("text", { class: "tick", x: LEFT - 8, y: up(v) + 4, "text-anchor": "end" }, shortText(v)),
    ]),
    marks(x, across, 40).map((v) =>
      s("text", { class: "tick", x: across(v), y: HIGH - BOTTOM + 18, "text-anchor": "middle" }, shortText(v))),
    s("line", { class: "axis", x1: LEFT, x2: WIDE - RIGHT, y1: HIGH - BOTTOM, y2: HIGH - BOTTOM }),
    s("text", { class: "label", x: WIDE - RIGHT, y: HIGH - 8, "text-anchor": "end" }, x.words),
    s("text", { class: "label", x: 4, y: 12 }, y.words));
  return { svg, across, up, amountAt };
}

/** A line of steps through points [x, y]; a null y is a gap. */
function steps(points, across, up) {
  let path = "", before = null;
  for (const [x, y] of points) {
    if (y === null) before = null;
    else {
      path += before === null ? `M${across(x).toFixed(1)} ${up(y).toFixed(1)}`
        : `H${across(x).toFixed(1)}V${up(y).toFixed(1)}`;
      before = y;
    }
  }
  return path;
}

/** The chart as a file of its own, with the colours that it has now. */
function standalone(svg) {
  const copy = svg.cloneNode(true), wanted = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "opacity"];
  const [from, to] = [svg, copy].map((each) => [each, ...each.querySelectorAll("*")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    to[i].setAttribute("style", wanted.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
  });
  copy.setAttribute("xmlns", NAMESPACE);
  const [, , width, height] = svg.getAttribute("viewBox").split(" ");
  copy.setAttribute("width", width); copy.setAttribute("height", height);
  copy.prepend(s("rect", { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor }));
  return new XMLSerializer().serializeToString(copy);
}

function save(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function savePicture(id, name, kind) {
  const text = standalone($id(id)), blob = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return save(`${name}.svg`, blob);
  const image = new Image(), [, , width, height] = $id(id).getAttribute("viewBox").split(" ").map(Number);
  image.onload = () => {
    const canvas = h("canvas", { width: 3 * width, height: 3 * height });
    canvas.getContext("2d").drawImage(image, 0, 0, 3 * width, 3 * height);
    canvas.toBlob((png) => save(`${name}.png`, png));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

const pictureButtons = (id, name) => h("p", { class: "tools" },
  ["svg", "png"].map((kind) =>
    h("button", { type: "button", onclick: () => savePicture(id, name, kind) }, `Save as ${kind.toUpperCase()}`)));

/** A menu of choices that are kept in the page's state under this name. */
function choice(name, words, options, changed) {
  return h("label", { class: "field" }, h("span", {}, words),
    h("select", { onchange: (event) => {
      page[name] = typeof USUAL[name] === "number" ? Number(event.target.value) : event.target.value;
      changed();
    } }, options.map(([value, text]) =>
      h("option", { value, selected: String(page[name]) === String(value) }, text))));
}
