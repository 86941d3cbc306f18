// A judged match, roll by roll, from the document of the analysis. The board in the browser and the report in one file
// show the same, by this module.

import { BoardPicture, svgElement } from "./board.js";
import { button, chancesText, copyText, equityText, make, markText, say } from "./elements.js";

const SHOWN = 5; // candidates of a roll, besides the play that was made
const CHART = { width: 1200, height: 230, left: 48, right: 1190, top: 14, bottom: 200, limit: 3 };

// `options`: title (false: none), extra (an element under the board), onQuiz...
export class ReviewView {
  constructor(host, geometry, match, { extra = null } = {}) {
    this.match = match;
    this.picture = new BoardPicture(geometry);
    this.entries = entriesOf(match);
    this.place = 0;
    this.bottom = 0;
    this.threshold = 0.02;
    this.layOut(host, extra);
    this.show(this.worstPlace() ?? 0);
  }

  layOut(host, extra) {
    const { match } = this;
    this.title = make("div", { class: "review-title" });
    this.table = make("div", {});
    this.count = make("span", { class: "soft" });
    const nav = make("div", { class: "review-nav" },
      button("◀ Error", () => this.step(-1, true), { "aria-label": "Previous error", title: "b", "data-go": "previous-error" }),
      button("‹", () => this.step(-1, false), { "aria-label": "Previous roll", title: "left arrow" }),
      button("›", () => this.step(1, false), { "aria-label": "Next roll", title: "right arrow" }),
      button("Error ▶", () => this.step(1, true), { "aria-label": "Next error", title: "n", "data-go": "next-error" }),
      make("span", { class: "spacer" }), this.count);
    const seats = [...match.players.map((name, seat) => [seat, `${name} at the bottom`]), [2, "whoever moves at the bottom"]];
    const view = make("select", { "aria-label": "Whose side", onchange: (event) => { this.bottom = Number(event.target.value); this.show(this.place); } },
      ...seats.map(([value, text]) => make("option", { value }, text)));
    const limit = make("select", { "aria-label": "Which errors", onchange: (event) => { this.threshold = Number(event.target.value); this.drawList(); this.show(this.place); } },
      ...[[0.02, "errors from .020"], [0.05, "errors from .050"], [0.08, "blunders from .080"], [0.001, "every loss"]].map(([value, text]) => make("option", { value }, text)));
    this.list = make("div", { class: "roll-list", "aria-label": "Rolls", role: "region" });
    this.chart = svgElement("svg", { class: "chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img" });
    this.chart.addEventListener("click", (event) => this.pickOnChart(event));
    const side = make("div", { class: "review-side" }, make("div", { class: "review-nav" }, view, limit), this.list);
    const board = make("div", { class: "review-board" }, this.title, this.picture.svg, nav);
    host.append(make("h1", {}, match.title), make("p", { class: "soft" }, `${match.judged[0].toUpperCase()}${match.judged.slice(1)}.`),
      make("div", { class: "review" }, board, make("div", { class: "review-side" }, this.table, side)),
      make("h2", {}, this.chartTitle()), this.chart);
    if (extra) host.append(extra);
    host.append(this.figures(), make("h2", {}, "How to read this"), make("ul", { class: "review-notes" }, ...match.notes.map((note) => make("li", {}, note))));
    this.drawList();
    this.drawChart();
  }

