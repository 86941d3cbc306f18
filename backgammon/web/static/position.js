// A position on its own: pasted, set up with the mouse, looked at by the engine, or played on from.

import { ask } from "./api.js";
import { BoardPicture } from "/shared/board.js";
import { button, chancesText, copyText, equityText, make, say, showError } from "/shared/elements.js";
import { cubeTable } from "./game.js";
import { options } from "./options.js";

const START = "XGID=-b----E-C---eE---c-e----B-:0:0:1:00:0:0:0:0:10";

export class PositionView {
  constructor(host, geometry) {
    this.host = host;
    this.picture = new BoardPicture(geometry, { isInteractive: true });
    this.picture.isFlipped = options.flip;
    this.picture.on("press", (location, isAlternate) => this.put(location, isAlternate)).on("lift", (location) => this.found.board[location] !== 0 || location === 0)
      .on("drop", (from, to) => this.carry(from, to));
    this.colour = 1;
    this.layOut();
  }

  layOut() {
    this.text = make("input", { type: "text", "aria-label": "Any ID of a position", placeholder: "XGID, Position ID, Position ID:Match ID", maxlength: 300, autocomplete: "off", id: "paste" });
    const paste = make("form", { class: "row", id: "paste-form" }, this.text, make("button", { type: "submit", class: "main" }, "Show"));
    paste.addEventListener("submit", (event) => {
      event.preventDefault();
      this.read({ text: this.text.value });
    });
    this.message = make("div", {});
    this.fields = {};
    const choice = (name, label, choices) => {
      this.fields[name] = make("select", { onchange: () => this.changed() }, ...choices.map(([value, text]) => make("option", { value }, text)));
      return make("label", {}, label, this.fields[name]);
    };
    const cubes = Array.from({ length: 7 }, (_, power) => [power, String(2 ** power)]);
    const numbers = (count) => Array.from({ length: count }, (_, value) => [value, String(value)]);
    const dice = [["", "not rolled"]];
    for (let high = 1; high <= 6; high += 1) for (let low = 1; low <= high; low += 1) dice.push([`${high}${low}`, `${high}-${low}`]);
    this.colourButton = button("", () => { this.colour = -this.colour; this.drawColour(); }, { id: "colour" });
    const form = make("div", { class: "form card" }, choice("turn", "On roll", [[0, "you (light)"], [1, "the opponent"]]), choice("dice", "Dice", dice), choice("cube", "Cube", cubes),
      choice("owner", "Cube of", [[2, "nobody"], [0, "you"], [1, "the opponent"]]), choice("length", "Length", [[0, "money"], ...numbers(26).slice(1)]), choice("own", "Your points", numbers(25)), choice("other", "The opponent's", numbers(25)));
    this.note = make("p", { class: "soft" }, "A click puts a checker of the chosen colour on a point, Ctrl or right click takes one away; dragging carries one. What is missing to 15 is borne off.");
    const tools = make("div", { class: "actions" }, this.colourButton, button("Start", () => this.read({ text: START })), button("Clear", () => this.clear()), make("span", { class: "spacer" }),
      button("Best action", () => this.rank(), { class: "main", id: "rank" }), button("Play on for money", () => this.play(), { id: "play-on", title: "a money game from here" }));
    this.plays = make("div", {});
    this.ids = make("div", { class: "card ids" });
    this.host.append(make("h1", { class: "visually-hidden" }, "Position"), make("div", { class: "table-view" },
      make("div", { class: "board-column" }, paste, this.message, make("div", { class: "board-wrap" }, this.picture.svg), tools, this.note),
      make("div", { class: "side" }, this.plays, form, this.ids)));
    this.drawColour();
  }

  async begin(text) {
    await this.read({ text: text ? decodeURIComponent(text) : START });
  }

  drawColour() {
    this.colourButton.replaceChildren(make("span", { class: `swatch ${this.colour > 0 ? "light" : "dark"}` }), this.colour > 0 ? "puts light" : "puts dark");
  }

  async read(fields) {
    this.message.replaceChildren();
    try {
      this.show(await ask("position/read", fields));
    } catch (error) {
      showError(this.message, error);
    }
  }

