// The formulas as MathML, from their texts in JavaScript.

const MATH = "http://www.w3.org/1998/Math/MathML";
const m = (tag, ...children) => {
  const element = document.createElementNS(MATH, tag);
  element.append(...children.flat());
  return element;
};

/** The tree of a text: ["*", …], ["call", name, …], ["name", x] or ["number", x]. */
function parsed(text) {
  const tokens = text.match(/[$\w.]+|-|[(),*]/g);
  let at = 0;
  const product = () => {
    const factors = [atom()];
    while (tokens[at] === "*") { at += 1; factors.push(atom()); }
    return factors.length > 1 ? ["*", ...factors] : factors[0];
  };
  const atom = () => {
    const token = tokens[at++];
    if (token === "-") return ["number", `-${tokens[at++].replace(/n$/, "")}`];
    if (token === "(") { const inner = product(); at += 1; return inner; }
    if (/^\d/.test(token)) return ["number", token.replace(/n$/, "")];
    if (tokens[at] !== "(") return ["name", token.replace(/^\$/, "")];
    const inner = [];
    for (at += 1; tokens[at - 1] !== ")"; at += 1) if (tokens[at] !== ")") inner.push(product());
    return ["call", token, ...inner];
  };
  return product();
}

/** A bracket that stays small. */
function bracket(sign) {
  const element = m("mo", sign);
  element.setAttribute("stretchy", "false");
  return element;
}

const grouped = (digits) => (/^-?\d{5,}$/.test(digits) ? digits.replace(/\B(?=(\d{3})+$)/g, ",") : digits);

class Typeset {
  /** `letters` are how names are written; `numbers`, if given, what stands for them. */
  constructor(lets, letters, numbers) {
    this.trees = new Map(lets.map(([name, text]) => [name, parsed(text)]));
    this.letters = letters;
    this.numbers = numbers;
  }

  of(text) { return m("math", this.tree(parsed(text))); }

  tree(node) {
    const [kind, head, ...inner] = node;
    if (kind === "number") return m("mn", grouped(head).replace("-", "−"));
    if (kind === "name") return this.name(head);
    if (kind === "*") return m("mrow", this.product([head, ...inner]));
    return this.call(head, inner);
  }

  product(factors) {
    const [powers, parts] = [new Map(), []];
    for (const each of factors) {
      const key = JSON.stringify(each);
      powers.set(key, (powers.get(key) ?? 0) + 1);
    }
    const ordered = [...powers].sort(([a], [b]) => b.startsWith('["number"') - a.startsWith('["number"'));
    for (const [key, power] of ordered) {
      const each = JSON.parse(key);
      const sum = each[0] === "call" && each[1] === "$.sum" && each.length > 3;
      const base = sum ? m("mrow", m("mo", "("), this.tree(each), m("mo", ")")) : this.tree(each);
      if (parts.length) parts.push(m("mo", this.numbers ? "·" : "\u2062"));
      parts.push(power > 1 ? m("msup", base, m("mn", power)) : base);
    }
    return parts;
  }

  call(name, inner) {
    if (name === "$.sum" || name === "realSum") return m("mrow", this.sum(inner));
    if (name === "$.floorDiv") return this.floor(...inner);
    if (name === "$.exactDiv" || name === "$.trueDiv") return m("mfrac", ...inner.map((n) => this.tree(n)));
    if (/^\$\.(whole|real|double)$/.test(name)) return this.tree(inner[0]);
    const sign = { "rules.times": "·", "rules.plus": "+", "rules.minus": "−" }[name];
    if (sign) return m("mrow", this.tree(inner[0]), m("mo", sign), this.tree(inner[1]));
    if (name === "rules.over") return m("mfrac", ...inner.map((n) => this.tree(n)));
    const words = m("mi", name.replace("rules.", "").replaceAll("_", " "));
    const parts = inner.flatMap((n, i) => (i ? [m("mo", ","), this.tree(n)] : [this.tree(n)]));
    return m("mrow", words, m("mo", "\u2061"), bracket("("), parts, bracket(")"));
  }

  sum(terms) {
    return terms.flatMap((term, i) => {
      const [first, rest] = term[0] === "*" ? [term[1], term.slice(2)] : [term, []];
      const minus = first[0] === "number" && first[1].startsWith("-");
      if (!minus) return i ? [m("mo", "+"), this.tree(term)] : [this.tree(term)];
      const size = ["number", first[1].slice(1)];
      const factors = size[1] === "1" && rest.length ? rest : [size, ...rest];
      return [m("mo", "−"), factors.length > 1 ? m("mrow", this.product(factors)) : this.tree(factors[0])];
    });
  }

  /** The summands of the text, each on a line, and what all are multiplied by. */
  lines(text) {
    let [factors, sum] = [[], parsed(text)];
    while (sum[0] === "call" && sum[1] === "$.sum" && sum.length === 3) {
      const inner = sum[2], parts = inner[0] === "*" ? inner.slice(1) : [inner];
      const at = parts.findIndex(([kind, name], i) => kind === "call" && name === "$.sum" && parts[i].length > 3);
      if (at < 0) break;
      factors.push(...parts.filter((_, i) => i !== at));
      sum = parts[at];
    }
    if (!(sum[0] === "call" && sum[1] === "$.sum" && sum.length > 3)) return [this.of(text)];
    const found = this.sum(sum.slice(2)), rows = [];
    for (const part of found) {
      if (part.localName === "mo") rows.push([part]);
      else if (rows.length && rows.at(-1).length === 1) rows.at(-1).push(part);
      else rows.push([part]);
    }
    const open = factors.length ? [...this.product(factors), m("mo", "·"), bracket("(")] : [];
    if (open.length) { rows[0].unshift(...open); rows.at(-1).push(bracket(")")); }
    return rows.map((parts) => m("math", m("mrow", parts)));
  }

  /** ⌈H/2⌉ where the constant shows it, else a floor. */
  floor(above, below) {
    const terms = above[0] === "call" && above[1] === "$.sum" ? above.slice(2) : [above];
    const constant = terms.find(([kind]) => kind === "number");
    const up = constant && below[0] === "number" && +constant[1] === +below[1] - 1;
    const rest = up ? terms.filter((term) => term !== constant) : terms;
    const [left, right] = up ? "⌈⌉" : "⌊⌋";
    return m("mrow", m("mo", left), m("mfrac", m("mrow", this.sum(rest)), this.tree(below)), m("mo", right));
  }

  name(name) {
    if (this.numbers && name in this.numbers) return m("mn", grouped(String(this.numbers[name])));
    const tree = this.trees.get(name);
    if (tree && !isRounded(tree)) return this.tree(tree);
    const [, word, index] = /^(c)(\d+)_*$/.exec(name) ?? [null, this.letters[name] ?? name];
    return index ? m("msub", m("mi", word), m("mn", index)) : m("mi", word);
  }

  /** The definitions of rounded widths, "c₁ = make divisible(16·α, 8)". */
  definitions() {
    return [...this.trees].filter(([, tree]) => isRounded(tree)).map(([name, tree]) => {
      const left = new Typeset([], this.letters).name(name);
      return m("math", m("mrow", left, m("mo", "="), this.tree(tree)));
    });
  }
}

/** Is it a rounding rule, which has a name of its own, and not a floor? */
const isRounded = ([kind, name, inner]) =>
  kind === "call" && (name.startsWith("rules.") || (name === "$.whole" && isRounded(inner)));
