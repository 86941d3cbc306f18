// Where a game begins: a new one, or one that was saved.

import { ask } from "./api.js";
import { button, make, showError } from "/shared/elements.js";
import { setOption, options } from "./options.js";

const LENGTHS = [[0, "money game"], [1, "1 point"], [3, "3 points"], [5, "5 points"], [7, "7 points"], [9, "9 points"], [11, "11 points"], [15, "15 points"], [25, "25 points"]];
const DEPTHS = [[0, "at once (0-ply)"], [1, "1 ply"], [2, "2 plies"], [3, "3 plies, slow"]];
const CUBES = [["yes", "with the cube"], ["jacoby", "with Jacoby rule"], ["beavers", "with Jacoby rule, beavers"], ["no", "without"]];
const TUTOR = [[0.02, "from .020 on"], [0.04, "from .040 on"], [0.08, "from .080 on: blunders"], [0, "off"]];

function select(name, choices, value) {
  return make("select", { name }, ...choices.map(([key, text]) => make("option", { value: key, selected: String(key) === String(value) }, text)));
}

export async function showLobby(host, start) {
  host.className = "narrow";
  const { games } = await ask("games/list");
  const last = options.lastGame ?? {};
  const levels = start.levels.toReversed().map((name) => [name, name === "full" ? "full strength" : name]);
  const form = make("form", { class: "card", id: "new-game" },
    make("h1", {}, "Play"),
    make("div", { class: "form" },
      make("label", {}, "Opponent", select("level", levels, last.level ?? "full")),
      make("label", {}, "It looks ahead", select("plies", DEPTHS, last.plies ?? 1)),
      make("label", {}, "Length", select("length", LENGTHS, last.length ?? 3)),
      make("label", {}, "Cube", select("cube", CUBES, last.cube ?? "yes")),
      make("label", {}, "Tutor speaks up", select("tutor", TUTOR, last.tutor ?? 0.02)),
      make("label", {}, "Your name", make("input", { type: "text", name: "name", value: last.name ?? "You", maxlength: 40, autocomplete: "off" }))),
    make("p", { class: "row" }, make("button", { class: "main", type: "submit" }, "New game")));
  const level = form.elements.level;
  const adapt = () => {
    form.elements.plies.disabled = level.value !== "full";
    for (const option of form.elements.cube.options) option.disabled = form.elements.length.value !== "0" && ["jacoby", "beavers"].includes(option.value);
    if (form.elements.cube.selectedOptions[0].disabled) form.elements.cube.value = "yes";
  };
  form.addEventListener("change", adapt);
  adapt();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const wanted = { level: level.value, plies: level.value === "full" ? Number(data.get("plies")) : 0, length: Number(data.get("length")), tutor: Number(data.get("tutor")), name: data.get("name") || "You" };
    const cube = data.get("cube");
    setOption("lastGame", { ...wanted, cube });
    try {
      const view = await ask("games/new", { ...wanted, has_cube: cube !== "no", has_jacoby: cube === "jacoby" || cube === "beavers", has_beavers: cube === "beavers" });
      location.hash = `#play/${view.id}`;
    } catch (error) {
      showError(host, error);
    }
  });
  host.append(form, savedGames(games));
}

function savedGames(games) {
  const open = games.filter((game) => !game.problem);
  const broken = games.filter((game) => game.problem);
  const box = make("section", { "aria-labelledby": "saved-title" }, make("h2", { id: "saved-title" }, "Saved games"));
  if (!games.length) box.append(make("p", { class: "soft" }, "None yet. Every turn is saved as it is played; a game goes on where it stood."));
  const list = make("ul", { class: "list" });
  for (const game of open.slice(0, 30)) {
    const kind = game.length ? `${game.length} points, ${game.points.join("–")}` : `money, ${game.points.join("–")}`;
    const text = `${game.names.join(" – ")}: ${kind}${game.is_over ? ", over" : ""}`;
    list.append(make("li", {}, make("span", {}, text, " ", make("span", { class: "soft" }, dateOf(game.id))),
      button(game.is_over ? "Look" : "Go on", () => { location.hash = `#play/${game.id}`; }, { "aria-label": `${game.is_over ? "Look at" : "Go on with"} ${text}` })));
  }
  box.append(list);
  for (const game of broken) box.append(make("p", { class: "message" }, `${game.id}: ${game.problem}`));
  return box;
}

function dateOf(id) {
  return `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)} ${id.slice(9, 11)}:${id.slice(11, 13)}`;
}
