/**
 * The last known status, kept in the open for the next visit's first paint: state, count and time, no account. It is
 * read with suspicion: localStorage is open to everything that ever ran on this origin. What does not have exactly the
 * expected form is as good as nothing.
 */
import type { State } from "./view.ts";
import { Words } from "./words.ts";

const STATUS_KEY = "renvault:status";

let kept = "";

/**
 * Keeps the status where it has changed, or `anew` with a new time. A host that stops the services changes nothing of
 * what is known. Storage that is full or blocked costs a first paint, nothing more.
 */
export function rememberStatus({ reconnection, stats }: State, { anew = false } = {}): void {
  if (reconnection.state === "stopped") return;
  const facts = { state: reconnection.state, sessions: stats.totalSessions };
  const text = JSON.stringify(facts);
  if (text === kept && !anew) return;
  kept = text;
  try {
    localStorage.setItem(STATUS_KEY, JSON.stringify({ ...facts, at: Date.now() }));
  } catch {
    // see above
  }
}

export interface KnownStatus {
  readonly state: string;
  readonly sessions: number;
  /** Epoch ms. */
  readonly at: number;
}

const STATES: Readonly<Record<string, string>> = {
  idle: "no connection needed",
  connected: "connected",
  waiting: "reconnecting",
  attempting: "reconnecting",
  offline: "offline",
  failed: "not connected",
  stopped: "not connected",
};

/** The longest text of our own form, with room; anything longer is not ours. */
const LONGEST = 200;
const MOST_SESSIONS = 100_000;

/** The last known status, or null: none, blocked or not of our form. */
export function readKnownStatus(now = Date.now()): KnownStatus | null {
  try {
    const text = localStorage.getItem(STATUS_KEY);
    if (text === null || text.length > LONGEST) return null;
    const { state, sessions, at } = JSON.parse(text) as Record<string, unknown>;
    if (typeof state !== "string" || !Object.hasOwn(STATES, state)) return null;
    if (!Number.isInteger(sessions) || (sessions as number) < 0 || (sessions as number) > MOST_SESSIONS) return null;
    if (typeof at !== "number" || !(at > 0 && at <= now)) return null;
    return { state, sessions: sessions as number, at };
  } catch {
    return null;
  }
}

/** One line for people: "Last seen 5 min ago: 2 sessions, connected." */
export function wordKnownStatus({ state, sessions, at }: KnownStatus, now = Date.now()): string {
  const words = new Words("en");
  const count = sessions === 0 ? "no session" : sessions === 1 ? "1 session" : `${words.number(sessions)} sessions`;
  const more = sessions === 0 ? "" : `, ${STATES[state]}`;
  return `Last seen ${words.ago(at, now).text} ago: ${count}${more}.`;
}
