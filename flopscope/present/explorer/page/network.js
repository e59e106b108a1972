// A network of the page: its amounts are compiled when it is first counted.

const literal = /(?<![\w.])(\d+)n\b/g;

/** The function of a program [lets, texts] in an arithmetic; `taken` destructures the sizes. */
function compiled([lets, texts], taken, big, withLets = false) {
  const names = withLets ? `, {${lets.map(([name]) => name)}}` : "";
  const body = `const ${taken} = own;${lets.map(([name, text]) => `const ${name}=${text};`).join("")}
    return [[${texts.join(",")}]${names}];`;
  const text = big ? body : body.replace(literal, "$1");
  return new Function("$", "rules", "realSum", "own", text);
}

/** The kinds of rows, each with the most times that a convention takes an amount. */
const bounded = (classes) => classes.map((each) => ({ ...each, most: each.taken.map((times) => Math.max(...times)) }));

const lazily = (make) => { let made; return () => (made ??= make()); };

class Network {
  constructor(data, classes) {
    Object.assign(this, data);
    this.classes = classes;
    this.free = new Map(data.sizes.map(([name, usual, least, most, whole]) =>
      [name, { name, usual, least, most, whole }]));
    this.decoded = lazily(() => decodedRows(data.rows, classes));
    this.programs = [false, true].map((big) => lazily(() => compiled(data.program, data.taken, big)));
    this.holding = [false, true].map((big) => lazily(() => data.rules.map(([, , text]) => {
      const body = text.startsWith("{") ? text : `{ return ${text}; }`;
      return new Function("$", "own", `const ${data.taken} = own; ${big ? body : body.replace(literal, "$1")}`);
    })));
    this.unitsOf = (way) => (this.decodedWays[way] ??= decodedUnits(this.units[way]));
    this.decodedWays = {};
    this.own = new Set(data.arguments); // of its constructor
    this.image = this.free.has("H") && this.free.has("W");
  }

  /** The values at which it begins. */
  usual() {
    return Object.fromEntries(this.sizes.map(([name, usual]) => [name, usual]));
  }

  /** Its counts at these sizes. Throws Outside, with the rule in words. */
  at(sizes) {
    checkSizes(sizes, this.bounds);
    try {
      return new Counted(this, inDoubles, false, sizes);
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      return new Counted(this, inBigInts, true, sizes);
    }
  }

  /** Are these the options and the image for which something was published? */
  isOf([options, height, width], sizes) {
    const usual = this.usual();
    return this.image && sizes.H === height && sizes.W === width &&
      [...this.free.keys()].every((name) =>
        ["B", "H", "W"].includes(name) || sizes[name] === (options[name] ?? usual[name]));
  }

  /** The top-1 that was published of exactly these sizes, or undefined. */
  publishedAt(sizes) { return this.published.find((each) => this.isOf(each, sizes)); }

  /** What was published of exactly these sizes by other metrics. */
  scoresAt(sizes) { return this.scores.filter((each) => this.isOf(each, sizes)); }

  /** The milliseconds that were published of exactly these sizes on a device, or undefined. */
  measuredAt(sizes, device) {
    return this.measured.find(([place, ...of]) =>
      place === device && (sizes.B ?? 1) === of[3] && this.isOf(of, sizes));
  }

  /** The names and numbers of a formula's definitions, and its value. */
  filled(name, sizes) {
    const [, lets] = compiled(this.formulas[name], this.taken, true, true)(
      inBigInts, rules, realSum, ownSizes(this, inBigInts, sizes));
    return lets;
  }
}

function ownSizes(network, $, sizes) {
  return Object.fromEntries(Object.entries(network.bounds).map(([name, { whole }]) =>
    [name, whole ? $.size(sizes[name]) : sizes[name]]));
}

/** Rows with what was left out because it is usual. */
function decodedRows(rows, classes) {
  const writers = new Map();
  return rows.map((row, place) => {
    const [path, kind, sizes = 0, amounts = [], repeat = 0, learnt = [], kept = [], live = 0, packed = [], moved = []] = row;
    const [id, standIn, width, wide, ...reads] = live || [place, place, 0, 1, place - 1];
    const like = sizes === 0 ? writers.get(reads[0]) : place;
    writers.set(id, like);
    return { path, kind: classes[kind], sizes: sizes && pairs(sizes), amounts: pairs(amounts), repeat, learnt, kept, id, standIn, width,
      wide, reads, like, first: writers.get(reads[0]), packed, moved };
  });
}