  show(found) {
    this.found = found;
    const { fields } = this;
    fields.turn.value = found.turn;
    fields.dice.value = found.dice ? found.dice.join("") : "";
    fields.cube.value = Math.log2(found.cube.value);
    fields.owner.value = found.cube.owner ?? 2;
    fields.length.value = found.length;
    [fields.own.value, fields.other.value] = found.points;
    this.plays.replaceChildren();
    this.draw();
    this.ids.replaceChildren(...[found.xgid, `${found.position_id}:${found.match_id}`].map((id) => make("p", {}, make("code", {}, id), " ", button("Copy", () => copyText(id), { "aria-label": `Copy ${id}` }))));
  }

  draw() {
    const { board, off, pips, cube, dice, turn } = this.found;
    this.picture.show({ board, off, pips, cube, dice: dice ? { values: dice[0] === dice[1] ? [dice[0], dice[0], dice[0], dice[0]] : dice, seat: turn } : null });
    this.picture.showArrows([]);
  }

  // Asks the server for the position as it was set up; what cannot be is said and stays on the board.
  async changed(board = this.found.board) {
    const { fields } = this;
    this.found.board = board;
    const length = Number(fields.length.value);
    const points = length ? [Number(fields.own.value), Number(fields.other.value)] : [0, 0];
    const wanted = { board, turn: Number(fields.turn.value), cube: Number(fields.cube.value), owner: Number(fields.owner.value), length, points };
    if (fields.dice.value) wanted.dice = [...fields.dice.value].map(Number);
    this.found.off = [1, -1].map((sign) => Math.max(0, 15 - board.reduce((sum, count) => sum + Math.max(0, sign * count), 0)));
    this.draw();
    await this.read(wanted);
  }

  clear() {
    this.changed(new Array(26).fill(0));
  }

  put(location, isAlternate) {
    if (location === 0) return;
    const board = this.found.board.slice();
    const at = location === 25 && this.colour < 0 ? 0 : location;
    if (isAlternate) {
      const from = board[at] ? at : location;
      board[from] -= Math.sign(board[from]);
    } else if (Math.sign(board[at]) === -this.colour) board[at] = this.colour;
    else board[at] += this.colour;
    this.changed(board);
  }

  carry(from, to) {
    const board = this.found.board.slice();
    const sign = from === 0 ? this.colour : Math.sign(board[from]);
    if (to === null || !sign || to === from) return this.draw();
    if (from !== 0) board[from] -= sign;
    const target = to === 25 && sign < 0 ? 0 : to;
    if (to !== 0) {
      if (Math.sign(board[target]) === -sign) board[target] = 0;
      board[target] += sign;
    }
    return this.changed(board);
  }

  async rank() {
    this.message.replaceChildren();
    try {
      const { candidates, cube, num_candidates: total } = await ask("position/rank", { xgid: this.found.xgid, plies: 1 });
      if (cube) {
        this.plays.replaceChildren(make("div", { class: "card" }, make("h2", {}, cube.wording), cubeTable(cube)));
        say(cube.wording);
        return;
      }
      const rows = candidates.map((one) => make("tr", {}, make("td", {}, button(one.play, () => this.picture.showArrows([{ moves: one.moves, seat: this.found.turn, kind: "best" }]), { class: "pick" }),
        make("div", { class: "chances" }, `${chancesText(one.chances)} · ${one.level}`)), make("td", { class: "number" }, equityText(one.equity)), make("td", { class: "number" }, one.behind > 0 ? `−${one.behind.toFixed(3)}` : "")));
      this.plays.replaceChildren(make("div", { class: "card" }, make("h2", {}, `Best plays (${total} in all)`), make("table", { class: "plays" }, make("tbody", {}, ...rows))));
      this.picture.showArrows([{ moves: candidates[0].moves, seat: this.found.turn, kind: "best" }]);
      say(`Best is ${candidates[0].play}`);
    } catch (error) {
      showError(this.message, error);
    }
  }

  async play() {
    try {
      const { board, turn, dice } = this.found;
      const { cube } = this.found;
      const start = await ask("position/read", { board, turn, cube: Math.log2(cube.value), owner: cube.owner ?? 2, ...(dice ? { dice } : {}) });
      const last = options.lastGame ?? {};
      const view = await ask("games/new", { level: last.level ?? "full", plies: last.plies ?? 1, tutor: last.tutor ?? 0.02, name: last.name ?? "You", length: 0, position: start.xgid });
      location.hash = `#play/${view.id}`;
    } catch (error) {
      showError(this.message, error);
    }
  }
}
