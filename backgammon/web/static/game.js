// A game in play. The server says what is so; this module shows it, lets the person move checkers within the turn, and
// hands in the row where the turn ends. Whatever the server refuses is shown, and the board is drawn as it stands there.

import { ask, download, Refused } from "./api.js";
import { BoardPicture } from "/shared/board.js";
import { button, chancesText, copyText, equityText, make, markText, say, showError } from "/shared/elements.js";
import { TurnInPlay } from "./moves.js";
import { options } from "./options.js";

const PERSON = 0;
const SIZES = { 1: "single game", 2: "gammon", 3: "backgammon" };

export class GameView {
  constructor(host, geometry, view) {
    this.host = host;
    this.view = view;
    this.turn = null;
    this.chosen = null;
    this.isBusy = false;
    this.isClosed = false;
    this.warning = null;
    this.lastArrows = [];
    this.picture = new BoardPicture(geometry, { isInteractive: true });
    this.picture.isFlipped = options.flip;
    this.picture.on("press", (location, isAlternate) => this.press(location, isAlternate)).on("lift", (location) => this.lift(location))
      .on("drop", (from, to) => this.drop(from, to)).on("dice", () => this.pressDice()).on("cube", () => this.act("double", {}, this.canDouble));
    this.layOut();
  }

  layOut() {
    this.players = make("div", { class: "players" });
    this.own = make("div", { class: "overlay own" });
    this.theirs = make("div", { class: "overlay theirs" });
    this.wrap = make("div", { class: "board-wrap" }, this.picture.svg, this.theirs, this.own);
    this.actions = make("div", { class: "actions" });
    this.buttons = {};
    this.makeActions();
    this.note = make("div", {});
    this.side = make("div", { class: "side" });
    this.entry = make("input", { type: "text", "aria-label": "Type a play", placeholder: "type a play: 8/5 6/5", maxlength: 60, autocomplete: "off", size: 18 });
    const form = make("form", { class: "row" }, this.entry, make("button", { type: "submit" }, "Play it"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.entry.value.trim()) this.endTurn({ text: this.entry.value.trim() });
    });
    this.typing = form;
    this.hints = make("section", { class: "hints", "aria-label": "Hints and tutor" });
    this.logBox = make("section", { class: "log card", "aria-label": "Course of the game" });
    this.ids = make("p", { class: "ids soft" });
    const save = (kind) => button(`Save .${kind}`, () => download("export", { id: this.view.id, form: kind }, `${this.view.id}.${kind}`).catch((error) => this.refused(error)));
    this.side.append(this.hints, this.logBox, form, this.ids, make("p", { class: "row" }, save("mat"), save("sgf")));
    this.host.append(make("h1", { class: "visually-hidden" }, `Game of ${this.view.names.join(" and ")}`),
      make("div", { class: "table-view" }, make("div", { class: "board-column" }, this.players, this.wrap, this.note, this.actions), this.side));
  }

  async begin() {
    this.turn = this.isOwnPlay ? new TurnInPlay(this.view) : null;
    this.draw();
    await this.goOn();
    this.picture.focus();
  }

  close() {
    this.isClosed = true;
  }

  optionsChanged() {
    this.picture.flip(options.flip);
    this.draw();
    this.goOn();
  }

  get isOwnPlay() {
    return this.view.stage === "play" && this.view.turn === PERSON;
  }

  get canDouble() {
    return this.view.stage === "roll" && this.view.to_act === PERSON && this.view.cube.may_double;
  }

  // The server

  async send(action, fields = {}) {
    const waiting = make("p", { class: "soft", role: "status" }, "The engine is thinking. The first time after an installation it is compiled, for up to a minute.");
    const timer = setTimeout(() => this.note.replaceChildren(waiting), 1500);
    try {
      return await ask("games/act", { id: this.view.id, version: this.view.version, action, ...fields });
    } finally {
      clearTimeout(timer);
      waiting.remove();
    }
  }

  // Does one thing, shows what came of it, and whatever follows by itself.
  async act(action, fields = {}, isAllowed = true) {
    if (this.isBusy || this.warning || !isAllowed) return;
    this.isBusy = true;
    try {
      this.note.replaceChildren();
      const answer = await this.send(action, fields);
      if (answer.warning) this.showWarning(answer.warning);
      else await this.take(answer, action === "play" ? this.turn : null);
    } catch (error) {
      await this.refused(error);
    } finally {
      this.isBusy = false;
    }
    if (!this.warning) await this.goOn();
  }

  async refused(error) {
    if (!(error instanceof Refused)) throw error;
    showError(this.note, error);
    if (error.view) await this.take(error.view, null);
  }

  // A new view from the server: its events are shown first, unless the person made the moves.
  async take(view, ownTurn) {
    this.warning = null;
    const isNew = view.id === this.view.id ? view.version > this.view.version : true;
    for (const event of view.events) {
      this.announce(event);
      if (event.kind === "play" && !(ownTurn && event.seat === PERSON)) await this.showPlay(event);
      if (event.kind === "play") this.lastArrows = event.seat === PERSON ? [] : [{ moves: event.moves, seat: event.seat, kind: "last" }];
      if (event.kind === "next game" || event.kind === "take back") this.lastArrows = [];
    }
    this.view = view;
    if (isNew || !this.turn) this.turn = this.isOwnPlay ? new TurnInPlay(view) : null;
    this.chosen = null;
    this.hints.replaceChildren();
    this.draw();
  }

  // What happens without a decision: opening roll, the engine's turn, rolls and forced plays where wanted.
  async goOn() {
    while (!this.isClosed && !this.isBusy && !this.warning) {
      const view = this.view;
      const next = this.nextByItself();
      if (!next) return;
      this.isBusy = true;
      try {
        await this.take(await this.send(...next), null);
      } catch (error) {
        await this.refused(error);
        if (this.view.version === view.version) return;
      } finally {
        this.isBusy = false;
      }
    }
  }

  nextByItself() {
    const { stage, to_act: toAct, cube, result } = this.view;
    if (result) return null;
    if (stage === "opening") return options.autoRoll ? ["roll"] : null;
    if (toAct !== PERSON) return ["go"];
    if (stage === "roll" && options.autoRoll && !cube.may_double) return ["roll"];
    if (this.isOwnPlay && options.autoForced && this.turn?.isForced) return ["play", { row: this.turn.graph.find(([row]) => row !== null)[0] }];
    return null;
  }

  // Showing

  // True where buttons lie on the dice of a seat.
  isOverlaid(seat) {
    const { view } = this;
    return Boolean(view.result) || (seat === PERSON && view.to_act === PERSON && (view.stage === "roll" || view.stage === "doubled" || view.stage === "opening"));
  }

  draw() {
    const { view, turn } = this;
    const now = turn ? turn.now : view;
    const isOwn = this.isOwnPlay && turn;
    let dice = null;
    if (isOwn) dice = { ...turn.shownDice, seat: PERSON, isReady: turn.isComplete };
    else if (view.stage === "play" && view.dice) dice = { values: doubled(view.dice), seat: view.turn };
    else if (this.lastDice && !this.isOverlaid(this.lastDice.seat)) dice = { ...this.lastDice, used: this.lastDice.values.map(() => true) };
    const movable = isOwn ? turn.sources : [];
    const targets = isOwn && this.chosen !== null ? [...turn.reach(this.chosen).keys()] : [];
    const cube = { ...view.cube, is_usable: this.canDouble };
    this.picture.show({ board: now.board, off: now.off, pips: now.pips, cube, dice, movable, targets, chosen: this.chosen });
    this.picture.showArrows(this.warning ? this.warning.arrows : isOwn && !turn.isUntouched ? [] : this.lastArrows);
    this.wrap.classList.toggle("flipped", this.picture.isFlipped);
    this.drawPlayers(now);
    this.drawActions();
    this.drawLog();
    this.drawIds();
  }

  drawPlayers(now) {
    const { view } = this;
    const crawford = view.is_crawford ? ", Crawford" : "";
    const score = view.length ? `${view.points.join("–")} to ${view.length}${crawford}` : `money, ${view.points.join("–")}`;
    const who = (seat) => make("span", { class: `who${view.to_act === seat && !view.result ? " turn" : ""}` },
      make("span", { class: `swatch ${seat === PERSON ? "light" : "dark"}` }), view.names[seat], make("span", { class: "soft" }, `  ${now.pips[seat]} pips`));
    this.players.replaceChildren(who(1), make("span", { id: "score" }, `Game ${view.game} · ${score}`), who(0));
  }

  // Buttons stay the same elements, so that focus and a press that has begun are not lost when something is drawn.
  makeActions() {
    const { buttons } = this;
    buttons.done = button("Done", () => this.endTurn(), { class: "main", id: "done" });
    buttons.undo = button("Undo", () => this.undo(), { id: "undo" });
    buttons.takeBack = button("Take back", () => this.act("take back"), { id: "take-back" });
    buttons.review = button("How did I play?", () => this.review(), { id: "review" });
    buttons.hint = button("Hint", () => this.hint(), { id: "hint" });
    buttons.resign = button("Resign", () => this.resign(), { id: "resign" });
    this.actions.append(buttons.done, buttons.undo, buttons.takeBack, make("span", { class: "spacer" }), buttons.review, buttons.hint, buttons.resign);
    buttons.roll = button("Roll", () => this.act("roll"), { class: "main", id: "roll" });
    buttons.double = button("Double", () => this.act("double"), { id: "double" });
    buttons.take = button("Take", () => this.act("take"), { class: "main", id: "take" });
    buttons.pass = button("Pass", () => this.act("drop"), { id: "pass" });
    buttons.beaver = button("Beaver", () => this.act("beaver"), { id: "beaver" });
    buttons.dance = button("No legal play: go on", () => this.endTurn(), { class: "main", id: "dance" });
    buttons.next = button("Next game", () => this.act("next game"), { class: "main", id: "next-game" });
    buttons.again = button("New game", () => { location.hash = "#play"; }, { class: "main", id: "again" });
    this.result = make("span", { class: "banner", id: "result" });
  }

  drawActions() {
    const { view, turn, buttons } = this;
    const isRoll = view.stage === "opening" || (view.stage === "roll" && view.to_act === PERSON);
    const isFree = !view.result && !this.warning;
    const own = [];
    if (view.result) own.push(this.result);
    else if (isFree && isRoll) own.push(buttons.roll, ...(this.canDouble ? [buttons.double] : []));
    else if (isFree && this.isDoubled) own.push(buttons.take, buttons.pass, ...(view.cube.may_beaver ? [buttons.beaver] : []));
    else if (isFree && this.isOwnPlay && turn?.isDance) own.push(buttons.dance);
    this.result.textContent = view.result ? this.resultText() : "";
    setChildren(this.own, own);
    setChildren(this.theirs, view.result ? [view.is_session_over ? buttons.again : buttons.next] : []);
    const isPlaying = isFree && this.isOwnPlay && turn && !turn.isDance;
    buttons.done.disabled = !(isPlaying && turn.isComplete);
    buttons.undo.disabled = !(isPlaying && !turn.isUntouched);
    buttons.takeBack.disabled = !(isFree && view.can_take_back);
    buttons.hint.disabled = !(isPlaying || (isFree && this.hasCubeDecision));
    buttons.resign.disabled = !isFree;
    buttons.review.hidden = !view.result;
  }

  async review() {
    try {
      const { task } = await ask("games/review", { id: this.view.id, plies: 1 });
      location.hash = `#review/task-${task}`;
    } catch (error) {
      await this.refused(error);
    }
  }

  drawLog() {
    const { log, names } = this.view;
    const list = make("ol", { tabindex: 0, "aria-label": "Turns" }, ...log.map(({ seat, text }) => make("li", {}, make("span", { class: "soft" }, `${names[seat]} `), text)));
    this.logBox.replaceChildren(make("h2", {}, `Game ${this.view.game}`), log.length ? list : make("p", { class: "soft" }, "Nothing has been played yet."));
    list.scrollTop = list.scrollHeight;
  }

  drawIds() {
    const { xgid } = this.view;
    this.ids.replaceChildren(...(xgid ? [make("code", {}, xgid), " ", button("Copy", () => copyText(xgid), { "aria-label": "Copy the XGID" })] : []));
  }

  resultText() {
    const { winner, size, points, ending } = this.view.result;
    const kind = ending === "drop" ? "the double is passed" : SIZES[size];
    const who = winner === PERSON ? "You win" : `${this.view.names[winner]} wins`;
    return `${who} ${points} point${points === 1 ? "" : "s"} (${kind})${this.view.is_session_over ? " and the match" : ""}`;
  }

  // What a person who does not see the board is told, and whose dice lie on it.
  announce(event) {
    const isOwn = event.seat === PERSON;
    const name = isOwn ? "You" : this.view.names[1];
    if (event.kind === "roll") {
      this.lastDice = { values: doubled(event.dice), seat: event.seat };
      say(`${name} ${isOwn ? "have" : "has"} rolled ${event.dice.join(" and ")}`);
    } else if (event.kind === "play") say(`${name}: ${event.text || "no legal play"}`);
    else if (event.kind === "double") say(`${name} ${isOwn ? "offer" : "offers"} the cube at ${event.cube}`);
    else if (event.kind === "take") say(`${name} ${isOwn ? "take" : "takes"}`);
    else if (event.kind === "beaver") say(`${name} ${isOwn ? "beaver" : "beavers"} to ${event.cube}`);
    else if (event.kind === "drop") say(`${name} ${isOwn ? "pass" : "passes"}`);
    else if (event.kind === "take back") say("Taken back; the dice are the same");
    else if (event.kind === "next game") this.lastDice = null;
    else if (event.kind === "result") say(`${event.winner === PERSON ? "You win" : `${this.view.names[1]} wins`} ${event.points}`);
  }

  async showPlay({ before, moves, seat, dice }) {
    if (this.isClosed) return;
    const off = [countOff(before, 1), countOff(before, -1)];
    this.picture.show({ board: before, off, pips: null, cube: this.view.cube, dice: { values: doubled(dice), seat } });
    this.picture.showArrows([]);
    await this.picture.animate(before, off, moves, seat, Number(options.speed));
  }

  // Moving checkers within the turn

  press(location, isAlternate) {
    if (this.isBusy || this.warning || !this.isOwnPlay || !this.turn) return;
    const { turn } = this;
    if (this.chosen !== null) {
      const steps = turn.reach(this.chosen).get(location);
      this.chosen = null;
      if (steps) return this.apply(steps);
      if (!turn.sources.includes(location)) return this.draw();
    }
    if (turn.sources.includes(location)) {
      if (options.click === "select" && !isAlternate) {
        this.chosen = location;
        return this.draw();
      }
      return this.apply([turn.stepFrom(location, isAlternate)]);
    }
    const steps = turn.stepsTo(location);
    if (steps.length) return this.apply(steps);
    if (turn.isComplete) say("The dice are played: Space or Done ends the turn");
    return undefined;
  }

  lift(location) {
    if (this.isBusy || this.warning || !this.isOwnPlay || !this.turn) return false;
    const { turn } = this;
    const isMoved = turn.path.some((step) => step[1] === location);
    if (!turn.sources.includes(location) && !isMoved) return false;
    this.chosen = location;
    const back = turn.path.filter((step) => step[1] === location).map((step) => step[0]);
    this.picture.state.targets = [...turn.reach(location).keys(), ...back];
    this.picture.state.chosen = location;
    this.picture.drawSpots();
    return true;
  }

  drop(from, to) {
    const { turn } = this;
    this.chosen = null;
    const steps = to === null || !turn ? null : turn.reach(from).get(to);
    if (steps) this.apply(steps);
    else {
      if (to !== null && turn?.dragBack(from, to)) say("Move undone");
      this.draw();
    }
  }

  apply(steps) {
    for (const step of steps) this.turn.apply(step);
    const [last] = steps.slice(-1);
    say(`${nameOf(steps[0][0])} to ${nameOf(last[1])}${last[2] ? ", hit" : ""}${this.turn.isComplete ? "; Space ends the turn" : ""}`);
    this.draw();
  }

  undo() {
    if (this.warning) return this.takeWarningBack();
    if (this.turn?.undo()) {
      this.chosen = null;
      say("Move undone");
      this.draw();
    }
    return undefined;
  }

  pressDice() {
    if (!this.turn || this.isBusy || this.warning) return undefined;
    if (this.turn.isComplete) return this.endTurn();
    this.turn.swapDice();
    return this.draw();
  }

  endTurn(fields) {
    if (!this.isOwnPlay || !this.turn || this.isBusy) return;
    const wanted = fields ?? (this.turn.isComplete ? { row: this.turn.row } : null);
    if (wanted) {
      this.entry.value = "";
      this.act("play", wanted);
    } else say("There are dice left to play");
  }

  // Tutor and hints

  showWarning(warning) {
    const isPlay = warning.kind === "play";
    const arrows = isPlay ? [{ moves: warning.played.moves, seat: PERSON, kind: "played" }, { moves: warning.best.moves, seat: PERSON, kind: "best" }] : [];
    this.warning = { ...warning, arrows };
    this.turn?.undoAll();
    this.draw();
    const mark = markText(warning.loss) || "loss";
    const back = button("Take it back", () => this.takeWarningBack(), { class: "main", id: "tutor-back" });
    const text = isPlay ? make("p", { id: "tutor-text" }, make("span", { class: "best-text" }, warning.best.play), ` is best: ${warning.difference}`)
      : make("p", { id: "tutor-text" }, "Right is ", make("span", { class: "best-text" }, warning.cube.wording), ".");
    const box = make("section", { class: `card tutor ${mark}`, role: "alertdialog", "aria-labelledby": "tutor-title", "aria-describedby": "tutor-text" },
      make("h2", { id: "tutor-title" }, `Tutor: this costs ${warning.loss.toFixed(3)} (${mark})`), text,
      isPlay ? this.table([warning.best, warning.played], false) : cubeTable(warning.cube),
      make("p", { class: "row" }, back, button(isPlay ? "Play it anyway" : "Do it anyway", () => this.goAnyway(), { id: "tutor-anyway" })));
    this.hints.replaceChildren(box);
    back.focus();
    say(isPlay ? `The tutor: ${warning.played.play} costs ${warning.loss.toFixed(3)}. Best is ${warning.best.play}.` : `The tutor: this costs ${warning.loss.toFixed(3)}. Right is ${warning.cube.wording}.`);
    if (matchMedia("(max-width: 860px)").matches) box.scrollIntoView({ block: "nearest" });
  }

  takeWarningBack() {
    this.warning = null;
    this.hints.replaceChildren();
    this.draw();
    this.picture.focus();
  }

  goAnyway() {
    const { kind, row, action } = this.warning;
    this.warning = null;
    this.hints.replaceChildren();
    if (kind === "play") this.act("play", { row, is_confirmed: true });
    else this.act(action, { is_confirmed: true });
    this.picture.focus();
  }

  get hasCubeDecision() {
    return this.canDouble || this.isDoubled;
  }

  async hint() {
    if (this.isBusy || this.warning || !(this.isOwnPlay || this.hasCubeDecision)) return;
    try {
      const { candidates, cube, note } = await ask("games/hint", { id: this.view.id });
      const parts = cube ? [make("p", {}, "Right is ", make("span", { class: "best-text" }, cube.wording), "."), cubeTable(cube)]
        : [make("p", { class: "soft" }, "A press puts the play on the board. Equity with the cube (EMG), chances in %."), this.table(candidates, true),
          ...(note ? [make("p", { class: "soft" }, `${note[0].toUpperCase()}${note.slice(1)}.`)] : [])];
      this.hints.replaceChildren(make("div", { class: "card" }, make("h2", {}, "Hint"), ...parts));
      say(cube ? `Right is ${cube.wording}` : `Best is ${candidates[0].play}`);
    } catch (error) {
      await this.refused(error);
    }
  }

  table(candidates, isPicked) {
    const head = make("tr", {}, ...["Play", "Equity", "Behind"].map((text, column) => make("th", { class: column ? "number" : null, scope: "col" }, text)));
    const rows = candidates.map((one) => {
      const play = isPicked ? button(one.play, () => this.pick(one), { class: "pick" }) : make("span", {}, one.play);
      return make("tr", {},
        make("td", {}, play, make("div", { class: "chances" }, `${chancesText(one.chances)}${wonText(one.mwc)} · ${one.level}`)),
        make("td", { class: "number" }, equityText(one.equity)),
        make("td", { class: "number" }, one.behind > 0 ? `−${one.behind.toFixed(3)}` : ""));
    });
    return make("div", { class: "scroll" }, make("table", { class: "plays" }, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  // Puts a play of the hint on the board; Done sends it.
  pick(one) {
    if (!this.turn) return;
    this.turn.undoAll();
    for (const [source, target] of one.moves) {
      const step = this.turn.steps.find((found) => found[0] === source && found[1] === target);
      if (step) this.turn.apply(step);
    }
    this.draw();
    this.picture.focus();
  }

  resign() {
    const dialog = make("dialog", { "aria-label": "Resign" });
    const choose = (size) => button(SIZES[size], () => { dialog.close(); this.act("resign", { size }); }, { "data-size": size });
    dialog.append(make("h2", {}, "Resign"), make("p", {}, "The engine accepts what it cannot better by playing on."),
      make("p", { class: "row" }, choose(1), choose(2), choose(3), button("Play on", () => dialog.close(), { class: "main" })));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  // Keys

  key(event) {
    const isOnButton = event.target.closest("button, a");
    const keys = {
      " ": () => this.mainAction(), z: () => this.undo(), Backspace: () => this.undo(), x: () => this.pressDice(), h: () => this.hint(),
      u: () => this.act("take back", {}, this.view.can_take_back), d: () => this.act("double", {}, this.canDouble),
      t: () => this.act("take", {}, this.isDoubled), p: () => this.act("drop", {}, this.isDoubled),
      "/": () => this.entry.focus(), "?": () => document.getElementById("open-options").click(),
      Escape: () => { if (this.warning) this.takeWarningBack(); else { this.chosen = null; this.draw(); } },
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || (isOnButton && event.key === " ")) return;
    event.preventDefault();
    act();
  }

  get isDoubled() {
    return this.view.stage === "doubled" && this.view.to_act === PERSON;
  }

  mainAction() {
    const { view } = this;
    if (this.warning) return undefined;
    if (view.result) return view.is_session_over ? undefined : this.act("next game");
    if (view.stage === "opening" || (view.stage === "roll" && view.to_act === PERSON)) return this.act("roll");
    if (this.isOwnPlay) return this.endTurn();
    return undefined;
  }
}

function setChildren(host, wanted) {
  if (wanted.length !== host.children.length || wanted.some((child, index) => host.children[index] !== child)) host.replaceChildren(...wanted);
}

function wonText(mwc) {
  return mwc === null || mwc === undefined ? "" : ` · match ${(100 * mwc).toFixed(2)} %`;
}

// The three equities of a cube decision, chances and points of the window.
export function cubeTable(cube) {
  const names = ["No double", "Double, take", "Double, pass"];
  const rows = names.map((name, index) => make("tr", {}, make("td", {}, name), make("td", { class: "number" }, equityText(cube.equities[index])), make("td", { class: "number soft" }, cube.mwc ? `${(100 * cube.mwc[index]).toFixed(2)} %` : "")));
  const chances = cube.chances ? make("p", { class: "soft" }, `${chancesText(cube.chances)} · ${cube.ply}-ply; take point ${(100 * cube.take_point).toFixed(1)} %, cash point ${(100 * cube.cash_point).toFixed(1)} %`) : "";
  return make("div", {}, make("table", { class: "plays" }, make("tbody", {}, ...rows)), chances);
}

function doubled([first, second]) {
  return first === second ? [first, first, first, first] : [first, second];
}

function countOff(board, sign) {
  return 15 - board.reduce((sum, count) => sum + Math.max(0, sign * count), 0);
}

function nameOf(location) {
  return location === 25 ? "bar" : location === 0 ? "off" : String(location);
}
