// What an inspection says, for the viewer, the history and the table alike.

export const VERDICTS = { ok: "OK", bad: "Not OK", open: "Undecided", failed: "Not inspected", busy: "Inspecting\u2026", wait: "Waiting", stopped: "Cancelled" };

// A score with three digits, or as many as it takes to stand apart from the threshold.
export function digits(score, threshold) {
  let n = 3;
  while (n < 9 && threshold !== null && score !== threshold && score.toFixed(n) === threshold.toFixed(n)) n++;
  return n;
}

// part: {result, error, state}
export function verdictOf(part) {
  if (part.error) return "failed";
  if (!part.result) return part.state ?? "busy";
  return { anomalous: "bad", normal: "ok" }[part.result.verdict] ?? "open";
}
