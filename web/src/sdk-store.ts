/**
 * What Python asks of the SDK's store (renvault_web/ports.py, SdkStore): functions on a database, with or without a
 * live SdkStorage. They change a record only as they saw it, so that a client goes on writing meanwhile.
 */
import { entries as allRecords, get } from "idb-keyval";
import { toBase64 } from "./base64.ts";
import { answered } from "./durable-store.ts";
import { DATABASE } from "./keys.ts";
import { type SdkContent, sdkContent } from "./sdk-content.ts";
import { forgetSdkStore, SdkDisk, sdkStore } from "./sdk-disk.ts";
import { keyIdOf, LostKey, openBody, sealBody } from "./sdk-record.ts";
import { stageEntries } from "./sdk-staged.ts";
import { type Bytes, Foreign, KEY_PREFIX } from "./seal.ts";
import { swap } from "./swap.ts";

/** Records that are sealed under their own place. What is kept aside (`bad.`) is of no use to any key. */
const SEALED = [KEY_PREFIX, "staged.", "plain."];

/** Returns the SDK's entries and what is missing of them. */
export function sdkEntries(database = DATABASE): Promise<SdkContent> {
  return sdkContent(database);
}

/** Keeps `entries`, sealed, to be merged with what is there before the SDK next starts. */
export async function sdkStage(entries: Record<string, unknown>, database = DATABASE): Promise<void> {
  await answered(SdkDisk.during(database, (disk) => stageEntries(disk, entries)));
}

/** Seals again what an older key sealed; returns how many records. What cannot be opened stays as it is. */
export function sdkReseal(database = DATABASE): Promise<number> {
  return SdkDisk.during(database, async (disk) => {
    let count = 0;
    for (const [place] of await sealedRecords(database)) {
      if (await answered(reseal(disk, place))) count += 1;
    }
    return count;
  });
}

/** Returns the ids of the keys that the records name; rejects while there is one that a newer version may read. */
export async function sdkKeyIds(database = DATABASE): Promise<Bytes[]> {
  const ids = (await sealedRecords(database)).map(([place, text]) => keyIdOf(place, text));
  const found = new Map(ids.filter((id) => id !== undefined).map((id) => [id.join(), id]));
  return [...found.values()];
}

/** Deletes every record, what is staged or kept aside too. */
export async function sdkForget(database = DATABASE): Promise<void> {
  await answered(forgetSdkStore(database));
}

async function sealedRecords(database: string): Promise<[place: string, text: string][]> {
  const records = await answered(allRecords<string, string>(sdkStore(database)));
  return records.filter(([place]) => SEALED.some((prefix) => place.startsWith(prefix)));
}

/** Seals one record again, as it is by then; false where there is no need or no way. */
async function reseal(disk: SdkDisk, place: string): Promise<boolean> {
  try {
    for (;;) {
      const text = await get<string>(place, disk.store);
      if (text === undefined || keyIdOf(place, text)?.join() === disk.sealer.keyId.join()) return false;
      const body = await openBody(disk.sealer, place, text);
      if (!body) return false;
      if (await swap(disk.store, place, text, await sealBody(disk.sealer, place, body))) return true;
    }
  } catch (error) {
    if (error instanceof Foreign || error instanceof LostKey) return false;
    throw error;
  }
}

/** The same for Python: texts and numbers alone cross. */
export const sdkBridge = {
  /** JSON of an SdkContent */
  entries: async (): Promise<string> => JSON.stringify(await sdkEntries()),
  stage: (json: string): Promise<void> => sdkStage(JSON.parse(json) as Record<string, unknown>),
  reseal: (): Promise<number> => sdkReseal(),
  /** JSON list of base64 */
  keyIds: async (): Promise<string> => JSON.stringify((await sdkKeyIds()).map(toBase64)),
  forget: (): Promise<void> => sdkForget(),
};
