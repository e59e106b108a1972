// The frontier of what is published: counted little by little, so that the page stays quick.

const cloud = { points: [], key: "", painted: "", timer: 0 };

/** The batch of the frontier's costs: one image, but for a time the batch of most networks of the
 *  device's calibration. */
const frontierBatch = () => (page.cost === "time" ? deviceHere().usual_batch : 1);

/** A cost, and whether it is predicted: a published time comes before a predicted one. */
function frontierCost(network, sizes, counts) {
  const measured = page.cost === "time" && network.measuredAt(sizes, page.devices.indexOf(deviceHere()));
  return measured ? { cost: measured[5], predicted: false } : { cost: Number(QUANTITIES[page.cost].of(counts)), predicted: page.cost === "time" };
}
const frontierWords = () => QUANTITIES[page.cost].words() + (page.cost === "time" ? `, batch ${frontierBatch()}` : "");

/** Counts all published points under the current choices, and draws when they are there. */
function drawFrontier() {
  const key = [page.cost, page.convention, page.width, page.device].join();
  if (key === cloud.key) return paintFrontier();
  clearTimeout(cloud.timer);
  Object.assign(cloud, { key, points: [], painted: "" });
  const waiting = [...page.networks.values()].flatMap((network) => network.published.map((each) => ({ network, each })));
  const some = () => {
    const until = performance.now() + 12;
    while (waiting.length && performance.now() < until) {
      const { network, each: [options, H, W, top1, words, source] } = waiting.pop();
      const sizes = { ...network.usual(), ...options, H, W, B: frontierBatch() }, { counts } = counted(network, sizes);
      const found = counts && frontierCost(network, sizes, counts);
      if (found && found.cost > 0) cloud.points.push({ network, sizes, top1: Number(top1), words, source, ...found });
    }
    if (waiting.length) cloud.timer = setTimeout(some, 4);
    else paintFrontier();
  };
  show("frontier", h("p", { class: "quiet" }, "Counting what is published …"));
  cloud.timer = setTimeout(some, 30);
}

/** The points that no other beats: cheaper and at least as accurate. */
function undominated(points) {
  let best = -Infinity;
  return [...points].sort((a, b) => a.cost - b.cost || b.top1 - a.top1).filter(({ top1 }) => top1 > best && (best = top1));
}

/** What the picture shows beside the points: the designs whose accuracy is published, the budget. */
const framed = () => JSON.stringify([page.budget, page.curve, page.designs.map(({ network, sizes }) => (network.publishedAt(sizes) ? [network.name, sizes] : 0))]);

function paintFrontier() {
  const { points } = cloud;
  if (cloud.painted === framed()) return;
  cloud.painted = framed();
  if (!points.length) return show("frontier", h("p", {}, "No network of this page has a published top-1."));
  const costs = points.map(({ cost }) => cost), front = undominated(points);
  const tops = points.map(({ top1 }) => top1);
  const title = `Published ImageNet-1k top-1 against ${frontierWords()}, with the frontier`;
  const { svg, across, up } = frame("frontier-chart", title,
    { low: Math.min(...costs) / 1.2, high: Math.max(...costs) * 1.2, words: `${frontierWords()} (logarithmic)`, log: true },
    { low: Math.floor(Math.min(...tops)), high: Math.ceil(Math.max(...tops)), words: "top-1, per cent" });
  svg.append(s("path", { class: "front", d: steps(front.map(({ cost, top1 }) => [cost, top1]), across, up) }));
  for (const point of points) {
    const name = `${sizesName(point)}: ${point.predicted ? "≈ " : ""}${exactText(point.cost)}, ${point.top1} % (${point.words}, ${point.source})`;
    svg.append(s("circle", { class: front.includes(point) ? "point on" : "point", cx: across(point.cost), cy: up(point.top1),
      r: front.includes(point) ? 3.5 : 2.2, onclick: () => choose(point) }, s("title", {}, name)));
  }
  page.designs.forEach(({ network, sizes }, i) => {
    const here = network.publishedAt(sizes), at = { ...sizes, B: frontierBatch() }, { counts } = counted(network, at);
    const found = here && counts && frontierCost(network, at, counts);
    if (found && found.cost > 0) svg.append(mark(i, across(found.cost), up(Number(here[3]))));
  });
  const within = page.budget && page.curve === page.cost ? front.filter(({ cost }) => cost <= page.budget).at(-1) : null;
  const best = within && h("p", {}, `Within ${budgetText()}, the most accurate published network is `,
    h("button", { type: "button", onclick: () => choose(within) }, sizesName(within)), ` with ${within.top1} % (${within.words}).`);
  const list = h("details", {}, h("summary", {}, `The ${front.length} networks of the frontier, as a list`),
    h("ol", { class: "front-list" }, front.map((point) => h("li", {},
      h("button", { type: "button", onclick: () => choose(point) }, sizesName(point)),
      ` ${point.predicted ? "≈ " : ""}${shortText(point.cost)}, ${point.top1} % `, h("span", { class: "quiet" }, `${point.words}, ${point.source}`)))));
  const note = page.cost === "time" && h("p", { class: "quiet" }, "A time that is published of the same size and batch comes before a predicted one, which has ≈ before it.");
  show("frontier", svg, best, note, list, pictureButtons("frontier-chart", "flopscope-frontier"));
}

const sizesName = ({ network, sizes }) => {
  const text = sizesText({ network, sizes });
  return text ? `${network.name} (${text})` : network.name;
};
const choose = ({ network, sizes }) => add(network, sizes);
