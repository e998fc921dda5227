// ---- the page: one object holds all state, and render() shows it -----------------------------------------
const KEYS = [
  [["→", "←"], "step forward, back"],
  [["Home", "End"], "first, last step"],
  [["Space"], "play or pause"],
  [["↑", "↓"], "move between the nodes of the graph"],
  [["Enter"], "open a node, fold or unfold a cluster"],
  [["1", "2", "3", "4"], "Step, Node, Why this order, Check"],
  [["+", "−", "0"], "zoom in, zoom out, fit"],
  [["Ctrl + wheel"], "zoom at the pointer; drag to pan"],
  [["?"], "this list"],
];
const THEME_NAMES = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };

function makeApp(root) {
  const { run } = root.dataset;
  const data = JSON.parse(document.getElementById(`${run}_data`).textContent);
  const walk = prepare(data);
  const original = new Map(walk.leaves.map((leaf) => [leaf, real(data.walk.nodes[leaf].data)]));
  const first = recorded(data);
  const app = {
    run,
    data,
    walk,
    original, // the leaves of the file
    base: original, // those that Reset goes back to: of the file, or of a recorded step of training
    recorded: first,
    numbers: first,
    leaves: new Map(original),
    k: 0,
    selected: null,
    tab: "step",
    picture: data.start,
    lit: new Set(),
    visited: null,
    playing: null,
    editable: !data.missing.length && !data.walk.nodes.some((node) => isTensor(node.data)),
    part: (name) => root.querySelector(`[data-part="${name}"]`),
  };
  const last = walk.steps.length;

  // -- showing
  app.render = () => {
    const { k } = app;
    app.picture_.show(k);
    for (const view of views) view.show(k);
  };
  app.recompute = () => {
    app.numbers = compute(walk, app.leaves);
    app.render();
  };
  /** Whether the numbers shown are others than the file's: changed by hand, or of another step of training. */
  app.edited = () =>
    app.editable
      ? walk.leaves.some((leaf) => !Object.is(app.leaves.get(leaf), original.get(leaf)))
      : app.numbers !== app.recorded;
  app.say = (text) => write(app.part("live"), text);
  app.highlight = (terms) => {
    app.lit = new Set(terms);
    for (const arrow of app.picture_.current().arrows) {
      arrow.group.classList.toggle(
        "lit",
        arrow.terms.some((id) => app.lit.has(id)),
      );
      arrow.now = null;
    }
    for (const piece of root.querySelectorAll("[data-terms]")) {
      piece.classList.toggle(
        "lit",
        piece.dataset.terms.split(" ").some((id) => app.lit.has(Number(id))),
      );
    }
  };

  // -- going
  app.go = (k, { remember = true, quiet = false } = {}) => {
    const next = Math.min(Math.max(k, 0), last);
    if (next === app.k) return;
    app.k = next;
    app.lit = new Set();
    app.render();
    if (remember) store("pushState");
    else later();
    if (!quiet) app.say(spokenStep(app, next));
  };
  app.select = (index, tab = "node") => {
    app.selected = index;
    app.open(tab);
  };
  app.open = (tab) => {
    app.tab = tab;
    app.render();
    store("replaceState");
  };
  app.uncover = (index) => app.picture_.uncover(index);

  // -- the address: #step=12&node=3&tab=node
  app.address = ({ step = app.k, node = app.selected, tab = app.tab } = {}) => {
    const parts = [`step=${step}`];
    if (node !== null) parts.push(`node=${node}`);
    if (tab !== "step") parts.push(`tab=${tab}`);
    return `#${parts.join("&")}`;
  };
  function store(how) {
    try {
      history[how](null, "", app.address());
    } catch {
      // a sandboxed frame of a notebook has no address of its own
    }
  }
  let waiting = 0;
  /** Browsers refuse an address that changes hundreds of times, as while playing or scrubbing. */
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(() => store("replaceState"), 400);
  }
  function read() {
    clearTimeout(waiting);
    const wanted = new URLSearchParams(location.hash.slice(1));
    const whole = (name, most) => {
      const text = wanted.get(name) ?? "";
      return /^\d+$/.test(text) && Number(text) <= most ? Number(text) : null;
    };
    app.k = whole("step", last) ?? 0;
    app.selected = whole("node", walk.root);
    app.tab = TABS.some(([key]) => key === wanted.get("tab")) ? wanted.get("tab") : "step";
  }

  // -- playing
  app.play = () => {
    if (app.playing) return app.pause();
    if (app.k === last) app.go(0, { remember: false, quiet: true });
    const tick = () => {
      app.go(app.k + 1, { remember: false, quiet: true });
      if (app.k === last) return app.pause();
      app.playing = setTimeout(tick, 1100 / Number(app.part("speed").value));
    };
    app.playing = setTimeout(tick, 250);
    app.render();
  };
  app.pause = () => {
    clearTimeout(app.playing);
    app.playing = null;
    app.render();
    app.say(spokenStep(app, app.k));
  };

  app.picture_ = makePicture(app);
  read();
  app.picture_.show(app.k); // it measures its place, which is quick while there is little else
  const views = [makePanel(app), makeTransport(app, last), makeTable(app), makeEditor(app), makeReplay(app)];
  makeHead(app);
  makeKeys(app, last);
  const arrive = () => {
    read();
    app.render();
  };
  window.addEventListener("popstate", arrive);
  window.addEventListener("hashchange", arrive);
  arrive();
  return app;
}

