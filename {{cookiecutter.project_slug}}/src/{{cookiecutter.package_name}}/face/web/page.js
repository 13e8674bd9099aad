"use strict";
// Whatever the node tells is put in as text: a name that looks like markup stays a name.

const LEAST_MS = 1000; // between two questions, however much happens
const WAIT_S = 4; // the node answers when something has changed, or after this
const PATIENCE_MS = 15000;
const SILENT_MS = 10000; // without an answer, what stands here is no longer believed

const find = (id) => document.getElementById(id);

function make(name, ...inside) {
  const made = document.createElement(name);
  made.append(...inside.filter((each) => each !== null && each !== undefined));
  return made;
}

function marked(element, ...classes) {
  element.classList.add(...classes.filter(Boolean));
  return element;
}

function moment(ms) {
  return new Date(ms).toISOString().replace("T", " ").slice(0, 19);
}

function money(text) {
  const [whole, part = ""] = text.replace("-", "").split(".");
  const digits = `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${part.padEnd(2, "0").slice(0, 4)}`;
  return `${text.startsWith("-") ? "−" : "+"}${digits}`;
}

function gain(text) {
  return marked(make("span", money(text)), text.startsWith("-") ? "bad" : Number(text) ? "good" : "");
}

// -- Tables ------------------------------------------------------------------------------------

// A column is its heading, what it shows of a row, and how: "number", "name"; on a phone "wide" is a
// line of its own without its heading, "line" one with it.
function table(place, columns, rows, none) {
  if (!rows.length) {
    find(place).replaceChildren(marked(make("p", none), "quiet"));
    return;
  }
  const heads = columns.map(([head, , how]) => marked(make("th", head), how === "number" && how));
  const lines = rows.map((row) => make("tr", ...columns.map(([head, show, how = ""]) => {
    const cell = marked(make("td", show(row)), ...how.split(" "));
    cell.dataset.head = head;
    return cell;
  })));
  find(place).replaceChildren(
    make("table", make("thead", make("tr", ...heads)), make("tbody", ...lines)));
}

const POSITIONS = [
  ["symbol", (row) => row.symbol, "wide"],
  ["held", (row) => row.quantity, "number"],
  ["entry", (row) => row.entry_price ?? "", "number"],
  ["mark", (row) => row.mark ?? "", "number"],
  ["open", (row) => (row.open_result === null ? "" : gain(row.open_result)), "number"],
  ["stop", (row) => row.stops.join(", ") || marked(make("span", "none"), "bad"), "number"],
  ["owner", (row) => row.strategy_id, "line name"],
];
const ORDERS = [
  ["order", (row) => `${row.leg} · ${row.side} ${row.quantity} ${row.symbol}`, "wide"],
  ["type", (row) => row.type],
  ["price", (row) => row.price ?? "", "number"],
  ["trigger", (row) => row.trigger_price ?? "", "number"],
  ["filled", (row) => row.filled, "number"],
  ["status", (row) => row.status],
  ["id", (row) => row.client_order_id, "wide name"],
];
const TRADES = [
  ["fill", (row) => `${row.leg} · ${row.side} ${row.quantity} ${row.symbol}`, "wide"],
  ["at (UTC)", (row) => moment(row.at_ms), "line"],
  ["price", (row) => row.price, "number"],
  ["realized", (row) => (Number(row.profit) ? gain(row.profit) : ""), "number"],
  ["fee", (row) => `${row.commission} ${row.currency}`, "number"],
];

// -- The curve ---------------------------------------------------------------------------------

function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function curve(day) {
  find("result").replaceChildren(day ? gain(day.result) : "not known");
  const points = day ? day.points.map(([at, result]) => [at, Number(result)]) : [];
  if (!points.length) {
    const why = day ? "Nothing was realized or paid today." : "The exchange has not told it lately.";
    find("curve").replaceChildren(marked(make("p", why), "quiet"));
    return;
  }
  const values = [0, ...points.map(([, value]) => value)];
  const low = Math.min(...values), high = Math.max(...values);
  const until = points.at(-1)[0], length = Math.max(until - day.began_ms, 1);
  const x = (at) => ((at - day.began_ms) / length) * 1000;
  const y = (value) => 5 + (1 - (value - low) / (high - low || 1)) * 190;
  let path = `M0 ${y(0)}`;
  for (const [at, value] of points) path += ` H${x(at).toFixed(1)} V${y(value).toFixed(1)}`;
  const label = `From 0 to ${money(day.result)}; lowest ${low}, highest ${high}`;
  const svg = drawn("svg", {
    viewBox: "0 0 1000 200", preserveAspectRatio: "none", role: "img", "aria-label": label,
  });
  svg.append(
    drawn("line", { class: "zero", x1: 0, x2: 1000, y1: y(0), y2: y(0) }),
    drawn("path", { class: "result", d: path }));
  find("curve").replaceChildren(make("figure", svg, make("figcaption",
    make("span", `lowest ${money(String(low))}`), make("span", `highest ${money(String(high))}`),
    make("span", `until ${moment(until).slice(11)} UTC`))));
}

