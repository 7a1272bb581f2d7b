"use strict";
const KEPT = 120;
const history = { rate_line: [], p99_line: [] };
const at = (id) => document.getElementById(id);
const say = (id, text) => { at(id).textContent = text; };
const ms = (value) => (value === null ? "-" : value < 1000 ? `${value} ms` : `${(value / 1000).toFixed(1)} s`);
const percent = (share) => `${(share * 100).toFixed(1)} %`;

function draw(id, value) {
  const values = history[id];
  values.push(value === null ? 0 : value);
  if (values.length > KEPT) values.shift();
  const most = Math.max(...values, 1e-9);
  const points = values.map((one, number) => `${number},${(29 - (28 * one) / most).toFixed(1)}`);
  at(id).firstElementChild.setAttribute("points", points.join(" "));
}

function row(target) {
  const made = document.createElement("tr");
  const breaker = target.breaker.replace("_", " ");
  const wait = target.retry_in_seconds > 0 ? `, again in ${target.retry_in_seconds} s` : "";
  const whose = target.opened_by_another_replica ? ", by another replica" : "";
  for (const text of [
    target.provider, target.model, breaker + whose + wait, target.attempts, percent(target.error_rate),
    ms(target.p50_ms), ms(target.p95_ms), target.last_error || "-",
  ]) {
    made.insertCell().textContent = text;
  }
  made.cells[2].className = target.breaker;
  return made;
}

function show(state) {
  const traffic = state.traffic;
  at("status").className = state.status;
  say("status", state.status);
  say("since", `up for ${Math.floor(state.uptime_seconds / 60)} min`);
  at("reasons").replaceChildren(...state.reasons.map((reason) => {
    const item = document.createElement("li");
    item.textContent = reason;
    return item;
  }));
  say("per_second", traffic.per_second);
  say("p50", ms(traffic.p50_ms));
  say("p99", ms(traffic.p99_ms));
  say("failed", percent(traffic.failed));
  say("refused", percent(traffic.refused));
  say("degraded", percent(traffic.degraded));
  say("in_flight", `${state.requests_in_flight} / ${state.requests_queued}`);
  say("limits", { true: "shared", false: "local", null: "in memory" }[state.redis_connected]);
  draw("rate_line", traffic.per_second);
  draw("p99_line", traffic.p99_ms);
  at("targets").replaceChildren(...state.targets.map(row));
}

const source = new URL("ui/state", document.baseURI);
source.username = source.password = "";  // fetch refuses a URL with credentials

async function look() {
  try {
    const answer = await fetch(source, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
    at("stale").hidden = true;
  } catch {
    at("stale").hidden = false;
  }
}

look();
setInterval(look, 1000);
