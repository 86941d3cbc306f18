// The frame around the views: which one is shown follows from the address behind #.

import { ask } from "./api.js";
import { applyOptions, listenToOptions } from "./options.js";
import { showError } from "/shared/elements.js";
import { GameView } from "./game.js";
import { showLobby } from "./lobby.js";
import { showMatches } from "./matches.js";
import { PositionView } from "./position.js";
import { QuizView } from "./quiz.js";
import { showReview, showReviews } from "./reviews.js";

const host = document.getElementById("view");
let current = null;
let start = null;

const VIEWS = {
  play: (id) => (id ? openGame(id) : showLobby(host, start)),
  review: (id) => (id ? showReview(host, start.geometry, id) : showReviews(host)),
  position: (id) => openPosition(id),
  quiz: () => openQuiz(),
  matches: () => showMatches(host),
};

async function openGame(id) {
  const view = await ask("games/show", { id });
  const game = new GameView(host, start.geometry, view);
  await game.begin();
  return game;
}

async function openPosition(text) {
  const view = new PositionView(host, start.geometry);
  await view.begin(text);
  return view;
}

async function openQuiz() {
  const view = new QuizView(host, start.geometry);
  await view.next();
  return view;
}

async function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const id = rest.join("/");
  current?.close?.();
  current = null;
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.hash === `#${name || "play"}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  host.className = "";
  host.replaceChildren();
  try {
    start ??= await ask("start");
    current = (await (VIEWS[name] ?? VIEWS.play)(id)) ?? null;
  } catch (error) {
    showError(host, error);
  }
}

// A link of other sites: ?xgid=... shows the position.
const linked = new URLSearchParams(location.search).get("xgid");
if (linked) history.replaceState(null, "", `${location.pathname}#position/${encodeURIComponent(linked)}`);

applyOptions();
listenToOptions(() => current?.optionsChanged?.());
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, dialog");
  if (isTyping || event.altKey || event.metaKey || event.defaultPrevented) return;
  current?.key?.(event);
});
addEventListener("hashchange", route);
route();
