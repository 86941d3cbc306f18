// Draws a board as SVG and tells what was pointed at. It knows no rules: what may be moved, it is told.
//
// Everything is in the view of the person with the light checkers: board[1..24] its points, 25 its bar, 0 the
// opponent's bar; positive counts are the person's. A location is 1..24, 25 (bar) or 0 (the person's tray). Moves are
// [source, target, hits] in the numbering of whoever moves (seat 0 the person). Geometry is the server's.

const NAMESPACE = "http://www.w3.org/2000/svg";
const MOVE_THRESHOLD = 6; // pixels of the pointer that make a drag

export function svgElement(name, attributes = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export function isMotionReduced() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

export class BoardPicture {
  constructor(geometry, { isInteractive = false } = {}) {
    this.geometry = geometry;
    this.isFlipped = false;
    this.isInteractive = isInteractive;
    this.state = null;
    this.handlers = {};
    this.focused = 6;
    const { width, height } = geometry;
    this.svg = svgElement("svg", { class: "board", viewBox: `0 0 ${width} ${height}` });
    this.layers = {};
    for (const name of ["base", "checkers", "dice", "cube", "spots", "arrows", "moving"]) {
      this.layers[name] = svgElement("g", name === "arrows" || name === "moving" ? { class: "layer-quiet" } : {});
      this.svg.append(this.layers[name]);
    }
    if (isInteractive) {
      this.svg.setAttribute("role", "group");
      this.svg.setAttribute("aria-label", "Backgammon board");
      this.listen();
    } else {
      this.svg.setAttribute("role", "img");
    }
    this.drawBase();
  }

  // Places

  x(value) {
    return this.isFlipped ? this.geometry.width - value : value;
  }

  flip(isFlipped) {
    this.isFlipped = isFlipped;
    this.drawBase();
    if (this.state) this.show(this.state);
  }

  // The middle of checker number `index` on a location in the numbering of `seat`; beyond the shown ones: the last.
  place(location, index, seat) {
    const g = this.geometry;
    const step = 2 * g.radius - 1;
    const offset = g.radius + 1 + Math.min(index, g.shown - 1) * step;
    if (location === 25) return [this.x(g.bar_x), seat === 0 ? g.middle + g.bar_offset - offset : g.middle - g.bar_offset + offset];
    if (location === 0) {
      const along = 10.4 * (index + 1) - 5;
      return [this.x(g.tray_x), seat === 0 ? g.bottom - along : g.top + along];
    }
    const point = seat === 0 ? location : 25 - location;
    return [this.x(g.point_x[point]), point <= 12 ? g.bottom - offset : g.top + offset];
  }

  locate(x, y) {
    const g = this.geometry;
    const at = this.isFlipped ? g.width - x : x;
    if (at < g.left) return null;
    if (at >= g.right) return 0;
    if (Math.abs(at - g.bar_x) <= g.point_width / 2) return 25;
    const column = at < g.bar_x ? Math.floor((at - g.left) / g.point_width) : 6 + Math.floor((at - g.right_half) / g.point_width);
    return y > g.middle ? 12 - column : 13 + column;
  }

  // Drawing

  drawBase() {
    const g = this.geometry;
    const base = this.layers.base;
    const gradient = (id, kind, name) => svgElement(kind, { id, ...(kind === "radialGradient" ? { cx: ".38", cy: ".32", r: ".8" } : { x1: 0, y1: 0, x2: 0, y2: 1 }) },
      svgElement("stop", { offset: 0, class: `${name}-a` }), svgElement("stop", { offset: 1, class: `${name}-b` }));
    const parts = [
      svgElement("defs", {}, gradient("wood", "linearGradient", "wood"), gradient("light-checker", "radialGradient", "light"), gradient("dark-checker", "radialGradient", "dark")),
      svgElement("rect", { width: g.width, height: g.height, rx: 10, fill: "url(#wood)" }),
    ];
    const panels = [[g.left, 6 * g.point_width], [g.right_half, 6 * g.point_width], [g.right + 8, g.width - g.right - 16]];
    for (const [left, width] of panels) {
      const from = this.isFlipped ? g.width - left - width : left;
      parts.push(svgElement("rect", { class: "felt", x: from, y: g.top, width, height: g.bottom - g.top, rx: 3 }));
    }
    parts.push(svgElement("rect", { class: "hinge", x: this.x(g.bar_x) - 1, y: 0, width: 2, height: g.height }));
    for (let point = 1; point <= 24; point += 1) {
      const x = this.x(g.point_x[point]);
      const half = g.point_width / 2 - 1.5;
      const [root, tip] = point <= 12 ? [g.bottom, g.bottom - g.triangle] : [g.top, g.top + g.triangle];
      parts.push(svgElement("path", { class: point % 2 ? "point-b" : "point-a", d: `M${x - half} ${root}L${x} ${tip}L${x + half} ${root}Z` }));
      const label = svgElement("text", { class: "label", x, y: point <= 12 ? g.bottom + 16 : g.top - 8, "aria-hidden": true });
      label.textContent = point;
      parts.push(label);
    }
    base.replaceChildren(...parts);
  }

  // state: board, off [own, other], pips, and where known cube {value, owner, is_in_play, is_offered, is_usable},
  // dice {values, used, seat, isReady}, movable [locations], targets [locations], chosen location.
  show(state) {
    this.state = state;
    this.drawCheckers(state.board, state.off, state.pips);
    this.drawDice(state.dice);
    this.drawCube(state.cube);
    this.drawSpots();
  }

  drawCheckers(board, off, pips) {
    const parts = [];
    const marks = new Set(this.state?.movable ?? []);
    for (let location = 0; location <= 25; location += 1) {
      const count = board[location];
      if (!count) continue;
      const seat = count > 0 ? 0 : 1;
      const where = seat === 0 ? location : 25 - location;
      const shown = Math.min(Math.abs(count), this.geometry.shown);
      for (let index = 0; index < shown; index += 1) {
        const [x, y] = this.place(where, index, seat);
        const checker = this.checker(x, y, seat);
        if (index === shown - 1 && Math.abs(count) > shown) {
          const text = svgElement("text", { y: 5 });
          text.textContent = Math.abs(count);
          checker.append(text);
        }
        if (index === shown - 1 && seat === 0 && marks.has(location)) {
          checker.append(svgElement("circle", { class: "movable-mark", r: this.geometry.radius - 3 }));
        }
        parts.push(checker);
      }
    }
    off.forEach((count, seat) => {
      for (let index = 0; index < count; index += 1) {
        const [x, y] = this.place(0, index, seat);
        const width = this.geometry.width - this.geometry.right - 24;
        parts.push(svgElement("rect", { class: `borne ${seat === 0 ? "light" : "dark"}`, x: x - width / 2, y: y - 4.6, width, height: 9, rx: 2 }));
      }
    });
    if (pips) {
      [[pips[1], -12], [pips[0], 22]].forEach(([value, dy]) => {
        const text = svgElement("text", { class: "pips", x: this.x(this.geometry.tray_x), y: this.geometry.middle + dy, "aria-hidden": true });
        text.textContent = value;
        parts.push(text);
      });
    }
    this.layers.checkers.replaceChildren(...parts);
  }

  checker(x, y, seat) {
    const radius = this.geometry.radius - 1;
    const group = svgElement("g", { class: `checker ${seat === 0 ? "light" : "dark"}`, transform: `translate(${x} ${y})` });
    group.append(svgElement("circle", { class: "body", r: radius }), svgElement("circle", { class: "ring", r: radius * 0.66 }));
    return group;
  }

  drawDice(dice) {
    const parts = [];
    if (dice) {
      const g = this.geometry;
      const size = 34;
      const gap = 9;
      const total = dice.values.length * (size + gap) - gap;
      const middle = this.x(dice.seat === 0 ? g.right_half + 3 * g.point_width : g.left + 3 * g.point_width);
      dice.values.forEach((value, index) => {
        const left = middle - total / 2 + index * (size + gap);
        const die = svgElement("g", { class: `die ${dice.seat === 0 ? "light" : "dark"}${dice.used?.[index] ? " used" : ""}` });
        die.append(svgElement("rect", { x: left, y: g.middle - size / 2, width: size, height: size, rx: 7 }));
        for (const [dx, dy] of g.spots[value]) {
          die.append(svgElement("circle", { cx: left + size / 2 + 9 * dx, cy: g.middle + 9 * dy, r: 3.4 }));
        }
        parts.push(die);
      });
    }
    this.layers.dice.setAttribute("class", `dice${dice?.isReady ? " ready" : ""}`);
    this.layers.dice.replaceChildren(...parts);
  }

  drawCube(cube) {
    const parts = [];
    if (cube && (cube.is_in_play || cube.value > 1)) {
      const g = this.geometry;
      const side = cube.owner === null ? 0 : cube.owner === 0 ? 1 : -1;
      const group = svgElement("g", { class: `cube${cube.is_offered ? " offered" : ""}${cube.is_usable ? " usable" : ""}` });
      const size = 34;
      const x = cube.is_offered ? this.x(g.left + 3 * g.point_width) : this.x(g.left / 2);
      const y = cube.is_offered ? g.middle : g.middle + side * g.bar_offset;
      group.append(svgElement("rect", { x: x - size / 2, y: y - size / 2, width: size, height: size, rx: 5 }));
      const text = svgElement("text", { x, y: y + 5 });
      text.textContent = cube.is_offered ? 2 * cube.value : cube.value === 1 ? 64 : cube.value;
      group.append(text);
      parts.push(group);
    }
    this.layers.cube.replaceChildren(...parts);
  }

  // Areas that can be pointed at or focused, one for each location.
  drawSpots() {
    if (!this.isInteractive) return;
    if (!this.spots) this.makeSpots();
    const { movable = [], targets = [], chosen = null } = this.state;
    for (const [location, spot] of this.spots) {
      spot.classList.toggle("movable", movable.includes(location));
      spot.classList.toggle("target", targets.includes(location));
      spot.classList.toggle("chosen", chosen === location);
      spot.setAttribute("aria-label", this.describe(location, movable, targets));
      this.layOut(spot, location);
    }
  }

  makeSpots() {
    this.spots = new Map();
    for (const location of this.order()) {
      const spot = svgElement("g", { class: "spot", role: "button", "data-location": location, tabindex: location === this.focused ? 0 : -1 });
      spot.append(svgElement("rect", { class: "under" }), svgElement("rect", {}));
      spot.addEventListener("focus", () => this.setFocused(location));
      this.spots.set(location, spot);
      this.layers.spots.append(spot);
    }
  }

  layOut(spot, location) {
    const g = this.geometry;
    let [left, width] = [g.right + 8, g.width - g.right - 16];
    let [top, height] = [g.middle + 2, g.bottom - g.middle - 2];
    if (location === 25) [left, width] = [g.bar_x - g.point_width / 2, g.point_width];
    else if (location > 0) {
      [left, width] = [g.point_x[location] - g.point_width / 2, g.point_width];
      if (location > 12) [top, height] = [g.top, g.middle - g.top - 2];
    }
    const from = this.isFlipped ? g.width - left - width : left;
    for (const rect of spot.children) {
      rect.setAttribute("x", from + 1); rect.setAttribute("y", top); rect.setAttribute("rx", 4);
      rect.setAttribute("width", width - 2); rect.setAttribute("height", height);
    }
  }

  describe(location, movable, targets) {
    const { board, off } = this.state;
    const name = location === 25 ? "Bar" : location === 0 ? "Tray" : `Point ${location}`;
    let count = location === 0 ? off[0] : board[location];
    let text = `${name}, ${count === 0 ? "empty" : `${Math.abs(count)} ${count > 0 ? "yours" : "of the opponent"}`}`;
    if (location === 25 && board[0] < 0) text += `, ${-board[0]} of the opponent`;
    if (location === 0 && off[1]) text += `, ${off[1]} of the opponent off`;
    if (movable.includes(location)) text += ", can move";
    if (targets.includes(location)) text += ", can be reached";
    return text;
  }

  // Locations row by row, as arrow keys walk them.
  rows() {
    const top = [13, 14, 15, 16, 17, 18, 25, 19, 20, 21, 22, 23, 24, 0];
    const bottom = [12, 11, 10, 9, 8, 7, 25, 6, 5, 4, 3, 2, 1, 0];
    return this.isFlipped ? [top.reverse(), bottom.reverse()] : [top, bottom];
  }

  order() {
    return [13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 12, 11, 10, 9, 8, 7, 25, 6, 5, 4, 3, 2, 1, 0];
  }

  setFocused(location) {
    this.spots.get(this.focused)?.setAttribute("tabindex", -1);
    this.focused = location;
    this.spots.get(location).setAttribute("tabindex", 0);
  }

  focus(location = this.focused) {
    this.setFocused(location);
    this.spots.get(location).focus({ preventScroll: true });
  }

  // Pointer and keys

  on(name, handler) {
    this.handlers[name] = handler;
    return this;
  }

  listen() {
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", (event) => this.release(event));
    this.svg.addEventListener("pointercancel", () => this.cancelDrag());
    this.svg.addEventListener("contextmenu", (event) => event.preventDefault());
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  position(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  isOn(layer, x, y) {
    const box = this.layers[layer].getBBox();
    return box.width > 0 && x >= box.x - 4 && x <= box.x + box.width + 4 && y >= box.y - 4 && y <= box.y + box.height + 4;
  }

  press(event) {
    const [x, y] = this.position(event);
    const location = this.locate(x, y);
    const area = this.isOn("dice", x, y) ? "dice" : this.isOn("cube", x, y) ? "cube" : null;
    this.drag = { location, area, x, y, clientX: event.clientX, clientY: event.clientY, isAlternate: event.button === 2 || event.ctrlKey, isMoving: false };
    this.svg.setPointerCapture(event.pointerId);
    if (!area && location !== null && this.spots) this.setFocused(location);
  }

  move(event) {
    const drag = this.drag;
    if (!drag || drag.area || drag.location === null) return;
    const isFar = Math.hypot(event.clientX - drag.clientX, event.clientY - drag.clientY) > MOVE_THRESHOLD;
    if (!drag.isMoving && isFar && (this.handlers.lift?.(drag.location) ?? false)) {
      drag.isMoving = true;
      this.liftChecker(drag.location);
    }
    if (drag.isMoving) {
      const [x, y] = this.position(event);
      drag.checker.setAttribute("transform", `translate(${x} ${y}) scale(1.08)`);
    }
  }

  release(event) {
    const drag = this.drag;
    this.drag = null;
    if (!drag) return;
    const [x, y] = this.position(event);
    if (drag.isMoving) {
      drag.checker.remove();
      this.handlers.drop?.(drag.location, this.locate(x, y));
    } else if (drag.area) this.handlers[drag.area]?.();
    else if (drag.location !== null) this.handlers.press?.(drag.location, drag.isAlternate);
  }

  cancelDrag() {
    if (this.drag?.isMoving) {
      this.drag.checker.remove();
      this.handlers.drop?.(this.drag.location, null);
    }
    this.drag = null;
  }

  liftChecker(location) {
    const { board, off, pips } = this.state;
    const without = board.slice();
    const less = off.slice();
    if (location === 0) less[0] -= 1;
    else without[location] -= 1;
    this.drawCheckers(without, less, pips);
    this.drag.checker = this.checker(this.drag.x, this.drag.y, 0);
    this.drag.checker.classList.add("dragged");
    this.layers.moving.append(this.drag.checker);
  }

  key(event) {
    const [top, bottom] = this.rows();
    const row = bottom.includes(this.focused) && !(top.includes(this.focused) && this.lastRow === top[0]) ? bottom : top;
    const other = row === bottom ? top : bottom;
    const column = row.indexOf(this.focused);
    let next = null;
    if (event.key === "ArrowLeft") next = row[Math.max(0, column - 1)];
    else if (event.key === "ArrowRight") next = row[Math.min(row.length - 1, column + 1)];
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const wanted = event.key === "ArrowUp" ? top : bottom;
      next = wanted === row ? null : other[column];
      this.lastRow = wanted[0];
    } else if (event.key === "Home") next = row[0];
    else if (event.key === "End") next = row[row.length - 1];
    else if (event.key === "Enter") {
      this.handlers.press?.(this.focused, event.shiftKey || event.ctrlKey);
      event.preventDefault();
      return;
    } else return;
    event.preventDefault();
    if (next !== null) this.focus(next);
  }

  // Motion

  // Shows the moves of a seat one after the other, from the board before them; resolves when they are done.
  async animate(before, off, moves, seat, duration) {
    const board = before.slice();
    const borne = off.slice();
    for (const [source, target, isHit] of moves) {
      const sign = seat === 0 ? 1 : -1;
      const at = (location) => (seat === 0 ? location : 25 - location);
      const from = this.place(source, Math.abs(board[at(source)]) - 1, seat);
      board[at(source)] -= sign;
      this.drawCheckers(board, borne, null);
      const isTaken = Boolean(isHit) && target > 0;
      const index = target === 0 ? borne[seat] : isTaken ? 0 : Math.abs(board[at(target)]);
      const to = this.place(target, index, seat);
      await this.glide(from, to, seat, duration);
      if (isTaken) {
        const barAt = seat === 0 ? 0 : 25;
        board[at(target)] = 0;
        const rest = board.slice();
        rest[at(target)] = sign;
        this.drawCheckers(rest, borne, null);
        await this.glide(to, this.place(25, Math.abs(board[barAt]), 1 - seat), 1 - seat, duration * 0.6);
        board[barAt] -= sign;
      }
      if (target === 0) borne[seat] += 1;
      else board[at(target)] += sign;
      this.drawCheckers(board, borne, null);
    }
  }

  async glide(from, to, seat, duration) {
    if (duration <= 0 || isMotionReduced()) return;
    const checker = this.checker(from[0], from[1], seat);
    this.layers.moving.append(checker);
    const frames = [from, to].map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` }));
    try {
      await checker.animate(frames, { duration, easing: "ease-in-out" }).finished;
    } catch {
      // the animation was cut short: the picture that follows is right all the same
    }
    checker.remove();
  }

  // Arrows: a list of {moves, seat, kind}, kind best, played or last.
  showArrows(list) {
    const parts = [];
    for (const { moves, seat, kind } of list) {
      const seen = new Set();
      for (const [source, target] of moves) {
        if (seen.has(`${source}/${target}`)) continue;
        seen.add(`${source}/${target}`);
        parts.push(...this.arrow(source, target, seat, kind));
      }
    }
    this.layers.arrows.replaceChildren(...parts);
  }

  arrow(source, target, seat, kind) {
    const g = this.geometry;
    const [x0, y0] = this.place(source, source === 25 ? 0 : 1, seat);
    let [x1, y1] = this.place(target, target === 0 ? 4 : 1, seat);
    const bendX = (x0 + x1) / 2;
    const bend = kind === "played" ? 0.95 : 0.55; // so that two arrows between the same points do not cover each other
    const bendY = (y0 + y1) / 2 + (g.middle - (y0 + y1) / 2) * bend;
    const length = Math.hypot(x1 - bendX, y1 - bendY) || 1;
    const [ux, uy] = [(x1 - bendX) / length, (y1 - bendY) / length];
    const head = `M${x1} ${y1}L${x1 - 14 * ux - 7 * uy} ${y1 - 14 * uy + 7 * ux}L${x1 - 14 * ux + 7 * uy} ${y1 - 14 * uy - 7 * ux}Z`;
    const line = `M${x0} ${y0}Q${bendX} ${bendY} ${x1 - 9 * ux} ${y1 - 9 * uy}`;
    return [svgElement("path", { class: `arrow ${kind}`, d: line }), svgElement("path", { class: `head ${kind}`, d: head })];
  }
}
