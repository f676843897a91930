/** Why a session or the connection ended, in plain lines: what renvault_web/chronicle.py says, with the time since. */

/** One thing that happened; `timestamp` in epoch ms. */
export interface ExplainedEntry {
  readonly timestamp: number;
  readonly text: string;
}

const UNITS = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
] as const;

/** The lines as they read at `now`, epoch ms. */
export function explain(entries: readonly ExplainedEntry[], now: number): string[] {
  return entries.map(({ timestamp, text }) => `${ago((now - timestamp) / 1000)}: ${text}`);
}

function ago(seconds: number): string {
  for (const [size, unit] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return "Just now";
}
