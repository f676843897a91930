/**
 * From the SDK's own plain store to the sealed one, and back. On the way in: back up, byte for byte and sealed; write;
 * read back; note that (`plain.state`). The plain entries go at a later start, once what was sealed was read there.
 * Each step may be the last one of a page: the next start does it again; nothing is lost or doubled by that.
 *
 * A page of an older version may go on writing to the plain store: what it has then is taken over like the first time.
 */
import { delMany, keys } from "idb-keyval";
import { toBase64Url } from "./base64.ts";
import { answered } from "./durable-store.ts";
import { SdkDisk } from "./sdk-disk.ts";
import { inTurn } from "./sdk-lock.ts";
import { adopt, merge, parts, shapeOf, whole, WRITE_ORDER } from "./sdk-merge.ts";
import { deletePlain, isOf, type PlainEntry, plainValue, readPlain, writePlain } from "./sdk-plain.ts";
import { applyStaged } from "./sdk-staged.ts";

/** Where the state lies; that of a client with a prefix behind it, under a tag of the prefix. */
const STATE = "plain.state";

/** Back-ups: `plain.` + when that was (13 digits, epoch ms) + `.` + a tag of what is in it. */
const BACKUP = /^plain\.\d{13}\./;

const MAX_BACKUPS = 3;

interface State {
  /** The tag of the plain entries that have been taken over. */
  readonly taken?: string;
  /** What was given back, by key: what the plain store has changed since, it has changed itself. */
  readonly given?: { readonly [key: string]: unknown };
}

/** Tags of what this page has taken over: it is for another start to delete that. */
const takenHere = new Set<string>();

/**
 * Takes over what the plain store has of the client with that prefix or, where an earlier start has done so, deletes it.
 * Rejects where it cannot.
 */
export async function takeOverPlainStore(disk: SdkDisk, prefix: string): Promise<void> {
  const plain = (await readPlain(prefix)).filter(({ key, text }) => isReadable(key, plainValue(text)));
  if (plain.length === 0) return;
  const tag = await tagOf(disk, plain);
  const state = await answered(readState(disk, prefix));
  const values = valuesOf(plain);
  if (state.taken === tag && (await answered(isAllThere(disk, values)))) {
    if (!takenHere.has(tag)) await deletePlain(plain);
    return;
  }
  await answered(backUp(disk, plain, tag));
  for (const [key, value] of values) await answered(bring(disk, key, value, state.given));
  if (!(await answered(isAllThere(disk, values)))) throw new Error("What was taken over could not be read back.");
  await answered(writeState(disk, prefix, { taken: tag }));
  takenHere.add(tag);
}

/** Does what `giveBackSdkStore` (sdk-storage.ts) says. */
export function giveBackToPlainStore(database: string, prefix: string): Promise<number> {
  const giveBack = async (disk: SdkDisk): Promise<number> => {
    await answered(applyStaged(disk));
    const { entries } = await answered(disk.readAll());
    const plain = valuesOf(await readPlain(prefix));
    const given = new Map<string, unknown>();
    for (const { key, value, tombstones } of entries) {
      if (!isOf(prefix, key)) continue;
      const shape = shapeOf(key);
      const own = shape && parts(shape, value);
      const other = shape && parts(shape, plain.get(key));
      const merged = own && other ? whole(shape, adopt(other, own, tombstones).entries) : value;
      if (merged !== undefined) given.set(key, merged);
    }
    await writePlain(new Map([...given].map(([key, value]) => [key, JSON.stringify(value)])));
    await answered(writeState(disk, prefix, { given: Object.fromEntries(given) }));
    return given.size;
  };
  return inTurn(`${database}-sdk-takeover`, () => SdkDisk.during(database, giveBack));
}

