/**
 * Where damaged records of the SDK's store go before their place is written to: each its own text under `bad.` + when
 * that was (13 digits, epoch milliseconds) + `.` + its storage key. What was kept first goes first; the latest one
 * always stays.
 */
import { delMany, entries, set, type UseStore } from "idb-keyval";

const PREFIX = "bad.";

const MAX_RECORDS = 20;

/** Characters of all of them. */
const MAX_SIZE = 1_000_000;

/** Keeps a copy of the record `text` that lies under `place`. */
export async function keepAside(store: UseStore, place: string, text: string): Promise<void> {
  const kept = (await entries<string, string>(store)).filter(([key]) => key.startsWith(PREFIX));
  if (kept.some(([key, other]) => key.endsWith(place) && other === text)) return; // read before, and not written to
  const keys = new Set(kept.map(([key]) => key));
  let at = Date.now();
  while (keys.has(keyOf(at, place))) at += 1;
  await set(keyOf(at, place), text, store);
  await delMany(beyondTheCaps(kept, text.length), store);
}

function keyOf(at: number, place: string): string {
  return `${PREFIX}${String(at).padStart(13, "0")}.${place}`;
}

/** Returns the keys of `kept` that have to go beside a new record of that size: IndexedDB has the oldest first. */
function beyondTheCaps(kept: [key: string, text: string][], size: number): string[] {
  let records = 1;
  const gone = [...kept].reverse().filter(([, text]) => {
    records += 1;
    size += text.length;
    return records > MAX_RECORDS || size > MAX_SIZE;
  });
  return gone.map(([key]) => key);
}
