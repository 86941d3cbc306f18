// One's own errors, asked again: play the roll better than last time.

import { ask, download } from "./api.js";
import { BoardPicture } from "/shared/board.js";
import { button, make, say, showError } from "/shared/elements.js";
import { ReviewEntry, cubeEntry, swapped } from "/shared/review.js";
import { TurnInPlay } from "./moves.js";
import { options, setOption } from "./options.js";

export class QuizView {
  constructor(host, geometry) {
    this.host = host;
    this.geometry = geometry;
    this.picture = new BoardPicture(geometry, { isInteractive: true });
    this.picture.isFlipped = options.flip;
    this.picture.on("press", (location, isAlternate) => this.press(location, isAlternate)).on("lift", (location) => this.lift(location))
      .on("drop", (from, to) => this.drop(from, to)).on("dice", () => this.pressDice());
    this.heading = make("p", {});
    this.message = make("div", {});
    this.actions = make("div", { class: "actions" });
    this.side = make("div", { class: "side" });
    this.tools = make("div", { class: "row" });
    host.append(make("h1", {}, "Quiz from your own errors"), this.tools, this.message);
    this.area = make("div", { class: "table-view" }, make("div", { class: "board-column" }, this.heading, make("div", { class: "board-wrap" }, this.picture.svg), this.actions), this.side);
  }

  async next() {
    const found = await ask("quiz/next", options.quizPlayer ? { player: options.quizPlayer } : {});
    this.side.replaceChildren();
    this.picture.showArrows([]);
    this.isAnswered = false;
    this.choices = null;
    this.drawTools(found);
    this.question = found.question;
    if (!found.question) {
      this.area.remove();
      const text = found.players.length ? `Nothing is due for ${found.player}. Errors come back when it is time.` : "There are no errors in the store yet: review a match, or play one and look at how you played.";
      this.message.replaceChildren(make("p", { class: "message" }, text));
      return;
    }
    this.message.replaceChildren();
    if (!this.area.isConnected) this.host.append(this.area);
    this.choices = { double: [["no double", "No double"], ["double", "Double"]], answer: [["take", "Take"], ["pass", "Pass"]] }[found.question.kind];
    if (this.choices) {
      this.askCube(found);
      return;
    }
    const { board, dice, cube } = found.question;
    const own = await ask("position/read", { board, dice, cube: Math.log2(cube.value), owner: cube.side === 0 ? 2 : cube.side > 0 ? 0 : 1 });
    this.turn = new TurnInPlay(own);
    this.cube = own.cube;
    this.heading.replaceChildren(make("strong", {}, `${found.player} to play ${own.dice.join("")}`), make("span", { class: "soft" }, ` · ${found.question.match}, game ${found.question.game} · ${found.due} due`));
    this.draw();
    this.picture.focus();
    say(`${found.player} to play ${own.dice.join(" ")}`);
  }

  // A decision about the cube: the board is turned to who decides.
  askCube({ player, question, due }) {
    const isOwn = question.seat === question.on_roll;
    const board = isOwn ? question.board : swapped(question.board);
    const side = isOwn ? question.cube.side : -question.cube.side;
    const total = (sign) => board.reduce((sum, count) => sum + Math.max(0, sign * count), 0);
    const pips = (counts) => counts.reduce((sum, count, location) => sum + Math.max(0, count) * location, 0);
    this.cubeView = { board, off: [15 - total(1), 15 - total(-1)], pips: [pips(board), pips(swapped(board))], dice: null, movable: [], targets: [],
      cube: { value: question.cube.value, owner: side === 0 ? null : side > 0 ? 0 : 1, is_in_play: true, is_offered: !isOwn } };
    const task = isOwn ? "on roll: double?" : "is doubled: take?";
    this.heading.replaceChildren(make("strong", {}, `${player} ${task}`), make("span", { class: "soft" }, ` · ${question.match}, game ${question.game} · ${due} due`));
    this.draw();
    say(`${player} ${task}`);
  }

  drawTools({ players, player }) {
    const select = make("select", { "aria-label": "Whose errors", onchange: (event) => { setOption("quizPlayer", event.target.value); this.next(); } },
      ...players.map(([name, count]) => make("option", { value: name, selected: name === player }, `${name} (${count} errors)`)));
    const save = (form, name) => button(`Export for ${name}`, () => download("export", { player, form }, `errors-${form}.txt`).catch((error) => showError(this.message, error)));
    this.tools.replaceChildren(...(players.length ? [select, save("anki", "Anki"), save("xg", "XG")] : []));
  }

