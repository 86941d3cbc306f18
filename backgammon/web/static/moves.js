// A turn in play: walks the graph of legal moves that the server has sent. Nothing is decided here.
//
// graph: nodes [row or null, steps]; a step is [source, target, hits, die, node].

export class TurnInPlay {
  constructor(view) {
    this.graph = view.graph;
    this.dice = view.dice;
    this.lead = view.dice[0];
    this.boards = [{ board: view.board, off: view.off, pips: view.pips }];
    this.path = [];
  }

  get nodeIndex() {
    return this.path.length ? this.path[this.path.length - 1][4] : 0;
  }

  get steps() {
    return this.graph[this.nodeIndex][1];
  }

  get row() {
    return this.graph[this.nodeIndex][0];
  }

  get isComplete() {
    return this.row !== null;
  }

  get isUntouched() {
    return this.path.length === 0;
  }

  get isDance() {
    return this.graph[0][0] !== null;
  }

  // True where every way through the graph ends in the same row.
  get isForced() {
    return new Set(this.graph.map(([row]) => row).filter((row) => row !== null)).size === 1;
  }

  get now() {
    return this.boards[this.boards.length - 1];
  }

  get moves() {
    return this.path.map(([source, target, isHit]) => [source, target, isHit]);
  }

  get sources() {
    return [...new Set(this.steps.map(([source]) => source))];
  }

  // The dice as they are shown, the leading one first, and which of them are played.
  get shownDice() {
    const [first, second] = this.dice;
    const values = first === second ? [first, first, first, first] : this.lead === first ? [first, second] : [second, first];
    const left = this.path.map((step) => step[3]);
    const used = values.map((value) => {
      const at = left.indexOf(value);
      if (at >= 0) left.splice(at, 1);
      return at >= 0 || this.isComplete;
    });
    return { values, used };
  }

  swapDice() {
    if (this.isUntouched) this.lead = this.lead === this.dice[0] ? this.dice[1] : this.dice[0];
  }

  apply(step) {
    const [source, target] = step;
    const { board, off, pips } = this.now;
    const next = board.slice();
    const borne = off.slice();
    const counts = pips.slice();
    counts[0] -= source - target;
    next[source] -= 1;
    if (target === 0) borne[0] += 1;
    else {
      if (next[target] === -1) {
        next[target] = 0;
        next[0] -= 1;
        counts[1] += target;
      }
      next[target] += 1;
    }
    this.path.push(step);
    this.boards.push({ board: next, off: borne, pips: counts });
  }

  undo() {
    if (!this.path.length) return false;
    this.path.pop();
    this.boards.pop();
    return true;
  }

  undoAll() {
    this.path = [];
    this.boards = this.boards.slice(0, 1);
  }

  // The step from a location by the leading die, or the other one; null when nothing can be moved there.
  stepFrom(source, isAlternate) {
    const steps = this.steps.filter((step) => step[0] === source);
    const wanted = isAlternate ? this.dice.find((die) => die !== this.lead) ?? this.lead : this.lead;
    return steps.find((step) => step[3] === wanted) ?? steps[0] ?? null;
  }

  // Where the checker on a location can come by one or several steps of its own: Map of target to steps.
  reach(source) {
    const found = new Map();
    const waiting = [{ node: this.nodeIndex, at: source, steps: [] }];
    while (waiting.length) {
      const { node, at, steps } = waiting.shift();
      for (const step of this.graph[node][1]) {
        if (step[0] !== at) continue;
        const way = [...steps, step];
        const known = found.get(step[1]);
        if (!known || hitsOf(known) > hitsOf(way)) found.set(step[1], way);
        if (step[1] > 0) waiting.push({ node: step[4], at: step[1], steps: way });
      }
    }
    return found;
  }

  // Steps that bring checkers to a location from elsewhere: two when they make a point together, else the only one.
  stepsTo(target) {
    const direct = this.steps.filter((step) => step[1] === target);
    for (const first of direct) {
      const second = this.graph[first[4]][1].find((step) => step[1] === target && (step[0] !== first[0] || step[3] === first[3]));
      if (second && this.now.board[target] <= 0 && target > 0) return [first, second];
    }
    return direct.length === 1 ? direct : [];
  }

  // Take back the step that brought a checker from `target` to `source`, where the rest can still be played.
  dragBack(source, target) {
    const index = this.path.findLastIndex((step) => step[1] === source && step[0] === target);
    if (index < 0) return false;
    const kept = this.path.filter((_, place) => place !== index);
    const before = [this.path, this.boards];
    this.undoAll();
    for (const [from, to, , die] of kept) {
      const step = this.steps.find((one) => one[0] === from && one[1] === to && one[3] === die);
      if (!step) {
        [this.path, this.boards] = before;
        return false;
      }
      this.apply(step);
    }
    return true;
  }
}

function hitsOf(steps) {
  return steps.reduce((sum, step) => sum + step[2], 0) * 10 + steps.length;
}