function spokenStep(app, k) {
  if (k === 0) return "Start.";
  const { walk, numbers } = app;
  const step = walk.steps[k - 1];
  const { shown, formula: written } = walk.nodes[step.node];
  const head = `${step.direction} ${step.position} of ${step.count}. `;
  if (step.direction === "forward") return `${head}${shown} = ${brief(written)} = ${number(numbers.data[step.node])}.`;
  if (step.seed) return `${head}The sweep starts at ${shown} with 1.`;
  const reports = step.terms.slice(0, 4).map((id) => {
    const { parent, use, uses } = walk.terms[id];
    const { amount, after } = numbers.terms[id];
    return `${walk.nodes[parent].shown} receives ${number(amount)}, now ${number(after)}${use === uses ? ", complete" : ""}`;
  });
  return `${head}${shown} passes on ${number(numbers.grad[step.node])}: ${reports.join("; ")}${step.terms.length > 4 ? "; and more" : ""}.`;
}

// ---- the bar of steps ------------------------------------------------------------------------------------
function makeTransport(app, last) {
  const part = (name) => app.part(name);
  const scrubber = part("scrubber");
  scrubber.max = last;
  scrubber.style.setProperty("--split", `${(100 * (app.walk.seed - 1)) / last}%`);
  const press = {
    first: () => app.go(0),
    back: () => app.go(app.k - 1),
    play: () => app.play(),
    forward: () => app.go(app.k + 1),
    last: () => app.go(last),
  };
  for (const [name, act] of Object.entries(press)) part(name).addEventListener("click", act);
  scrubber.addEventListener("input", () => app.go(Number(scrubber.value), { remember: false, quiet: true }));

  function show(k) {
    const step = k ? app.walk.steps[k - 1] : null;
    const position = step ? `${step.direction} ${step.position} of ${step.count}` : `start · ${last} steps`;
    scrubber.value = k;
    assign(scrubber, "aria-valuetext", position);
    write(part("position"), position);
    assign(part("position"), "data-direction", step?.direction ?? "");
    for (const name of ["first", "back"]) assign(part(name), "aria-disabled", k === 0);
    for (const name of ["forward", "last"]) assign(part(name), "aria-disabled", k === last);
    part("play").classList.toggle("playing", app.playing !== null);
    assign(part("play"), "aria-label", app.playing === null ? "Play" : "Pause");
  }

  return { show };
}

// ---- the head, and what stands around the graph ----------------------------------------------------------
function makeHead(app) {
  const { walk, data } = app;
  const { shown, formula: written } = walk.nodes[walk.root];
  const backward = walk.steps.length - walk.seed + 1;
  write(
    app.part("summary"),
    `${shown}${written ? ` = ${brief(written, 60)}` : ""} · ${walk.nodes.length} nodes, ${walk.seed - 1} steps forward, ${backward} backward`,
  );
  const theme = app.part("theme");
  const name = () => write(theme, THEME_NAMES[document.documentElement.dataset.theme]);
  theme.addEventListener("click", () => {
    const order = Object.keys(THEME_NAMES);
    const now = order.indexOf(document.documentElement.dataset.theme);
    document.documentElement.dataset.theme = order[(now + 1) % order.length];
    name();
  });
  name();
  const { fit, zoom, actions } = app.picture_;
  const buttons = {
    fit,
    zoomIn: () => zoom(1.25),
    zoomOut: () => zoom(0.8),
    foldAll: actions.foldAll,
    openAll: actions.openAll,
  };
  for (const [part, act] of Object.entries(buttons)) app.part(part).addEventListener("click", () => act());
  app.part("foldAll").hidden = app.part("openAll").hidden = !data.clusters.length;
  const all = data.pictures.some((picture) => picture.open.length === data.clusters.length);
  app.part("openAll").hidden ||= !all;
  if (data.closed.length) {
    app.part("limit").hidden = false;
    write(
      app.part("limit"),
      `This file holds ${data.pictures.length} pictures, made up to ${data.mostShapes} boxes and arrows; ${data.closed.length} of ${data.clusters.length} clusters stay folded.`,
    );
  }
}

function makeKeys(app, last) {
  const dialog = app.part("keys");
  const line = ([keys, what]) => [
    html(
      "dt",
      null,
      keys.map((key) => html("kbd", null, key)),
    ),
    html("dd", null, what),
  ];
  app.part("keyList").append(...KEYS.flatMap(line));
  app.part("help").addEventListener("click", () => dialog.showModal());
  const { zoom, fit, move } = app.picture_;
  const act = {
    ArrowRight: () => app.go(app.k + 1),
    ArrowLeft: () => app.go(app.k - 1),
    Home: () => app.go(0),
    End: () => app.go(last),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    " ": () => app.play(),
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(),
    "?": () => dialog.showModal(),
    ...Object.fromEntries(TABS.map(([key], n) => [String(n + 1), () => app.open(key)])),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (target.closest("input, select, textarea")) return;
    const node = target.closest(".node, .cluster");
    if (node && (event.key === "Enter" || event.key === " ")) {
      if (event.key === " ") return (act[" "](), event.preventDefault());
      node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      return event.preventDefault();
    }
    if (event.key === " " && target.closest("button, a, summary")) return;
    if ((event.key === "ArrowUp" || event.key === "ArrowDown") && target.closest(".sheet, .scroll")) return; // these scroll
    const chosen = act[event.key];
    if (!chosen) return;
    event.preventDefault();
    chosen();
  });
}

for (const root of document.querySelectorAll(".walk[data-run]")) window.microgradx = makeApp(root);
window.microgradx.functions = { number, gradText, real, prepare, recorded, compute, rules };
