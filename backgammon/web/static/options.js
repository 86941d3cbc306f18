// What a person has chosen for this browser, kept there.

const KEY = "pairgammon-options";
const DEFAULTS = { speed: 380, theme: "auto", click: "move", autoRoll: true, autoForced: false, flip: false };

function read() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

export const options = read();

export function applyOptions() {
  if (options.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = options.theme;
}

export function setOption(name, value) {
  options[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(options));
  } catch {
    // a browser that keeps nothing: the choice holds until the page is closed
  }
}

export function listenToOptions(onChange) {
  const dialog = document.getElementById("options");
  const form = dialog.querySelector("form");
  document.getElementById("open-options").addEventListener("click", () => {
    for (const field of form.elements) {
      if (field.name in options) {
        if (field.type === "checkbox") field.checked = options[field.name];
        else field.value = String(options[field.name]);
      }
    }
    dialog.showModal();
  });
  form.addEventListener("change", ({ target }) => {
    if (!(target.name in options)) return;
    setOption(target.name, target.type === "checkbox" ? target.checked : target.name === "speed" ? Number(target.value) : target.value);
    applyOptions();
    onChange();
  });
}