// -- The rest ----------------------------------------------------------------------------------

function answer(each) {
  const card = make("article", make("h2", each.question), make("strong", each.verdict),
    make("p", each.sentence));
  return marked(card, "answer", each.verdict.replace(" ", "-"));
}

function condition(each) {
  const since = marked(make("div", `since ${moment(each.since_ms)} UTC`), "quiet");
  return make("li", make("strong", each.name), `: ${each.sentence} ${each.doing}`, since);
}

function described(told) {
  const lease = told.lease.epoch === null ? "not held"
    : `held, number ${told.lease.epoch}; it runs for ${told.lease.seconds} s unless it is renewed`;
  const rows = [
    ["trades", told.traded.map((each) => `${each.tag}: ${each.symbol} by ${each.bar}`)],
    ["wallet", told.balances.map((each) => `${each.total} ${each.currency}`)],
    ["halt", [told.halt.sentence]],
    ["lease", [lease]],
    ["notifications", [told.notifications]],
    ["start", Object.values(told.found)],
    ["to know", told.notes],
    ["versions", [Object.entries(told.versions).map((each) => each.join(" ")).join(" · ")]],
    ["process", [`${told.pid} · ${told.instance_id} · profile ${told.profile || "not read"}`]],
  ];
  const shown = rows.filter(([, lines]) => lines.some(Boolean));
  return shown.flatMap(([name, lines]) => [
    make("dt", name), make("dd", ...lines.filter(Boolean).map((line) => make("p", line)))]);
}

let held = [];

function show(told) {
  const name = told.trader_id || "Trading node";
  document.title = `${told.stage} · ${name}`;
  find("name").textContent = name;
  find("stage").textContent = told.stage;
  find("stage").className = `badge ${told.stage}`;
  const isSaid = told.conditions.length > 0 || !told.reason;
  find("reason").hidden = isSaid;
  find("reason").textContent = told.reason;
  find("answers").replaceChildren(...told.answers.map(answer));
  find("wrong").hidden = !told.conditions.length;
  find("conditions").replaceChildren(...told.conditions.map(condition));
  table("positions", POSITIONS, told.positions, "Nothing is held.");
  table("orders", ORDERS, told.orders, "No order works.");
  table("trades", TRADES, told.trades, "There was no fill yet.");
  curve(told.day);
  find("node").replaceChildren(...described(told));
  find("closed").hidden = told.takes_commands;
  find("order").hidden = !told.takes_commands;
  held = told.positions.map((each) => `${each.quantity} ${each.symbol}`);
}

// -- Asking ------------------------------------------------------------------------------------

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let heardAt = performance.now();

function untilShown() {
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

function tellAge() {
  const age = performance.now() - heardAt;
  const isSilent = age > SILENT_MS && !document.hidden;
  document.body.classList.toggle("silent", isSilent);
  find("silent").hidden = !isSilent;
  if (!isSilent) return;
  const seconds = Math.round(age / 1000);
  find("silent").textContent = `The node has not answered for ${seconds} s. What stands below is of then.`;
  find("heard").textContent = "";
}

async function watch() {
  let revision = -1;
  for (;;) {
    while (document.hidden) await untilShown(); // a page that nobody looks at asks nothing
    try {
      const answered = await fetch(`status?after=${revision}&wait_s=${WAIT_S}`,
        { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answered.ok) throw new Error(`status ${answered.status}`);
      const told = await answered.json();
      show(told);
      revision = told.revision;
      heardAt = performance.now();
      find("heard").textContent = `as of ${moment(Date.now()).slice(11)} UTC`;
    } catch {
      revision = -1; // it may be another process by now
    }
    tellAge();
    await sleep(LEAST_MS);
  }
}

// -- Commands ----------------------------------------------------------------------------------

async function command(name) {
  const token = find("token").value.trim();
  const why = find("why").value.trim();
  if (!token) {
    find("said").textContent = "Type the token first.";
    find("token").focus();
    return;
  }
  const buttons = document.querySelectorAll("#order button");
  for (const each of buttons) each.disabled = true;
  find("said").textContent = `${name} is on its way.`;
  try {
    const answered = await fetch(name, {
      method: "POST", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ why, who: "the status page" }),
    });
    const told = await answered.json();
    find("said").textContent = told.said ?? told.error ?? `The node answered ${answered.status}.`;
  } catch {
    find("said").textContent = `Nobody knows whether ${name} has arrived: the node did not answer. See above, and say it again.`;
  }
  for (const each of buttons) each.disabled = false;
}

find("order").addEventListener("submit", (event) => event.preventDefault());
find("halt").addEventListener("click", () => command("halt"));
find("resume").addEventListener("click", () => command("resume"));
find("flatten").addEventListener("click", () => {
  find("held").textContent = held.length ? `Held now: ${held.join(", ")}.` : "This node holds nothing now.";
  find("sure").showModal();
});
find("no").addEventListener("click", () => find("sure").close());
find("yes").addEventListener("click", () => {
  find("sure").close();
  command("flatten");
});
setInterval(tellAge, 1000);
watch();
