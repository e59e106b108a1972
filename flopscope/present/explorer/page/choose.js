// Choosing networks and moving their sizes.

const filter = { words: "", family: "", most: "", of: "work" };

/** The networks that the search, the family and the budget let through. */
function offered() {
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean), most = amountOf(filter.most);
  return [...page.networks.values()].filter((network) => {
    const text = `${network.name} ${network.family} ${network.origin}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return false;
    if (filter.family && network.family !== filter.family) return false;
    return Number.isNaN(most) || usualCost(network) <= most;
  });
}

const usualCosts = new Map();
function usualCost(network) {
  const key = `${network.name}/${filter.of}/${page.convention}/${page.width}/${page.device}`;
  if (!usualCosts.has(key)) {
    const { counts } = counted(network, network.usual());
    usualCosts.set(key, counts ? Number(QUANTITIES[filter.of].of(counts)) : Infinity);
  }
  return usualCosts.get(key);
}

function drawOffer() {
  const found = offered(), most = 60;
  show("offer", found.slice(0, most).map((network) => h("li", {},
    h("button", { type: "button", class: "add", title: network.origin, onclick: () => add(network) },
      h("span", { "aria-hidden": "true" }, "+ "), network.name,
      network.source === "catalogue" ? null : h("em", {}, ` ${network.source}`)))));
  $id("offer-count").textContent = found.length === 0
    ? "No network fits; change the words, the family or the budget."
    : `${found.length} networks${found.length > most ? `, the first ${most} are shown` : ""}.`;
}

/** Adds a design at a place, if there is room for one more. */
function add(network, sizes = network.usual(), at = page.designs.length) {
  if (page.designs.length >= MOST_DESIGNS) {
    $id("offer-count").textContent = `The page shows ${MOST_DESIGNS} designs and no more; remove one first.`;
    return;
  }
  page.designs.splice(at, 0, { network, sizes: { ...sizes } });
  changed(true);
}

function drawPicker() {
  const families = [...new Set([...page.networks.values()].map(({ family }) => family))].sort();
  const budget = h("input", { id: "filter-most", type: "text", size: 7, placeholder: "300M", oninput: (event) => {
    filter.most = event.target.value;
    const wrong = filter.most.trim() && Number.isNaN(amountOf(filter.most));
    event.target.setAttribute("aria-invalid", String(Boolean(wrong)));
    drawOffer();
  } });
  show("picker",
    h("label", { class: "field" }, h("span", {}, "Search"),
      h("input", { id: "search", type: "search", placeholder: "mobilenet, ghost …", oninput: (event) => { filter.words = event.target.value; drawOffer(); } })),
    h("label", { class: "field" }, h("span", {}, "Family"),
      h("select", { onchange: (event) => { filter.family = event.target.value; drawOffer(); } },
        h("option", { value: "" }, "all"), families.map((name) => h("option", { value: name }, name)))),
    h("div", { class: "field" }, h("label", { for: "filter-most" }, "At most"), h("span", { class: "pair" }, budget,
      h("select", { "aria-label": "of what", onchange: (event) => { filter.of = event.target.value; drawOffer(); } },
        offeredQuantities().map(([value, { words }]) => h("option", { value }, words()))))),
    h("p", { id: "offer-count", class: "quiet", role: "status" }), h("ul", { id: "offer" }));
  drawOffer();
}

/** How a slider runs: real numbers in hundredths. */
const step = (size) => (size.whole ? 1 : 0.01);

/** A slider and the number beside it, which takes what the slider does not reach. */
function slider(id, words, size, value, set) {
  const low = size.whole ? Math.max(1, size.least) : 0.05, text = (v) => String(v);
  const number = h("input", { id: `${id}-number`, type: "number", min: low, step: size.whole ? 1 : "any", value, "aria-label": `${words}, as a number`,
    onchange: (event) => set(Number(event.target.value)) });
  const range = h("input", { id, type: "range", min: low, max: Math.max(size.most, value), step: step(size), value, "aria-valuetext": text(value),
    oninput: (event) => { number.value = event.target.value; set(Number(event.target.value)); } });
  return h("div", { class: "slider" }, h("label", { for: id }, words), range, number);
}

/** The sliders that move all designs together. */
function drawTogether() {
  const boxes = axes().map((axis) => {
    const own = page.designs.filter(({ network }) => axisSize(network, axis));
    const size = axisSize(own[0].network, axis), values = own.map(({ sizes }) => sizes[size.name]);
    const same = values.every((v) => v === values[0]);
    const words = `${axisWords(axis)}${same ? "" : " (they differ)"}`;
    return slider(`all-${axis}`, words, size, values[0], (value) => {
      for (const design of page.designs) if (axisSize(design.network, axis)) design.sizes = moved(design.sizes, axis, value);
      changed();
    });
  });
  show("together", boxes.length ? boxes : h("p", {}, "None of these networks has a free size; all are fixed."));
}

/** One design with sliders of its own. */
function card(design, i) {
  const { network, sizes } = design;
  const apart = apartCards.has(design) || (network.image && sizes.H !== sizes.W), names = [...network.free.keys()];
  const own = network.image && !apart ? ["res", ...names.filter((n) => !["H", "W"].includes(n)).map((n) => axisOf(network, n))] : names.map((n) => axisOf(network, n));
  const buttons = h("span", { class: "buttons" },
    h("button", { type: "button", "aria-label": `copy design ${letter(i)}`, title: "a second design of this network",
      onclick: () => add(network, design.sizes, i + 1) }, "copy"),
    h("button", { type: "button", "aria-label": `reset design ${letter(i)}`, title: "its own sizes",
      onclick: () => { design.sizes = network.usual(); changed(true); } }, "reset"),
    h("button", { type: "button", "aria-label": `remove design ${letter(i)}`, title: "remove",
      onclick: () => { page.designs.splice(i, 1); changed(true); } }, "remove"));
  return h("li", { class: "design" }, h("div", { class: "design-head" }, badge(i), h("strong", {}, network.name)),
    h("p", { class: "quiet design-sizes" }, sizesText(design) || network.origin),
    network.notes.map((note) => h("p", { class: "note" }, note)),
    own.length ? h("details", { open: openCards.has(design), ontoggle: (event) => openCards[event.target.open ? "add" : "delete"](design) },
      h("summary", {}, "Sizes of its own"), own.map((axis) =>
        slider(`d${i}-${axis}`, axisWords(axis), axisSize(network, axis), sizes[sizeName(axis)],
          (value) => { design.sizes = moved(design.sizes, axis, value); changed(); })),
      network.image ? h("label", { class: "quiet" }, h("input", { type: "checkbox", checked: apart, onchange: (event) => {
        apartCards[event.target.checked ? "add" : "delete"](design);
        if (!event.target.checked) design.sizes = moved(design.sizes, "res", design.sizes.H);
        changed(true);
      } }), " height and width apart") : null)
      : h("p", { class: "note" }, "It has no free size."), buttons);
}
const openCards = new Set(), apartCards = new Set();

function drawDesigns() {
  show("designs", page.designs.map(card));
}