class Counted {
  constructor(network, $, big, sizes) {
    const own = ownSizes(network, $, sizes);
    network.rules.forEach(([words], place) => {
      if (!network.holding[+big]()[place]($, own))
        throw new Outside(`outside the domain (${words}); given: ${given(sizes)}`);
    });
    const [pool] = network.programs[+big]()($, rules, realSum, own);
    Object.assign(this, { network, $, sizes });
    this.rows = network.decoded();
    this.number = big ? BigInt : (n) => n;
    this.place = (times, place) => (times === 1 ? pool[place] : this.number(times) * pool[place]);
    this.repeats = this.rows.map((row) => (row.repeat ? this.place(...row.repeat) : this.number(1)));
    this.shapes = this.rows.map((row) => row.sizes && row.sizes.map(([times, place]) => $.sum(this.place(times, place))));
    this.elements = [];
    this.rows.forEach((row, i) => {
      this.elements[i] = row.like === i
        ? $.sum(this.shapes[i].reduce((a, b) => a * b, this.number(1))) : this.elements[row.like];
    });
    this.cached = new Map();
    this.tensors = lazily(() => new Map([
      ...network.inputs.map(([id, width, times, place]) => [id, { elements: this.place(times, place), width }]),
      ...this.rows.map(({ id, width }, i) => [id, { elements: this.elements[i], width }])]));
    if (!big) this.checkBound();
  }

  /** Throws TooLarge where some sum of these counts, of work or of what is held, may exceed 2^53. */
  checkBound() {
    let most = this.network.inputs.reduce((sum, [, , times, place]) => sum + 16 * this.place(times, place), 0);
    this.rows.forEach((row, i) => {
      let own = 16 * this.elements[i];
      row.amounts.forEach(([times, place], n) => { own += times * row.kind.most[n] * Math.abs(this.amount(row, i, place)); });
      for (const each of [row.learnt, row.kept]) if (each.length) own += 16 * each[0] * Math.abs(this.place(1, each[1]));
      most += this.repeats[i] * own;
    });
    if (!(most <= Number.MAX_SAFE_INTEGER)) throw new TooLarge("a count is beyond 2^53");
  }

  amount(row, i, place) {
    return place === OWN ? this.elements[i] : place === FIRST ? this.elements[row.first] : this.place(1, place);
  }

  /** The amount of each row: "work" under a convention, "activations", "params" or bytes. */
  each(quantity, which = 0) {
    const key = `${quantity}/${which}`;
    if (!this.cached.has(key))
      this.cached.set(key, this.rows.map((row, i) =>
        this.$.sum(this.repeats[i] * AMOUNTS[quantity](this, row, i, which))));
    return this.cached.get(key);
  }

  total(quantity, which = 0) {
    return this.$.sum(...this.each(quantity, which));
  }

  /** What the bound leaves out: counted again with big integers where a sum is beyond 2^53. */
  exactly(count) {
    try {
      return count(this);
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      return count(this.inBig ??= new Counted(this.network, inBigInts, true, this.sizes));
    }
  }

  /** The bytes that are read and written, in all and by each row. */
  traffic(width) { return this.exactly((counts) => counts.total("traffic", width)); }
  eachTraffic(width) { return this.exactly((counts) => counts.each("traffic", width)); }

  /** Femtojoules by a table {macs, byte}, in all and by each row: large, so with big integers. */
  energy(width, table) { return joules(this.total("work", 0), this.traffic(width), width, table); }
  eachEnergy(width, table) {
    const works = this.each("work", 0);
    return this.eachTraffic(width).map((bytes, i) => joules(works[i], bytes, width, table));
  }

  /** Its time on a device: {seconds, units, of each row}. A unit counts for the row that names it. */
  time(device) {
    const key = `time/${device.name}`;
    if (!this.cached.has(key)) {
      const units = unitTimes(this, device), rows = this.rows.map(() => 0);
      for (const { row, seconds } of units) rows[row] += 1e3 * seconds;
      this.cached.set(key, { seconds: units.reduce((sum, unit) => sum + unit.seconds, 0), units, rows, counts: this });
    }
    return this.cached.get(key);
  }