/** Returns the value of each key, in the order of writing. IndexedDB's entry is the newer one. */
function valuesOf(plain: readonly PlainEntry[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const { key, text } of plain) if (!found.has(key)) found.set(key, plainValue(text));
  const rank = (key: string) => (WRITE_ORDER as readonly string[]).indexOf(shapeOf(key)?.name ?? "");
  return new Map([...found].sort(([one], [other]) => rank(one) - rank(other)));
}

/** An entry of a form that is not known stays where it is. */
function isReadable(key: string, value: unknown): boolean {
  const shape = shapeOf(key);
  return value !== null && (shape === undefined || parts(shape, value) !== undefined);
}

/** Merges one plain entry; what lies here already stays, but for what was given back and has changed since. */
function bring(disk: SdkDisk, key: string, value: unknown, given: State["given"]): Promise<void> {
  const shape = shapeOf(key);
  const before = given && Object.hasOwn(given, key) ? given[key] : undefined;
  return disk.change(key, (entry) => {
    const tombstones = entry?.tombstones ?? new Map<string, number>();
    if (!shape) {
      const isNewer = before !== undefined && JSON.stringify(before) !== JSON.stringify(value);
      return entry?.value === undefined || isNewer ? { value, tombstones } : undefined;
    }
    const [own, there, base] = [parts(shape, value), parts(shape, entry?.value), parts(shape, before)];
    if (!own || !there || !base) throw new Error("A map of the wallet connection has a form that is not known.");
    const known = new Map([...own].filter(([id]) => base.has(id)));
    const changed = merge(base, known, there, tombstones, Date.now());
    const merged = adopt(own, changed.entries, changed.tombstones);
    return { value: whole(shape, merged.entries), tombstones: merged.tombstones };
  });
}

/** Whether every entry, and every entry of every map, is here, or was here and removed. */
async function isAllThere(disk: SdkDisk, values: ReadonlyMap<string, unknown>): Promise<boolean> {
  const { entries } = await disk.readAll();
  const found = new Map(entries.map((entry) => [entry.key, entry]));
  return [...values].every(([key, value]) => {
    const entry = found.get(key);
    const shape = shapeOf(key);
    if (!shape) return entry?.value !== undefined;
    const there = parts(shape, entry?.value);
    return [...parts(shape, value)!.keys()].every((id) => there?.has(id) || entry?.tombstones.has(id));
  });
}

async function backUp(disk: SdkDisk, plain: readonly PlainEntry[], tag: string): Promise<void> {
  const kept = (await keys<string>(disk.store)).filter((place) => BACKUP.test(place));
  if (kept.some((place) => place.endsWith(tag))) return; // of a start that came no further
  const place = `plain.${String(Date.now()).padStart(13, "0")}.${tag}`;
  await disk.writeAt(place, { key: place, value: plain, tombstones: new Map() });
  if (!(await disk.readAt(place))) throw new Error("The back-up could not be read.");
  await delMany(kept.sort().slice(0, -(MAX_BACKUPS - 1)), disk.store);
}

/** Returns what tells these entries from any others. */
function tagOf(disk: SdkDisk, plain: readonly PlainEntry[]): Promise<string> {
  return nameOf(disk, `plain ${JSON.stringify(plain)}`);
}

async function readState(disk: SdkDisk, prefix: string): Promise<State> {
  return ((await disk.readAt(await statePlace(disk, prefix)))?.value ?? {}) as State;
}

async function writeState(disk: SdkDisk, prefix: string, state: State): Promise<void> {
  const place = await statePlace(disk, prefix);
  await disk.writeAt(place, { key: place, value: state, tombstones: new Map() });
}

async function statePlace(disk: SdkDisk, prefix: string): Promise<string> {
  return prefix === "" ? STATE : `${STATE}.${await nameOf(disk, `state ${prefix}`)}`;
}

/** Returns a name that does not give `text` away. */
async function nameOf(disk: SdkDisk, text: string): Promise<string> {
  const [tag] = await disk.sealer.tags([new TextEncoder().encode(text)]);
  return toBase64Url(tag!.subarray(0, 16));
}