  figures() {
    const { players, summary } = this.match;
    const head = make("tr", {}, make("td", {}), ...players.map((name) => make("th", { scope: "col" }, name)));
    const rows = summary.map(([label, one, other]) => make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, one), make("td", {}, other)));
    return make("div", { class: "figures scroll" }, make("h2", {}, "Figures"), make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  // Going through the rolls

  isError(entry) {
    return entry.loss >= this.threshold;
  }

  worstPlace() {
    const losses = this.entries.map((entry) => entry.loss);
    const worst = Math.max(...losses, 0);
    return worst > 0 ? losses.indexOf(worst) : null;
  }

  step(direction, isToError) {
    let place = this.place + direction;
    while (isToError && place >= 0 && place < this.entries.length && !this.isError(this.entries[place])) place += direction;
    if (place >= 0 && place < this.entries.length) this.show(place);
    else say(isToError ? "There is no error further on" : "There is nothing further on");
  }

  key(event) {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.altKey || event.metaKey) return;
    const keys = { n: [1, true], b: [-1, true], ArrowRight: [1, false], ArrowLeft: [-1, false] };
    const wanted = keys[event.key];
    if (!wanted) return;
    event.preventDefault();
    this.step(...wanted);
  }

  show(place) {
    this.place = place;
    const entry = this.entries[place];
    if (!entry) {
      this.title.replaceChildren("There is no roll in this match.");
      return;
    }
    const { seat } = entry;
    const bottom = this.bottom === 2 ? seat : this.bottom;
    const board = seat === bottom ? entry.board : swapped(entry.board);
    const off = [15 - sumOf(board, 1), 15 - sumOf(board, -1)];
    const shownSeat = seat === bottom ? 0 : 1;
    const side = entry.cube.side * (seat === bottom ? 1 : -1);
    const cube = { value: entry.cube.value, owner: side === 0 ? null : side > 0 ? 0 : 1, is_in_play: !entry.isCrawford, is_offered: entry.isOffered };
    const dice = entry.dice ? { values: entry.dice, seat: shownSeat } : null;
    this.picture.show({ board, off, pips: [pipsOf(board), pipsOf(swapped(board))], cube, dice });
    this.picture.svg.setAttribute("aria-label", this.describe(entry));
    const best = entry.candidates[0];
    const played = entry.candidates.find((one) => one.played);
    const arrows = [];
    if (played && best !== played && entry.loss > 0) arrows.push({ moves: played.moves, seat: shownSeat, kind: "played" });
    if (best?.moves) arrows.push({ moves: best.moves, seat: shownSeat, kind: "best" });
    this.picture.showArrows(arrows);
    this.drawTitle(entry);
    this.drawTable(entry);
    this.markCurrent();
    const errors = this.entries.filter((one) => this.isError(one));
    const at = errors.indexOf(entry);
    this.count.textContent = at >= 0 ? `error ${at + 1} of ${errors.length}` : `${errors.length} errors`;
    say(this.describe(entry));
  }

  describe(entry) {
    const name = this.match.players[entry.seat];
    const lost = entry.loss > 0 ? `, lost ${entry.loss.toFixed(3)}; best was ${entry.best}` : "";
    return `Game ${entry.game}, ${placeText(entry)}: ${name} ${entry.dice ? entry.dice.join("") : ""} ${entry.text}${lost}`;
  }

  drawTitle(entry) {
    const mark = markText(entry.loss);
    const fine = entry.isCounted ? "best" : entry.isCube ? "not judged" : "no choice";
    const mwc = entry.mwcLoss > 0.00005 ? ` (−${(100 * entry.mwcLoss).toFixed(2)} % MWC)` : "";
    const badge = entry.loss > 0 ? make("span", { class: `badge ${mark || "fine"}` }, `−${entry.loss.toFixed(3)}${mwc}${entry.kind ? ` ${entry.kind}` : mark ? ` ${mark}` : ""}`) : make("span", { class: "badge fine" }, fine);
    const dice = entry.dice ? ` ${entry.dice.join("")}:` : "";
    this.title.replaceChildren(make("span", {}, `Game ${entry.game}, ${placeText(entry)} · ${this.match.players[entry.seat]}${dice} ${entry.text}`), badge);
  }

  drawTable(entry) {
    this.table.replaceChildren(new ReviewEntry(entry, this.isEveryShown, (isEveryShown) => { this.isEveryShown = isEveryShown; }).element());
  }

  // The list of rolls

  drawList() {
    const parts = [];
    let game = null;
    this.rows = this.entries.map((entry, place) => {
      if (entry.game !== game) {
        game = entry.game;
        parts.push(make("h3", {}, entry.heading));
      }
      const mark = this.isError(entry) ? markText(entry.loss) || "error" : entry.isCube && entry.isAction ? "plain" : "none";
      const row = button("", () => this.show(place));
      row.append(make("span", { class: "where" }, `${entry.number} `), make("span", { class: `mark ${mark}${entry.isCube ? " cube" : ""}` }),
        make("span", { class: "what" }, make("span", { class: "soft" }, `${this.match.players[entry.seat]} `), entry.dice ? `${entry.dice.join("")}: ` : "", `${entry.text} `),
        make("span", { class: "lost" }, entry.loss >= 0.0005 ? `−${entry.loss.toFixed(3)}` : ""));
      parts.push(row);
      return row;
    });
    this.list.replaceChildren(...parts);
  }

  markCurrent() {
    this.rows.forEach((row, place) => {
      if (place === this.place) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
    const row = this.rows[this.place];
    const box = this.list;
    if (row.offsetTop < box.scrollTop + 40 || row.offsetTop > box.scrollTop + box.clientHeight - 40) box.scrollTop = row.offsetTop - box.clientHeight / 2;
    this.now?.setAttribute("d", `M${this.chartX(this.place)} ${CHART.top}V${CHART.bottom}`);
  }

  // The chart

  chartX(place) {
    return CHART.left + ((CHART.right - CHART.left) * (place + 0.5)) / Math.max(1, this.entries.length);
  }

  // A match judged with the cube is drawn in chances to win it, everything else in equity.
  get isInChances() {
    return this.match.cubeful && this.match.length > 0;
  }

  chartTitle() {
    const what = this.isInChances ? "Chance to win the match" : this.match.cubeful ? "Equity per cube" : "Equity";
    return `${what} of ${this.match.players[0]} after every roll and cube action`;
  }

  chartY(value) {
    const { limit, top, bottom } = CHART;
    const share = this.isInChances ? value : (Math.max(-limit, Math.min(limit, value)) + limit) / (2 * limit);
    return bottom - share * (bottom - top);
  }

  chartLines() {
    if (this.isInChances) return [0, 0.25, 0.5, 0.75, 1].map((value) => [value, `${100 * value} %`, value === 0.5]);
    return [-3, -2, -1, 0, 1, 2, 3].map((value) => [value, value > 0 ? `+${value}` : String(value), value === 0]);
  }

  // The value of an entry for player 0, null where nobody has judged it.
  valueOf(entry) {
    const value = this.isInChances ? entry.mwc : entry.equity;
    if (value === null || entry.seat === 0) return value;
    return this.isInChances ? 1 - value : -value;
  }

  drawChart() {
    const parts = [svgElement("title", {}, document.createTextNode(`${this.chartTitle()}; dots are errors of plays, squares are cube actions`))];
    for (const [value, text, isMiddle] of this.chartLines()) {
      const y = this.chartY(value);
      parts.push(svgElement("path", { class: isMiddle ? "zero" : "grid", d: `M${CHART.left} ${y}H${CHART.right}` }));
      parts.push(svgElement("text", { x: CHART.left - 8, y: y + 4, "text-anchor": "end" }, document.createTextNode(text)));
    }
    const games = Map.groupBy(this.entries.map((entry, place) => ({ entry, place })), ({ entry }) => entry.game);
    for (const [game, list] of games) {
      const start = this.chartX(list[0].place - 0.5);
      parts.push(svgElement("path", { class: "grid", d: `M${start} ${CHART.top}V${CHART.bottom}` }), svgElement("text", { x: start + 4, y: CHART.height - 8 }, document.createTextNode(this.chartX(list.at(-1).place) - start > 52 ? `game ${game}` : game)));
      let last = this.isInChances ? 0.5 : 0;
      const points = list.map(({ entry, place }) => {
        last = this.valueOf(entry) ?? last;
        return [this.chartX(place), this.chartY(last), entry];
      });
      parts.push(svgElement("path", { class: "course", d: `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}` }));
      for (const [x, y, entry] of points.toSorted((one, other) => one[2].loss - other[2].loss)) {
        const mark = entry.loss >= 0.02 ? markText(entry.loss) : "";
        if (entry.isCube && (entry.isAction || mark)) parts.push(svgElement("rect", { class: `cube-event ${mark}`, x: x - 4, y: y - 4, width: 8, height: 8, rx: 1 }));
        else if (mark) parts.push(svgElement("circle", { class: mark, cx: x, cy: y, r: entry.loss >= 0.08 ? 5 : 3.5 }));
      }
    }
    this.now = svgElement("path", { class: "now", d: "" });
    this.chart.replaceChildren(...parts, this.now);
  }

  pickOnChart(event) {
    const box = this.chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * CHART.width;
    const place = Math.floor(((x - CHART.left) / (CHART.right - CHART.left)) * this.entries.length);
    if (place >= 0 && place < this.entries.length) this.show(place);
  }
}

// What was possible at one roll, as a card: candidates with chances, what the file says, the XGID.
export class ReviewEntry {
  constructor(entry, isEveryShown = false, onToggle = () => {}) {
    this.entry = entry;
    this.isEveryShown = isEveryShown;
    this.onToggle = onToggle;
    this.card = make("div", { class: "card" });
    this.draw();
  }

  element() {
    return this.card;
  }

  draw() {
    const { entry } = this;
    const { candidates, difference, in_file: inFile, verdict, xgid } = entry;
    const parts = [];
    if (verdict) parts.push(cubeTable(entry), make("p", {}, "Right is: ", make("strong", {}, verdict.wording), "."));
    if (candidates.length) parts.push(this.candidateTable());
    if (candidates.length > SHOWN + 1) parts.push(make("p", {}, button(this.isEveryShown ? "Fewer" : "More plays", () => { this.isEveryShown = !this.isEveryShown; this.onToggle(this.isEveryShown); this.draw(); })));
    if (difference) parts.push(make("p", {}, make("span", { class: "key best" }), make("strong", {}, candidates[0].play), ` is better: ${difference}`));
    if (inFile?.candidates?.length) parts.push(make("p", { class: "soft" }, inFileText(inFile)));
    if (verdict && inFile) parts.push(make("p", { class: "soft" }, `In the file (${inFile.level}): ${inFile.wording}${inFile.loss > 0 ? `; this lost ${inFile.loss.toFixed(3)}` : ""}.`));
    if (verdict) parts.push(make("p", { class: "soft" }, windowText(verdict)));
    parts.push(make("p", { class: "soft" }, make("code", {}, xgid), " ", button("Copy", () => copyText(xgid), { "aria-label": "Copy the XGID" })));
    this.card.replaceChildren(...parts);
  }

  candidateTable() {
    const { candidates, in_file: inFile } = this.entry;
    const theirs = new Map((inFile?.candidates ?? []).map((one) => [one.play, one]));
    const hasChances = candidates[0].mwc !== null;
    const head = ["Play", "Equity", "Behind"];
    const shown = candidates.filter((one, index) => this.isEveryShown || index < SHOWN || one.played);
    const rows = shown.map((one) => {
      const index = candidates.indexOf(one);
      const interval = one.standard_error === null ? "" : ` ± ${(1.96 * one.standard_error).toFixed(3)}`;
      const found = theirs.get(one.play);
      const told = found ? make("div", { class: "chances" }, `in the file ${equityText(found.equity)} · ${found.level}`) : null;
      const cells = [make("td", {}, one.play, one.played ? " ◂ played" : "", make("div", { class: "chances" }, `${chancesText(one.chances)} · ${one.level}`), told ?? ""),
        make("td", { class: "number" }, `${equityText(one.equity)}${interval}`, hasChances ? make("div", { class: "chances" }, percentText(one.mwc)) : ""),
        make("td", { class: "number" }, index && one.level === candidates[0].level ? `−${(candidates[0].equity - one.equity).toFixed(3)}` : "")];
      return make("tr", { class: `${one.played ? "played" : ""}${index ? "" : " best"}` }, ...cells);
    });
    return make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Candidates" }, make("table", { class: "candidates" },
      make("caption", { class: "visually-hidden" }, "Candidates, best first; chances in per cent: win, gammon, backgammon, and the same for losing"),
      make("thead", {}, make("tr", {}, ...head.map((text, column) => make("th", { scope: "col", class: column ? "number" : null }, text)))), make("tbody", {}, ...rows)));
  }
}

