/**
 * What another page still had on its way to the SDK's database when everything was forgotten: it is sealed by keys that
 * nobody has. Before new keys are made it goes, so that nobody is told to reconnect for it.
 */
import { entries, type UseStore } from "idb-keyval";
import { toHex } from "./base64.ts";
import { keyIdOf } from "./sdk-record.ts";
import { type Bytes, Foreign } from "./seal.ts";
import { swap } from "./swap.ts";

/** Deletes the records of `store` that name none of the keys that `idsThere` finds. */
export async function sweep(store: UseStore, idsThere: () => Promise<readonly Bytes[]>): Promise<void> {
  const records = await entries<string, unknown>(store);
  // Only now: a page that begins anew beside this one makes its keys before its records.
  const there = new Set((await idsThere()).map(toHex));
  for (const [place, text] of records) {
    const named = nameOf(place, text);
    if (named !== undefined && !there.has(named)) await swap(store, place, text as string, undefined);
  }
}

/** The key that a record names; undefined where it names none, or is of a newer version. */
function nameOf(place: string, text: unknown): string | undefined {
  try {
    const keyId = keyIdOf(place, text);
    return keyId && toHex(keyId);
  } catch (error) {
    if (!(error instanceof Foreign)) throw error;
    return undefined;
  }
}
