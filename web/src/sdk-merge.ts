/**
 * Maps that several pages write, merged entry by entry. The SDK keeps its maps in memory and writes each as a whole, so
 * that of two pages the last writer would win and the other one's sessions would vanish. What a page means is the
 * difference between what it writes and what it last read or wrote (`base`); that is applied to what lies on the disk.
 *
 * A removal leaves a tombstone. By it a page that still knows the entry is told from one whose data was cleared under
 * it: the first must not bring the entry back, the second must not lose it.
 */
import type { Tombstones } from "./sdk-record.ts";

/** A map taken apart: the JSON of each entry by its id. */
export type Parts = ReadonlyMap<string, string>;

/** How the maps of one kind look. */
export interface Shape {
  readonly name: string;
  /** The field that tells the entries of a list apart; undefined for an object, whose keys do. */
  readonly id?: string;
}

/** Where the SDK's maps lie: `wc@2:core:0.3//keychain`, of any version and with any prefix of the host's. */
const KEY = /^wc@2:(core|client):.*\/\/(\w+)$/s;

/**
 * Which they are, by @walletconnect/core and sign-client 2.25 (keychain.ts, expirer.ts, subscriber.ts, store.ts).
 * A subscription's own id follows from the client and the topic; the client that knows the topic is meant.
 */
const SHAPES: Record<string, Shape> = {
  "core/keychain": { name: "keychain" },
  "core/expirer": { name: "expirer", id: "target" },
  "core/pairing": { name: "pairing", id: "topic" },
  "core/subscription": { name: "subscription", id: "topic" },
  "client/session": { name: "session", id: "topic" },
  "client/proposal": { name: "proposal", id: "id" },
  "client/request": { name: "request", id: "id" },
};

/** Of a map. No clock ends one: a page whose clock is ahead would bring back everything that was removed. */
const MAX_TOMBSTONES = 500;

/** The maps of live sessions as they are written: killed between two, no session stands without its key. */
export const WRITE_ORDER = ["keychain", "subscription", "pairing", "expirer", "session"] as const;

/** Returns the shape of the map under `key`; undefined for what is not merged. */
export function shapeOf(key: string): Shape | undefined {
  const [, scope, name] = KEY.exec(key) ?? [];
  const kind = `${scope}/${name}`;
  return Object.hasOwn(SHAPES, kind) ? SHAPES[kind] : undefined;
}

/** Takes a map apart; none where there is no value, undefined where it is not of that shape. */
export function parts({ id }: Shape, value: unknown): Map<string, string> | undefined {
  if (value === undefined || value === null) return new Map();
  if (id === undefined) {
    if (typeof value !== "object" || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).map(([key, entry]) => [key, JSON.stringify(entry)]));
  }
  if (!Array.isArray(value)) return undefined;
  const found = new Map<string, string>();
  for (const entry of value as unknown[]) {
    const own = isObject(entry) ? entry[id] : undefined;
    if (typeof own !== "string" && typeof own !== "number") return undefined;
    found.set(String(own), JSON.stringify(entry));
  }
  return found;
}

/** Puts a map together again. */
export function whole({ id }: Shape, entries: Parts): unknown {
  const values = [...entries].map(([key, text]) => [key, JSON.parse(text) as unknown] as const);
  return id === undefined ? Object.fromEntries(values) : values.map(([, entry]) => entry);
}

export interface Merged {
  readonly entries: Map<string, string>;
  readonly tombstones: Map<string, number>;
}

/** Applies what lies between `base` and `next` to what lies on the disk; `now` in epoch ms. */
export function merge(base: Parts, next: Parts, disk: Parts, buried: Tombstones, now: number): Merged {
  const entries = new Map(disk);
  const tombstones = new Map(buried);
  for (const [id, text] of next) {
    const before = base.get(id);
    const there = disk.get(id);
    if (before === undefined) {
      entries.set(id, text); // an addition is meant, whoever removed an earlier entry of that id
      tombstones.delete(id);
    } else if (tombstones.has(id)) entries.delete(id);
    else if (there === undefined) entries.set(id, text);
    else if (text !== before) entries.set(id, changed(before, text, there));
  }
  for (const id of base.keys()) {
    if (next.has(id)) continue;
    entries.delete(id);
    tombstones.set(id, now);
  }
  return { entries, tombstones: pruned(tombstones) };
}

/**
 * Adds to the disk what is not there; what is there stays as it is. What was removed before `asked`, epoch ms, is brought
 * back; what was removed since, or where nobody asked, is not.
 */
export function adopt(added: Parts, disk: Parts, buried: Tombstones, asked = -Infinity): Merged {
  const entries = new Map(disk);
  const tombstones = new Map(buried);
  for (const [id, text] of added) {
    const removed = buried.get(id);
    if (entries.has(id) || (removed !== undefined && removed >= asked)) continue;
    entries.set(id, text);
    tombstones.delete(id);
  }
  return { entries, tombstones };
}

/** An entry that another page has changed, too: each field is taken from the page that changed it, else from us. */
function changed(before: string, text: string, there: string): string {
  if (there === before) return text;
  const [from, to, result] = [before, text, there].map((json) => JSON.parse(json) as unknown);
  if (!isObject(from) || !isObject(to) || !isObject(result)) return text;
  for (const field of new Set([...Object.keys(from), ...Object.keys(to)])) {
    if (JSON.stringify(from[field]) === JSON.stringify(to[field])) continue;
    if (Object.hasOwn(to, field)) result[field] = to[field];
    else delete result[field];
  }
  return JSON.stringify(result);
}

/** The latest tombstones. */
function pruned(tombstones: Map<string, number>): Map<string, number> {
  return new Map([...tombstones].sort(([, one], [, other]) => one - other).slice(-MAX_TOMBSTONES));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
