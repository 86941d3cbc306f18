// Small helpers for building pages: text always goes in as text, never as markup.

export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function button(text, onclick, attributes = {}) {
  return make("button", { type: "button", onclick, ...attributes }, text);
}

export function say(text) {
  const live = document.getElementById("live");
  live.textContent = text;
}

export function showError(host, error) {
  if (!(error.status >= 0)) throw error; // a fault of the page itself, not a refusal
  const old = host.querySelector(".message.bad");
  const box = make("p", { class: "message bad", role: "alert" }, error.message);
  if (old) old.replaceWith(box);
  else host.prepend(box);
}

export function equityText(value) {
  return `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(3)}`;
}

// Win, gammon, backgammon - lose gammon, backgammon, in per cent, as all programs show them.
export function chancesText([win, gammon, backgammon, loseGammon, loseBackgammon]) {
  const percent = (value) => (100 * Math.max(0, value)).toFixed(1);
  return `${percent(win)} ${percent(gammon)} ${percent(backgammon)} – ${percent(1 - win)} ${percent(loseGammon)} ${percent(loseBackgammon)}`;
}

export function markText(loss) {
  return loss >= 0.08 ? "blunder" : loss >= 0.02 ? "error" : "";
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("copied");
  } catch {
    prompt("Copy:", text);
  }
}
