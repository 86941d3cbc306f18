// The page of reviews: drop a file, or open a match that was judged before.

import { ask, download, upload } from "./api.js";
import { button, make, showError } from "/shared/elements.js";
import { ReviewView } from "/shared/review.js";
import { options, setOption } from "./options.js";
import { watchTask } from "./tasks.js";

const DEPTHS = [[0, "a quick look (0-ply)"], [1, "1 ply"], [2, "2 plies, minutes"], [3, "3 plies, long"]];

export async function showReviews(host) {
  host.className = "narrow";
  const file = make("input", { type: "file", "aria-label": "A file to analyse", id: "file" });
  const depth = make("select", { "aria-label": "Depth" }, ...DEPTHS.map(([value, text]) => make("option", { value, selected: value === Number(options.reviewPlies ?? 1) }, text)));
  const zone = make("section", { class: "card drop", "aria-labelledby": "drop-title" }, make("h1", { id: "drop-title" }, "Review a match"),
    make("p", {}, "Drop a log here (.mat, .sgf, .xg, .txt, .jsonl, packed or not), or choose one. It stays on this machine."), make("p", { class: "row" }, file, make("label", { class: "inline" }, "judged at ", depth)));
  host.append(zone);
  const begin = async (chosen) => {
    setOption("reviewPlies", Number(depth.value));
    try {
      const { task } = await upload("analyse", { name: chosen.name, plies: depth.value }, chosen);
      await openTask(host, task);
    } catch (error) {
      showError(host, error);
    }
  };
  file.addEventListener("change", () => file.files[0] && begin(file.files[0]));
  const drop = (event) => {
    event.preventDefault();
    zone.classList.toggle("over", event.type === "dragover");
    if (event.type === "drop" && event.dataTransfer.files[0]) begin(event.dataTransfer.files[0]);
  };
  for (const kind of ["dragover", "dragleave", "drop"]) host.addEventListener(kind, drop);
  const { matches } = await ask("matches/list");
  const list = make("ul", { class: "list" }, ...matches.slice(0, 20).map((match) => make("li", {}, make("span", {}, match.title, " ", make("span", { class: "soft" }, match.engine)),
    button("Open", () => { location.hash = `#review/${match.id}`; }, { "aria-label": `Open ${match.title}` }))));
  host.append(make("h2", {}, "Judged before"), matches.length ? list : make("p", { class: "soft" }, "None yet."));
  return { close: () => { for (const kind of ["dragover", "dragleave", "drop"]) host.removeEventListener(kind, drop); } };
}

// Watches an analysis; the match opens when it is done.
export async function openTask(host, task) {
  const matches = await watchTask(host, task);
  if (!matches || !host.isConnected) return;
  location.hash = matches.length === 1 ? `#review/${matches[0]}` : "#matches";
}

export async function showReview(host, geometry, id) {
  if (id.startsWith("task-")) {
    host.className = "narrow";
    host.append(make("h1", {}, "Review"));
    openTask(host, id.slice(5));
    return null;
  }
  const match = await ask("matches/show", { id: Number(id) });
  const extra = make("p", { class: "row" }, button("Save the report", () => download("export", { id: Number(id), form: "report" }, `report-${id}.html`).catch((error) => showError(host, error))));
  const review = new ReviewView(host, geometry, match, { extra });
  return { key: (event) => review.key(event) };
}