// The three values of a cube decision, for the player on roll.
function cubeTable({ verdict, in_file: inFile, action }) {
  const names = ["No double", "Double, take", "Double, pass"];
  const best = verdict.double ? (verdict.take ? 1 : 2) : 0;
  const done = { "no double": [0], double: [1, 2], take: [1], beaver: [1], pass: [2] }[action];
  const rows = names.map((name, index) => make("tr", { class: `${index === best ? "best" : ""}${done.includes(index) ? " played" : ""}` },
    make("td", {}, name, action !== "double" && done.includes(index) ? ` ◂ ${action === "beaver" ? "beavered" : "chosen"}` : "", inFile ? make("div", { class: "chances" }, `in the file ${equityText(inFile.equities[index])}`) : ""),
    make("td", { class: "number" }, equityText(verdict.equities[index]), verdict.mwc ? make("div", { class: "chances" }, percentText(verdict.mwc[index])) : "")));
  const head = ["Cube", "Equity"];
  return make("table", { class: "candidates" }, make("caption", { class: "visually-hidden" }, "Values of the cube decision for the player on roll"),
    make("thead", {}, make("tr", {}, ...head.map((text, column) => make("th", { scope: "col", class: column ? "number" : null }, text)))), make("tbody", {}, ...rows));
}

