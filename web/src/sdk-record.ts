/**
 * The records of the SDK's store: what is sealed in one, how one is opened, and where one lies. A record holds an entry
 * of the SDK, `{"k": its key, "v": its value, "t": its tombstones}`; the last two are left out where there are none.
 */
import {
  type Bytes,
  decodeRecord,
  encodeRecord,
  Foreign,
  keyMessage,
  Purpose,
  recordAad,
  type SealedRecord,
  type Sealer,
  storageKey,
} from "./seal.ts";

/** When each entry of a map was removed: id → epoch ms. */
export type Tombstones = ReadonlyMap<string, number>;

export interface Entry {
  readonly key: string;
  /** Undefined for a map of which tombstones alone are left. */
  readonly value: unknown;
  readonly tombstones: Tombstones;
}

/** A record whose key is in no list of keys any more: nobody can ever read it again. */
export class LostKey extends Error {
  override readonly message = "An entry is sealed by a key that is lost.";
}

const FLAGS = 0; // not compressed: IndexedDB has room, and CompressionStream would cost more time than all the rest

/** Returns where the entry `key` lies. The name does not give the key away. */
export async function placeOf(sealer: Sealer, key: string): Promise<string> {
  const [tag] = await sealer.tags([keyMessage(Purpose.sdkEntry, key)]);
  return storageKey(tag!);
}

/** Returns the record of `entry` for `place`. Throws `Foreign` where the keys do not last. */
export async function sealEntry(sealer: Sealer, place: string, { key, value, tombstones }: Entry): Promise<string> {
  const gone = tombstones.size > 0 ? Object.fromEntries(tombstones) : undefined;
  return sealBody(sealer, place, new TextEncoder().encode(JSON.stringify({ k: key, v: value, t: gone })));
}

/** Returns a record of `plaintext` for `place` under the key that seals now. `Foreign` as above. */
export async function sealBody(sealer: Sealer, place: string, plaintext: Bytes): Promise<string> {
  const { keyId } = sealer;
  try {
    const [sealed] = await sealer.seal(keyId, [{ aad: recordAad(Purpose.sdkEntry, FLAGS, keyId, place), plaintext }]);
    if (sealer.persistent) return encodeRecord({ purpose: Purpose.sdkEntry, flags: FLAGS, keyId, sealed: sealed! });
  } catch (error) {
    const isRotated = sealer.keyId.join() !== keyId.join(); // meanwhile
    if (sealer.persistent && isRotated) return sealBody(sealer, place, plaintext);
    if (sealer.persistent) throw error;
  }
  throw new Foreign(sealer.problem ?? "");
}

/**
 * Returns the entry of a record; undefined where it is damaged or lies where it does not belong. Throws `Foreign` where
 * another version of this page may read it, and `LostKey`.
 */
export async function openEntry(sealer: Sealer, place: string, text: unknown): Promise<Entry | undefined> {
  const body = await openBody(sealer, place, text);
  const entry = body && parse(body);
  if (!entry) return undefined;
  return entry.key === place || (await placeOf(sealer, entry.key)) === place ? entry : undefined;
}

/** Returns what a record holds; as `openEntry` otherwise. */
export async function openBody(sealer: Sealer, place: string, text: unknown): Promise<Bytes | undefined> {
  const record = decode(text, place);
  if (!record) return undefined;
  if (!(await sealer.knows(record.keyId))) {
    if (sealer.isLost(record.keyId)) throw new LostKey();
    throw new Foreign("An entry is sealed by a key that is not at hand.");
  }
  const [body] = await sealer.open([record]);
  return body ?? undefined;
}

/** Returns the id of the key that a record names; undefined where it is no record. `Foreign` as above. */
export function keyIdOf(place: string, text: unknown): Bytes | undefined {
  return decode(text, place)?.keyId;
}

function decode(text: unknown, place: string): SealedRecord | undefined {
  if (typeof text !== "string") throw new Foreign("The record is not a text.");
  const record = whole(text, place);
  if (!record || (record.purpose === Purpose.sdkEntry && record.flags === FLAGS)) return record;
  throw new Foreign(`The record is for something else (purpose ${record.purpose}, flags ${record.flags}).`);
}

function whole(text: string, place: string): SealedRecord | undefined {
  try {
    return decodeRecord(text, place);
  } catch (error) {
    if (error instanceof Foreign) throw error;
    return undefined; // told of by the caller
  }
}

function parse(body: Bytes): Entry | undefined {
  try {
    const { k, v, t = {} } = JSON.parse(new TextDecoder().decode(body)) as { k: unknown; v: unknown; t?: object };
    if (typeof k !== "string") return undefined;
    const tombstones = Object.entries(t).filter((one): one is [string, number] => typeof one[1] === "number");
    return { key: k, value: v, tombstones: new Map(tombstones) };
  } catch {
    return undefined; // as above
  }
}