  draw() {
    if (this.choices) {
      this.picture.show(this.cubeView);
      const answers = this.choices.map(([action, text]) => button(text, () => this.answerCube(action), { class: "main", "data-answer": action, disabled: this.isAnswered }));
      this.actions.replaceChildren(...answers, make("span", { class: "spacer" }), ...(this.isAnswered ? [button("Next", () => this.next(), { class: "main", id: "next-question" })] : []));
      return;
    }
    const { turn } = this;
    const now = turn.now;
    const movable = this.isAnswered ? [] : turn.sources;
    this.picture.show({ board: now.board, off: now.off, pips: now.pips, cube: this.cube, dice: { ...turn.shownDice, seat: 0, isReady: turn.isComplete && !this.isAnswered }, movable, targets: this.chosen === undefined || this.chosen === null ? [] : [...turn.reach(this.chosen).keys()] });
    const done = button("That is my play", () => this.answer(), { class: "main", id: "done", disabled: !turn.isComplete || this.isAnswered });
    const undo = button("Undo", () => this.undo(), { disabled: turn.isUntouched || this.isAnswered });
    this.actions.replaceChildren(done, undo, make("span", { class: "spacer" }), ...(this.isAnswered ? [button("Next", () => this.next(), { class: "main", id: "next-question" })] : []));
  }

  press(location, isAlternate) {
    if (this.isAnswered || this.choices) return;
    const step = this.turn.sources.includes(location) ? this.turn.stepFrom(location, isAlternate) : null;
    for (const one of step ? [step] : this.turn.stepsTo(location)) this.turn.apply(one);
    this.draw();
  }

  lift(location) {
    if (this.isAnswered || this.choices || !this.turn.sources.includes(location)) return false;
    this.chosen = location;
    this.picture.state.targets = [...this.turn.reach(location).keys()];
    this.picture.drawSpots();
    return true;
  }

  drop(from, to) {
    this.chosen = null;
    const steps = to === null ? null : this.turn.reach(from).get(to);
    for (const step of steps ?? []) this.turn.apply(step);
    this.draw();
  }

  pressDice() {
    if (this.choices) return;
    if (this.turn.isComplete) this.answer();
    else {
      this.turn.swapDice();
      this.draw();
    }
  }

  undo() {
    if (!this.isAnswered && !this.choices && this.turn.undo()) this.draw();
  }

  async answer() {
    if (this.isAnswered || this.choices || !this.turn.isComplete) return;
    await this.send({ board: this.turn.now.board }, (entry) => {
      const [best] = entry.candidates;
      this.picture.showArrows([{ moves: best.moves, seat: 0, kind: "best" }]);
      return [best.play, entry];
    });
  }

  async answerCube(action) {
    if (this.isAnswered) return;
    await this.send({ action }, (entry) => [entry.verdict.wording, cubeEntry({ number: this.question.game }, "", entry)]);
  }

  // Sends an answer and shows what it was worth; `solve` gives the best in words and the entry to show.
  async send(answer, solve) {
    this.isAnswered = true;
    try {
      const found = await ask("quiz/answer", { id: this.question.id, ...answer });
      this.draw();
      const [best, entry] = solve(found.entry);
      const verdict = found.loss < 0.005 ? "Right." : found.loss < 0.02 ? "Nearly." : "Not yet.";
      const later = found.days ? `It comes back in ${Math.round(found.days)} day${Math.round(found.days) === 1 ? "" : "s"}.` : "It comes back in ten minutes.";
      const cost = found.loss >= 0.0005 ? ` This gives up ${found.is_listed ? "" : "at least "}${found.loss.toFixed(3)}; best is ${best}.` : "";
      this.side.replaceChildren(make("div", { class: "card", id: "verdict", role: "status" }, make("h2", {}, verdict), make("p", {}, `${cost} ${later}`)), new ReviewEntry(entry).element());
      say(`${verdict}${cost}`);
    } catch (error) {
      this.isAnswered = false;
      showError(this.message, error);
    }
  }

  key(event) {
    const keys = { " ": () => (this.isAnswered ? this.next() : this.answer()), z: () => this.undo(), Backspace: () => this.undo(), x: () => !this.isAnswered && this.pressDice() };
    const act = keys[event.key];
    if (!act || !this.question || event.target.closest("button")) return;
    event.preventDefault();
    act();
  }
}
