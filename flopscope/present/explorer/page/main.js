// The page: it reads its data, then draws whatever is changed.

async function unpacked(id) {
  const bytes = Uint8Array.from(atob($id(id).textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

let scheduled = 0;
/** Draws soon. `anew` also draws the sliders, which a moving slider must not. */
function changed(anew = false) {
  if (anew) { drawDesigns(); drawTogether(); drawChoices(); }
  cancelAnimationFrame(scheduled);
  scheduled = requestAnimationFrame(draw);
}

function draw() {
  measure();
  history.replaceState(null, "", address());
  $id("nothing").hidden = page.designs.length > 0;
  $id("figures").hidden = page.designs.length === 0;
  if (!page.designs.length) { drawFrontier(); return; }
  const found = page.designs.map((design, i) => ({ design, i, ...counted(design.network, design.sizes) }));
  document.querySelectorAll(".design-sizes").forEach((element, i) => {
    element.textContent = (page.designs[i] && sizesText(page.designs[i])) || page.designs[i]?.network.origin || "";
  });
  drawTable(found);
  drawBars(found);
  drawCurve();
  drawRoofline(found);
  drawFormula(found);
  if ($id("layers-box").open) drawLayers(found);
  drawDiff(found);
  drawCopies(found);
  drawFrontier();
  clearTimeout(draw.saying);
  draw.saying = setTimeout(() => { $id("said").textContent = found.map(said).join(" "); }, 700);
}

/** A design in a sentence, for those who hear the page. */
const said = ({ design, counts, refusal, i }) => counts
  ? `${letter(i)}, ${sizesName(design)}: ${shortText(counts.total("work", page.convention))} ${workWords()}, ${shortText(counts.total("params"))} parameters.`
  : `${letter(i)}, ${design.network.name}: ${refusal}.`;

function drawChoices() {
  const both = offeredQuantities().map(([value, { words }]) => [value, words()]);
  const again = () => { drawChoices(); changed(); };
  show("conventions", choice("convention", "Convention", page.conventions.map(({ name }, i) => [i, name]), again),
    choice("width", "Numbers", Object.entries(TYPES).reverse(), again),
    page.devices.length ? choice("device", "Device", page.devices.map(({ name }, i) => [i ? name : "", name]), again) : null,
    choice("columns", "Columns", [["usual", "usual"], ["all", "+ traffic, energy"]], again));
  show("bars-choice", choice("by", "By", [["stage", "stage"], ["kind", "kind of operator"]], () => changed()),
    choice("parts", "Of", both.filter(([name]) => QUANTITIES[name].each), () => changed()),
    choice("scale", "Drawn as", [["amounts", "amounts"], ["shares", "shares of each network"]], () => changed()));
  const known = axes();
  show("curve-choice", choice("curve", "Of", both, () => changed()),
    choice("axis", "Against", known.map((axis) => [axis, axisWords(axis)]), () => changed()),
    choice("axes", "Axes", ALLOWED.axes.map((name) => [name, name]), () => changed()));
  show("frontier-choice", choice("cost", "Against", both, () => changed()));
}

async function begin() {
  const data = await unpacked("data");
  page.conventions = data.conventions;
  page.letters = data.letters;
  page.devices = data.devices.map((each) => new Device(each, data.categories));
  page.roofs = data.roofs;
  Object.assign(page, { energy: data.energy, metrics: data.metrics });
  const classes = bounded(data.classes);
  for (const each of data.networks) page.networks.set(each.name, new Network(each, classes));
  const chosen = [...page.networks.values()].filter(({ begins }) => begins);
  if (!readAddress(location.hash))
    page.designs = chosen.length ? chosen.map((network) => ({ network, sizes: { ...network.usual(), ...network.begins } }))
      : data.first.filter((name) => page.networks.has(name)).map((name) => designOf(encodeURIComponent(name)));
  $id("static").remove();
  $id("app").hidden = false;
  const budget = $id("budget");
  budget.value = page.budget ? budgetText() : "";
  budget.addEventListener("change", () => {
    const value = amountOf(budget.value);
    budget.setAttribute("aria-invalid", String(Boolean(budget.value.trim()) && Number.isNaN(value)));
    page.budget = Number.isNaN(value) ? 0 : value;
    changed();
  });
  $id("layers-box").addEventListener("toggle", () => changed());
  phone.addEventListener("change", () => { cloud.painted = ""; changed(); });
  addEventListener("hashchange", () => { if (location.hash !== address() && readAddress(location.hash)) changed(true); });
  drawPicker();
  if (matchMedia("(max-width: 54rem)").matches) $id("picker-box").open = false; // figures come first
  drawDesigns();
  drawTogether();
  drawChoices();
  draw();
}

begin().catch((error) => {
  $id("failed").textContent = `The page cannot be shown by this browser (${error.message}); a newer one can. The table below has the usual sizes.`;
  $id("failed").hidden = false;
  throw error;
});
