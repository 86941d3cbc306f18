// Every match that was judged, and somebody's PR over time, by phase and of the cube.

import { ask } from "./api.js";
import { svgElement } from "/shared/board.js";
import { button, make } from "/shared/elements.js";
import { options, setOption } from "./options.js";

export async function showMatches(host) {
  host.className = "narrow";
  draw(host, await ask("matches/list"));
}

function draw(host, { matches, rates }) {
  host.replaceChildren(make("h1", {}, "Matches"));
  if (!matches.length) {
    host.append(make("p", { class: "soft" }, "No match has been judged yet. Drop one on the page Review, or look at how you played at the end of a game."));
    return;
  }
  const names = Object.keys(rates);
  const player = names.includes(options.ratePlayer) ? options.ratePlayer : names[0];
  const select = make("select", { "aria-label": "Whose rate", onchange: (event) => { setOption("ratePlayer", event.target.value); draw(host, { matches, rates }); } }, ...names.map((name) => make("option", { value: name, selected: name === player }, name)));
  const isPr = rates[player].some((one) => one.cubeful);
  const name = isPr ? "PR" : "Checker error rate";
  const head = ["Phase", name, "95 %", "Decisions", "Matches"];
  const rows = rates[player].map((one) => make("tr", {}, make("th", { scope: "row" }, one.phase), make("td", { class: "number" }, one.rate.toFixed(2)),
    make("td", { class: "number" }, one.low === null ? "one match gives none" : `${Math.max(0, one.low).toFixed(2)} – ${one.high.toFixed(2)}`), make("td", { class: "number" }, String(one.decisions)), make("td", { class: "number" }, String(one.matches))));
  host.append(make("div", { class: "card" }, make("p", { class: "row" }, make("label", { class: "inline" }, "Rate of ", select)), rateChart(matches, player, isPr),
    make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text, column) => make("th", { scope: "col", class: column ? "number" : null }, text)))), make("tbody", {}, ...rows))),
    make("p", { class: "soft" }, isPr ? "PR: 500 x equity lost per decision that eXtreme Gammon counts, plays and cube, at the score. Matches judged without the cube are left out. Intervals take matches as what was sampled."
      : "500 x cubeless equity lost per unforced play: no PR, for it knows neither cube nor score. Intervals take matches as what was sampled.")));
  const list = make("ul", { class: "list" }, ...matches.map((match) => make("li", {}, make("span", {}, match.title, " ", make("span", { class: "soft" }, `${dateOf(match.judged)} · ${match.engine} · ${seatText(match)}`)),
    make("span", { class: "row" }, button("Open", () => { location.hash = `#review/${match.id}`; }, { "aria-label": `Open ${match.title}` }), button("Forget", async () => draw(host, await ask("matches/forget", { id: match.id })), { "aria-label": `Forget ${match.title}` })))));
  host.append(make("h2", {}, "All matches"), list);
}

function seatText(match) {
  return match.seats.map((seat, index) => (seat.decisions ? `${match.players[index]} ${match.cubeful ? "PR" : "checker error rate"} ${seat.rate.toFixed(2)}` : "")).filter(Boolean).join(", ");
}

function dateOf(seconds) {
  return new Date(1000 * seconds).toISOString().slice(0, 10);
}

// One dot a match, oldest on the left.
function rateChart(matches, player, isPr) {
  const own = matches.toReversed().filter((match) => match.cubeful === isPr && match.players.includes(player));
  const points = own.map((match) => match.seats[match.players.indexOf(player)]).filter((seat) => seat.decisions).map((seat) => seat.rate);
  const [width, height, left, bottom] = [900, 180, 44, 154];
  const most = Math.max(5, ...points) * 1.1;
  const x = (index) => left + ((width - left - 20) * (index + 0.5)) / Math.max(1, points.length);
  const y = (value) => bottom - ((bottom - 14) * value) / most;
  const parts = [0, 0.5, 1].map((share) => share * most).flatMap((value) => [svgElement("path", { class: "grid", d: `M${left} ${y(value)}H${width - 8}` }),
    svgElement("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, document.createTextNode(value.toFixed(1)))]);
  parts.push(svgElement("path", { class: "course", d: points.length ? `M${points.map((value, index) => `${x(index)} ${y(value)}`).join("L")}` : "" }));
  parts.push(...points.map((value, index) => svgElement("circle", { cx: x(index), cy: y(value), r: 4, class: "dot" })));
  return svgElement("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${isPr ? "PR" : "Checker error rate"} of ${player}, match by match` }, ...parts);
}