function windowText({ chances, ply, take_point: takePoint, cash_point: cashPoint }) {
  const window = takePoint === undefined ? "" : ` · take point ${(100 * takePoint).toFixed(1)} %, cash point ${(100 * cashPoint).toFixed(1)} %`;
  return `${chances ? `${chancesText(chances)} · ` : ""}${ply}-ply${window}`;
}

function percentText(chance) {
  return `${(100 * chance).toFixed(2)} %`;
}

function placeText(entry) {
  return `${entry.isCube ? "before roll" : "roll"} ${entry.number}`;
}

// What the program that wrote the file says.
function inFileText({ candidates, loss }) {
  const [best] = candidates;
  const lost = loss === null ? "" : loss > 0 ? `; the play lost ${loss.toFixed(3)}` : "; this was played";
  return `In the file: ${best.play} is best at ${equityText(best.equity)} (${best.level})${lost}.`;
}

// Rolls and cube actions of every game in one line.
function entriesOf(match) {
  const entries = [];
  for (const game of match.games) {
    const score = match.length ? `, ${game.scores.join("–")} to ${match.length}${game.crawford ? ", Crawford" : ""}` : "";
    const won = game.points === null ? "" : `: ${match.players[game.points > 0 ? 0 : 1]} wins ${Math.abs(game.points)}`;
    const heading = `Game ${game.number}${score}${won}`;
    const cubes = game.cube_actions.filter(isShown).map((event) => cubeEntry(game, heading, event));
    game.rolls.forEach((roll) => {
      while (cubes.length && cubes[0].before <= roll.roll) entries.push(cubes.shift());
      entries.push(rollEntry(game, heading, roll));
    });
    entries.push(...cubes);
  }
  return entries;
}

