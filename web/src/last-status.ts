/** The last known status, kept in the open for the next visit's first paint: state, count and time, no account. */
import type { State } from "./view.ts";

export const STATUS_KEY = "renvault:status";

let kept = "";

/** Keeps the status where it has changed. Storage that is full or blocked costs a first paint, nothing more. */
export function rememberStatus({ reconnection, stats }: State): void {
  const facts = JSON.stringify({ state: reconnection.state, sessions: stats.totalSessions });
  if (facts === kept) return;
  kept = facts;
  try {
    localStorage.setItem(STATUS_KEY, JSON.stringify({ ...JSON.parse(facts), at: Date.now() }));
  } catch {
    // see above
  }
}
