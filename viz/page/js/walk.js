// ---- the walk: what is known after k steps is a function of k --------------------------------------------

/** The walk of the file, with the lists that looking things up needs. */
function prepare(data) {
  const { nodes, steps } = data.walk;
  const walk = {
    nodes,
    steps,
    terms: [],
    into: nodes.map(() => []), // the terms that each node receives, and those that it passes on
    out: nodes.map(() => []),
    passing: nodes.map(() => 0),
    computed: nodes.map(() => 0),
  };
  walk.root = nodes.length - 1;
  walk.leaves = nodes.filter((node) => !node.op).map((node) => node.index);
  for (const step of steps) {
    if (step.direction === "forward") walk.computed[step.node] = step.number;
    step.seed = step.direction === "backward" && step.position === 1;
    step.terms = step.contributions.map((c) => {
      const id = walk.terms.length;
      walk.terms.push({ ...c, id, step: step.number });
      return id;
    });
    if (step.terms.length) walk.passing[step.node] = step.number;
  }
  for (const term of walk.terms) {
    walk.into[term.parent].push(term.id);
    walk.out[term.user].push(term);
  }
  for (const list of walk.into) list.sort((a, b) => walk.terms[a].use - walk.terms[b].use);
  walk.seed = steps.find((step) => step.seed).number;
  return walk;
}

/** The numbers that Python recorded. */
function recorded(data) {
  const { nodes, steps } = data.walk;
  const terms = steps
    .flatMap((step) => step.contributions)
    .map((c) => ({
      incoming: real(c.incoming),
      local: real(c.local),
      amount: real(c.amount),
      before: real(c.before),
      after: real(c.after),
    }));
  return { data: nodes.map((node) => real(node.data)), grad: nodes.map((node) => real(node.grad)), terms };
}

/** The numbers for other leaves (a Map), worked out by the functions of the rule table. */
function compute(walk, leaves) {
  const data = forward(walk, leaves);
  const grad = walk.nodes.map(() => null);
  grad[walk.root] = 1;
  const terms = walk.terms.map((term) => {
    const local = localSlope(walk, term, data);
    const incoming = grad[term.user];
    const before = grad[term.parent];
    const amount = incoming * local;
    grad[term.parent] = before === null ? amount : before + amount;
    return { incoming, local, amount, before, after: grad[term.parent] };
  });
  return { data, grad, terms };
}

/** The data of every node; `nudged` is a node that gets `value` whatever its inputs are. */
function forward(walk, leaves, nudged = -1, value = 0) {
  const data = [];
  for (const node of walk.nodes) {
    if (node.index === nudged) data.push(value);
    else if (!node.op) data.push(leaves.get(node.index));
    else data.push(rules[node.op].value(...node.inputs.map((input) => filled(input, data))));
  }
  return data;
}

function filled(input, data) {
  if (Array.isArray(input)) return input.map((part) => filled(part, data));
  if (input !== null && typeof input === "object") return data[input.node];
  return Number(input);
}

function localSlope(walk, term, data) {
  const user = walk.nodes[term.user];
  const partial = rules[user.op].partials[term.slot];
  const found = partial(data[term.user], ...user.inputs.map((input) => filled(input, data)));
  return Array.isArray(found) ? found[term.element] : found;
}

/** Richardson's extrapolation of two central differences, at any node: what a nudge there does to the root. */
function finiteDifference(walk, numbers, leaves, index) {
  const x = numbers.data[index];
  const root = (h) => forward(walk, leaves, index, x + h)[walk.root];
  const step = 1e-3 * Math.max(1, Math.abs(x));
  const central = (h) => (root(h) - root(-h)) / (2 * h);
  return (4 * central(step / 2) - central(step)) / 3;
}

/** What is known of one node after k steps. */
function known(walk, numbers, index, k) {
  const { uses } = walk.nodes[index];
  let reported = 0;
  let grad = null;
  for (const id of walk.into[index]) {
    if (walk.terms[id].step > k) break;
    reported += 1;
    grad = numbers.terms[id].after;
  }
  if (index === walk.root && k >= walk.seed) grad = numbers.grad[index];
  const data = walk.computed[index] <= k ? numbers.data[index] : null;
  return { data, grad, reported, uses, ready: grad !== null && reported === uses };
}

const MOST_PATHS = 32;

/** The paths from the root to a node as lists of terms; null where there are more than MOST_PATHS. */
function paths(walk, index) {
  const count = new Map([[walk.root, 1]]);
  for (let n = walk.root - 1; n >= index; n -= 1) {
    count.set(
      n,
      walk.into[n].reduce((sum, id) => sum + (count.get(walk.terms[id].user) ?? 0), 0),
    );
  }
  if (count.get(index) > MOST_PATHS) return null;
  const found = [];
  const climb = (n, below) => {
    if (n === walk.root) found.push(below);
    else for (const id of walk.into[n]) climb(walk.terms[id].user, [id, ...below]);
  };
  climb(index, []);
  return found;
}
