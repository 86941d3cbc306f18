// Talks to the server: JSON over POST, with the key that came behind the # of the address.

const KEY = "pairgammon-token";

function readToken() {
  const values = new URLSearchParams(location.hash.slice(1));
  const found = values.get("token");
  if (found) {
    sessionStorage.setItem(KEY, found);
    values.delete("token");
    history.replaceState(null, "", `#${values.get("view") ?? "play"}`);
  }
  return sessionStorage.getItem(KEY) ?? "";
}

const token = readToken();

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.message ?? `the server answered ${status}`);
    this.status = status;
    this.view = answer.view ?? null;
  }
}

async function send(path, body, type) {
  try {
    return await fetch(path, { method: "POST", headers: { "X-Pairgammon-Token": token, "Content-Type": type }, body });
  } catch {
    throw new Refused(0, { message: "the server does not answer: is `pairgammon web` still running?" });
  }
}

export async function ask(name, fields = {}) {
  const response = await send(`/api/${name}`, JSON.stringify(fields), "application/json");
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// A file as it is; the answer is JSON.
export async function upload(name, query, data) {
  const response = await send(`/api/${name}?${new URLSearchParams(query)}`, data, "application/octet-stream");
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// Server-sent events of a POST: each one is handed to `onEvent`.
export async function follow(name, fields, onEvent) {
  const response = await send(`/api/${name}`, JSON.stringify(fields), "application/json");
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data) onEvent(JSON.parse(data));
    }
  }
}

// A file to keep.
export async function download(name, fields, fileName) {
  const response = await send(`/api/${name}`, JSON.stringify(fields), "application/json");
  if (!response.ok) throw new Refused(response.status, await response.json().catch(() => ({})));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
