// Exact counts. Integers are doubles while each is below 2^53 on the way, else BigInt, else refused.

/** A size outside the domain of a formula; the message says which rule it breaks. */
class Outside extends RangeError {}

/** An integer that doubles do not hold exactly. */
class TooLarge extends RangeError {}

const safe = (number) => {
  if (Number.isSafeInteger(number)) return number;
  throw new TooLarge("a rounded size is beyond 2^53, where it is no longer exact");
};

const remainder = () => new Outside("the count is not whole: a division leaves a remainder");
const zero = () => new Outside("the formula has no value at these sizes: it divides by zero");

const inDoubles = {
  /** The sum, of whose terms and partial sums none may exceed 2^53. */
  sum(...terms) {
    let sum = 0, size = 0;
    for (const term of terms) { sum += term; size += Math.abs(term); }
    if (size <= Number.MAX_SAFE_INTEGER) return sum;
    throw new TooLarge("a count is beyond 2^53");
  },
  floorDiv(a, b) {
    if (b === 0) throw zero();
    const rest = a % b;
    return (a - (rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest)) / b;
  },
  exactDiv(a, b) {
    if (b === 0) throw zero();
    if (a % b !== 0) throw remainder();
    return a / b;
  },
  isMultiple: (a, b) => b !== 0 && a % b === 0,
  whole: safe,
  double: (a) => a,
  real: (a) => a,
  trueDiv(a, b) {
    if (b === 0) throw zero();
    return a / b;
  },
  size: (a) => a,
};

const inBigInts = {
  sum: (...terms) => terms.reduce((sum, term) => sum + term, 0n),
  floorDiv(a, b) {
    if (b === 0n) throw zero();
    const down = a % b !== 0n && a < 0n !== b < 0n;
    return a / b - (down ? 1n : 0n);
  },
  exactDiv(a, b) {
    if (b === 0n) throw zero();
    if (a % b !== 0n) throw remainder();
    return a / b;
  },
  isMultiple: (a, b) => b !== 0n && a % b === 0n,
  whole: (a) => (typeof a === "bigint" ? a : BigInt(safe(a))),
  double: (a) => (typeof a === "bigint" ? safe(Number(a)) : a),
  real: Number,
  trueDiv(a, b) {
    const [above, below] = [inBigInts.double(a), inBigInts.double(b)];
    if (below === 0) throw zero();
    return above / below;
  },
  size: BigInt,
};

/** A sum of doubles in the order of the network's code. */
const realSum = (...terms) => {
  const sum = terms.reduce((a, b) => a + b);
  if (Math.abs(sum) <= Number.MAX_SAFE_INTEGER) return sum;
  throw new TooLarge("a size is beyond 2^53");
};

const given = (sizes) => Object.entries(sizes).map(([name, size]) => `${name}=${size}`).join(", ");

/** Raises Outside for a size that is missing, of the wrong kind, or below its bound. */
function checkSizes(sizes, bounds) {
  for (const [name, { least, whole, needed }] of Object.entries(bounds)) {
    const size = sizes[name];
    if (size === undefined && !needed) continue;
    if (size === undefined) throw new Outside(`no value for ${name}; given: ${given(sizes)}`);
    if (whole && !Number.isSafeInteger(size))
      throw new Outside(`${name}=${size} is not an integer below 2^53; give one from ${least}`);
    if (whole ? !(size >= least) : !(size > least && size < Infinity)) {
      const rule = whole ? `at least ${least}` : `above ${least} and finite`;
      throw new Outside(`${name}=${size} is outside the domain: ${name} must be ${rule}`);
    }
  }
}

/** What `program` gives at these sizes. A program has the `bounds` of its symbols, the domain's
 *  `rules` as [words, symbols], and its `doubles` and `bigints`: for each arithmetic, the `holds`
 *  of those rules and the `count`. */
function exactly(program, sizes) {
  checkSizes(sizes, program.bounds);
  try {
    return inArithmetic(program, inDoubles, program.doubles, sizes);
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    return inArithmetic(program, inBigInts, program.bigints, sizes);
  }
}

function inArithmetic(program, arithmetic, { holds, count }, sizes) {
  const own = {};
  for (const [name, { whole }] of Object.entries(program.bounds))
    if (sizes[name] !== undefined) own[name] = whole ? arithmetic.size(sizes[name]) : sizes[name];
  program.rules.forEach(([words, symbols], place) => {
    if (symbols.every((name) => name in own) && !holds[place](arithmetic, own))
      throw new Outside(`outside the domain (${words}); given: ${given(sizes)}`);
  });
  return narrow(count(arithmetic, own));
}

/** The counts, each as a double where that is exact. */
function narrow(found) {
  if (Array.isArray(found)) return found.map(narrow);
  const exact = typeof found === "bigint" && Number.isSafeInteger(Number(found));
  return exact ? Number(found) : found;
}