// That nobody doubled is shown where it counts or was wrong.
function isShown(event) {
  return event.action !== "no double" || event.counted || event.loss >= 0.001;
}

function rollEntry(game, heading, roll) {
  const played = roll.candidates.find((one) => one.played);
  return { game: game.number, isCrawford: game.crawford, heading, number: roll.roll, seat: roll.seat, dice: roll.dice, board: roll.board, cube: roll.cube, text: roll.play, loss: roll.counted ? roll.loss : 0,
    mwcLoss: roll.counted ? roll.mwc_loss : 0, kind: "", isCounted: roll.counted, isCube: false, isAction: true, isOffered: false, candidates: roll.candidates, best: roll.candidates[0]?.play ?? "", difference: roll.difference,
    in_file: roll.in_file, xgid: roll.xgid, equity: played?.equity ?? null, mwc: played?.mwc ?? null };
}

// A decision about the cube; one that was not judged has no verdict. The board is seen by who decides.
export function cubeEntry(game, heading, event) {
  const isOwn = event.seat === event.on_roll;
  const { verdict = null } = event;
  return { game: game.number, isCrawford: game.crawford, heading, number: event.before_roll, before: event.before_roll, seat: event.seat, dice: null, board: isOwn ? event.board : swapped(event.board),
    cube: { value: event.cube.value, side: isOwn ? event.cube.side : -event.cube.side }, text: event.text, action: event.action, loss: event.loss ?? 0, mwcLoss: event.mwc_loss ?? 0, kind: event.kind ?? "", isCounted: verdict !== null,
    isCube: true, isAction: event.action !== "no double", isOffered: !isOwn, candidates: [], best: verdict?.wording ?? "", difference: "", in_file: event.in_file ?? null, xgid: event.xgid, verdict,
    ...valuesAfter(event, verdict, isOwn) };
}

// What the action leaves, for who decides.
function valuesAfter(event, verdict, isOwn) {
  if (!verdict) return { equity: null, mwc: null };
  const places = { "no double": 0, double: verdict.take ? 1 : 2, pass: 2 };
  const place = places[event.action] ?? 1;
  const equity = verdict.equities[place];
  const mwc = verdict.mwc?.[place] ?? null;
  return { equity: isOwn ? equity : -equity, mwc: mwc === null || isOwn ? mwc : 1 - mwc };
}

export function swapped(board) {
  return board.map((_, location) => -board[25 - location] || 0);
}

function sumOf(board, sign) {
  return board.reduce((sum, count) => sum + Math.max(0, sign * count), 0);
}

function pipsOf(board) {
  return board.reduce((sum, count, location) => sum + Math.max(0, count) * location, 0);
}
