// Predicted times: what the rows of a network ask of a device, unit by unit.

const ATTOSECONDS = 1e18;

/** A device of the page: the constants that a unit of each category asks for. */
class Device {
  constructor(data, categories) {
    Object.assign(this, data);
    const seconds = data.constants.map((n) => n / ATTOSECONDS);
    this.seconds = seconds;
    this.of = categories.map(([name, mac, moved, weights, exponential, launch]) => ({
      name, mac: mac < 0 ? 0 : seconds[mac], moved: seconds[moved], weights: seconds[weights],
      exponential: seconds[exponential], launch: seconds[launch] }));
    this.known = new Set(data.kinds);
  }

  /** The ends of the interval that covers nine in ten networks of families that were held out. */
  interval(time, level = 1) {
    return this.quantiles[level].map((end) => time * Math.exp(end));
  }
}

/** Units with what was left out because it is usual. */
function decodedUnits(units) {
  let end = 0;
  return units.map(([rows, category, moved = [], casts = 0, head = 0, weights = 0]) => {
    const places = typeof rows === "number" ? Array.from({ length: rows }, (_, k) => end + k) : rows.map((from) => end + from);
    const last = Math.max(...places);
    end = last + 1;
    return { rows: places, last, category, moved: pairs(moved), launches: 1 + casts, head: places[head], weights: weights && pairs(weights) };
  });
}

/** Why the network has no time on the device, or null. */
const refusedBy = (network, device) => (typeof network.units[device.way] === "string" ? network.units[device.way] : null);

/** The seconds of each unit that runs, and what they are spent on. */
function unitTimes(counted, device) {
  return counted.network.unitsOf(device.way).flatMap((unit) => {
    const n = Number(counted.repeats[unit.rows[0]]);
    if (n === 0) return [];
    const { macs, moved, weights, exponentials } = unitWork(counted, unit, device), of = device.of[unit.category];
    const [arithmetic, memory] = [macs * of.mac, moved * of.moved + weights * of.weights];
    const [slow, launch] = [exponentials * of.exponential, unit.launches * of.launch];
    const bound = device.max ? Math.max(arithmetic, memory) : arithmetic + memory;
    const parts = { arithmetic: n * (arithmetic + slow), memory: n * memory, launches: n * launch };
    return [{ row: unit.head, category: unit.category, seconds: n * (bound + slow + launch), macs: n * macs, bytes: n * (moved + weights), parts,
      waits: Object.keys(parts).reduce((a, b) => (parts[b] > parts[a] ? b : a)) }];
  });
}

/** What one run of a unit asks for. Times are doubles, so its integers may be. */
function unitWork(counted, unit, device) {
  let macs = 0, moved = 0, weights = 0, exponentials = 0;
  for (const i of unit.rows) {
    const row = counted.rows[i];
    if (row.kind.product) macs += Number(AMOUNTS.work(counted, row, i, 0));
    if (row.kind.slow) exponentials += Number(counted.elements[i]);
    if (!unit.weights) weights += Number(bytesOf(counted, row.learnt, device.single)) + Number(bytesOf(counted, row.kept, device.single));
  }
  for (const [bytes, at] of unit.moved) moved += at < 0 ? Number(counted.place(bytes, -1 - at)) : bytes * Number(counted.elements[unit.last - at]);
  for (const [bytes, at] of unit.weights || []) weights += Number(counted.place(bytes, at));
  return { macs, moved, weights, exponentials };
}

/** In what the network, at these sizes, is unlike those that the device was calibrated with. */
function unlikeness(counted, device, sizes) {
  const said = [], work = Number(counted.total("work", 0)), [least, most] = device.macs, batch = sizes.B ?? 1;
  if (work < least || work > most) said.push(`does ${exactText(work)} MACs a run, outside ${exactText(least)} to ${exactText(most)}`);
  if (batch < device.batch[0] || batch > device.batch[1]) said.push(`runs at a batch of ${exactText(batch)}, outside ${exactText(device.batch[0])} to ${exactText(device.batch[1])}`);
  const kinds = new Set(counted.rows.flatMap((row, i) => (row.kind.seen && counted.repeats[i] != 0 ? [row.kind.seen] : [])));
  const unseen = [...kinds].filter((kind) => !device.known.has(kind));
  if (unseen.length) said.push(`has operators that no network of its calibration had: ${unseen.join(", ")}`);
  return said;
}
