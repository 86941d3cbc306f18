// An analysis in work: a bar until it ends, then where it leads to.

import { ask, follow } from "./api.js";
import { button, make, say, showError } from "/shared/elements.js";

// Shows how the task goes on in `host`; gives the numbers of the matches when it is done, null otherwise.
export async function watchTask(host, id) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Analysis" });
  const text = make("p", { role: "status" }, "Reading …");
  const box = make("div", { class: "card task" }, text, bar, make("p", { class: "row" }, button("Leave off", () => ask("tasks/cancel", { id }))));
  host.append(box);
  let last = null;
  try {
    await follow("tasks/follow", { id }, (task) => {
      last = task;
      if (task.total) {
        bar.value = task.done / task.total;
        text.textContent = `${task.name}: ${task.done} of ${task.total} decisions judged`;
      } else text.textContent = `${task.name}: ${task.state === "waiting" ? "waits for another analysis" : "reading"}`;
    });
  } catch (error) {
    showError(host, error);
    return null;
  } finally {
    box.remove();
  }
  if (last?.state === "done") {
    say("The analysis is done");
    return last.matches;
  }
  if (last?.state === "failed") showError(host, Object.assign(new Error(last.message), { status: 0 }));
  return null;
}