  shape(i) { return this.shapes[this.rows[i].like]; }

  /** Is the work of every row known under the convention? */
  known(convention) {
    return !this.rows.some((row, i) => row.kind.unknown[convention] && this.repeats[i] != 0);
  }

  /** The bytes of all live activations while each row runs: with `fused`, norms, activations and
   *  additions write into their first input where nothing else reads it. */
  live(width, fused = true) {
    const absent = new Map(), rows = [];
    const standing = (id) => { while (absent.has(id)) id = absent.get(id); return id; };
    const bytes = new Map(this.network.inputs.map(([id, own, times, place]) =>
      [id, this.place(times, place) * this.number(bytesEach(own, width))]));
    this.rows.forEach((row, i) => {
      const reads = row.reads.map(standing);
      if (this.repeats[i] == 0) {
        const at = row.reads.indexOf(row.standIn);
        absent.set(row.id, at < 0 ? reads[0] : reads[at]);
        return;
      }
      bytes.set(row.id, this.elements[i] * this.number(bytesEach(row.width, width)));
      rows.push({ row, i, reads });
    });
    const last = new Map();
    rows.forEach(({ reads }, step) => reads.forEach((id) => last.set(id, step)));
    const end = (id) => last.get(id) ?? rows.length;
    let alive = this.network.inputs.map(([id]) => id);
    return rows.map(({ row, i, reads }, step) => {
      alive = alive.filter((id) => end(id) >= step);
      const over = fused && row.kind.inPlace && row.wide && end(reads[0]) <= step ? reads[0] : null;
      const parts = alive.filter((id) => id !== over).map((id) => bytes.get(id));
      alive.push(row.id);
      return { i, bytes: this.$.sum(bytes.get(row.id), ...parts) };
    });
  }

  peak(width) {
    return this.live(width).reduce((most, { bytes }) => (bytes > most ? bytes : most), this.number(0));
  }

  memory(width) {
    const most = this.live(width, false).reduce((a, { bytes }) => (bytes > a ? bytes : a), this.number(0));
    return this.$.sum(this.total("bytes", width), this.total("buffers", width), most);
  }
}

const pairs = (flat) => flat.reduce((found, x, i) => (i % 2 ? found : [...found, [x, flat[i + 1]]]), []);

const OWN = -1, FIRST = -2;

/** What one run of a row has. */
const AMOUNTS = {
  work(counted, row, i, convention) {
    const terms = row.amounts.map(([times, place], n) =>
      counted.number(times * row.kind.taken[n][convention]) * counted.amount(row, i, place));
    return counted.$.sum(...terms, counted.number(0));
  },
  activations: (counted, row, i) => (row.kind.activates ? counted.elements[i] : counted.number(0)),
  params: (counted, row) => (row.learnt.length ? counted.place(row.learnt[0], row.learnt[1]) : counted.number(0)),
  bytes: (counted, row, i, width) => bytesOf(counted, row.learnt, width),
  buffers: (counted, row, i, width) => bytesOf(counted, row.kept, width),
  int4(counted, { learnt, packed }) {
    if (packed.length) return counted.place(...packed);
    return learnt.length ? counted.$.floorDiv(counted.place(learnt[0], learnt[1]) + counted.number(1), counted.number(2)) : counted.number(0);
  },
  traffic(counted, row, i, width) {
    if (row.moved.length) return bytesOf(counted, [0, 0, ...row.moved], width);
    const sizes = [...row.reads, row.id].map((id) => {
      const { elements, width: own } = counted.tensors().get(id);
      return elements * counted.number(bytesEach(own, width));
    });
    return counted.$.sum(...sizes, bytesOf(counted, row.learnt, width), bytesOf(counted, row.kept, width));
  },
};

/** The bytes of an element: its own, or those of a number, of which a complex one has two. */
const bytesEach = (own, width) => (own < 0 ? -own * width : own || width);

const joules = (macs, bytes, width, table) => BigInt(macs) * BigInt(table.macs[width]) + BigInt(bytes) * BigInt(table.byte);

function bytesOf(counted, [times, place, floats, at, others, where], width) {
  if (times === undefined) return counted.number(0);
  if (floats === undefined) return counted.place(times, place) * counted.number(width);
  return counted.place(floats, at) * counted.number(width) + counted.place(others, where);
}
