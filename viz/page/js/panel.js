// ---- the panel: Step, Node, Why this order, Check --------------------------------------------------------
const TABS = [
  ["step", "Step"],
  ["node", "Node"],
  ["why", "Why this order"],
  ["check", "Check"],
];
const MOST_TERMS = 12; // contributions that are written out; of more, the first ones and the last

function makePanel(app) {
  const sheets = { step: stepSheet(app), node: nodeSheet(app), why: whySheet(app), check: checkSheet(app) };
  const tabs = new Map(
    TABS.map(([key, title]) => [
      key,
      html(
        "button",
        {
          type: "button",
          role: "tab",
          id: `${app.run}_tab_${key}`,
          "aria-controls": `${app.run}_sheet_${key}`,
          onclick: () => app.open(key),
          onkeydown: (event) => turn(event, key),
        },
        title,
      ),
    ]),
  );
  const panels = new Map(
    TABS.map(([key]) => [
      key,
      html(
        "div",
        {
          class: "sheet",
          role: "tabpanel",
          id: `${app.run}_sheet_${key}`,
          "aria-labelledby": `${app.run}_tab_${key}`,
          tabindex: "0",
        },
        sheets[key].root,
      ),
    ]),
  );
  app.part("tabs").append(...tabs.values());
  app.part("sheets").append(...panels.values());

  /** The arrow keys turn over the tabs, as in any list of tabs. */
  function turn(event, key) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = TABS[(TABS.findIndex(([other]) => other === key) + by + TABS.length) % TABS.length][0];
    app.open(next);
    tabs.get(next).focus();
    event.preventDefault();
    event.stopPropagation();
  }

  function show(k) {
    for (const [key, tab] of tabs) {
      const chosen = key === app.tab;
      assign(tab, "aria-selected", chosen);
      assign(tab, "tabindex", chosen ? "0" : "-1");
      panels.get(key).hidden = !chosen;
    }
    sheets[app.tab].show(k);
  }

  return { show };
}

// ---- phrases that link to nodes --------------------------------------------------------------------------
function nodeLink(app, index, text = null) {
  return html(
    "a",
    {
      class: "name",
      href: app.address({ node: index, tab: "node" }),
      onclick: (event) => {
        event.preventDefault();
        app.select(index, "node");
      },
    },
    text ?? app.walk.nodes[index].shown,
  );
}

/** A piece that lights its arrow in the graph while the pointer or the focus is on it, and is lit by it. */
function lighting(app, terms, attributes, ...children) {
  const made = html(
    "span",
    {
      ...attributes,
      "data-terms": terms.join(" "),
      onmouseenter: () => app.highlight(terms),
      onmouseleave: () => app.highlight([]),
      onfocusin: () => app.highlight(terms),
      onfocusout: () => app.highlight([]),
    },
    ...children,
  );
  return made;
}

const names = (app) => (index) => app.walk.nodes[index].shown;
const figures = (app) => (index) => number(app.numbers.data[index]);

/** ∂(h+1)/∂h of one use, with the operation written out where it is short. */
function useSlope(app, term) {
  const user = app.walk.nodes[term.user];
  const written = user.formula.length <= 24 && app.data.values[term.user];
  const above = written ? bracketed(tree(written, names(app))) : word(user.shown);
  return slope(above, word(inputName(app, term)));
}

function bracketed(made) {
  const call = made.children.length > 1 && made.children[1]?.textContent === "(";
  return made.localName !== "mrow" || call ? made : mathml("mrow", operator("("), made, operator(")"));
}

/** "h", or "1st h" where the operation uses h more than once. */
function inputName(app, term) {
  const { shown } = app.walk.nodes[term.parent];
  const same = app.walk.out[term.user].filter((other) => other.parent === term.parent);
  if (same.length === 1) return shown;
  same.sort((a, b) => (a.element ?? Infinity) - (b.element ?? Infinity) || a.slot - b.slot);
  return `${ordinal(same.findIndex((other) => other.id === term.id) + 1)} ${shown}`;
}

function ordinal(n) {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th");
  return `${n}${ending}`;
}

/** "was 7, add 6 → 13, complete (2/2)". */
function ledger(app, id) {
  const term = app.walk.terms[id];
  const { before, amount, after } = app.numbers.terms[id];
  const complete = term.use === term.uses;
  return html(
    "p",
    { class: "ledger" },
    `was ${number(before)}, add ${number(amount)} → `,
    html("b", { class: complete ? "result" : "gradient" }, number(after)),
    complete ? `, complete (${term.use}/${term.uses})` : `, uses reported ${term.use}/${term.uses}`,
  );
}

/** The first ones and the last of a long list. */
function some(list, most = MOST_TERMS) {
  return list.length <= most
    ? { first: list, left: 0, last: [] }
    : { first: list.slice(0, most - 1), left: list.length - most, last: list.slice(-1) };
}

function eachOf(list, say) {
  const { first, left, last } = some(list);
  return [...first.map(say), left ? html("p", { class: "note" }, `… and ${left} more`) : null, ...last.map(say)];
}
