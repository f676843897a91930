/**
 * The WalletConnect SDK's own storage, encrypted: an IKeyValueStorage over IndexedDB in which neither the names of the
 * entries nor the client seed and the symKeys inside can be read. It needs no Python, so that a failed runtime does
 * not take the wallet down.
 *
 * A value is on disk when `setItem` resolves. Where the browser has no lasting storage, or refuses a write, the value
 * stays in memory and the SDK goes on; `persistent` and a notice say so.
 */
import { del, entries, get, set, type UseStore } from "idb-keyval";
import { keepAside } from "./aside.ts";
import { answered, durableStore, Late } from "./durable-store.ts";
import { openKeys } from "./keys.ts";
import {
  type Bytes,
  decodeRecord,
  encodeRecord,
  Foreign,
  KEY_PREFIX,
  keyMessage,
  Purpose,
  recordAad,
  type SealedRecord,
  Sealer,
  storageKey,
} from "./seal.ts";

/** What the SDK asks of a storage (@walletconnect/keyvaluestorage); `any` is the SDK's own default. */
export interface SdkStorage {
  /** False where something that was stored will not survive the page. */
  readonly persistent: boolean;
  getKeys(): Promise<string[]>;
  getEntries<T = any>(): Promise<[string, T][]>;
  getItem<T = any>(key: string): Promise<T | undefined>;
  setItem<T = any>(key: string, value: T): Promise<void>;
  removeItem(key: string): Promise<void>;
}

export interface SdkStorageOptions {
  /** Keeps entries and keys apart from those of other clients on this origin; by default the product's own. */
  database?: string;
  /** Told, for people to read, when something cannot be stored or read. Never holds a secret. */
  onNotice?: (notice: string) => void;
}

/** Creates the storage to give to the SDK: `SignClient.init({ storage: createSdkStorage() })`. */
export function createSdkStorage(options: SdkStorageOptions = {}): SdkStorage {
  return new SealedSdkStorage(options);
}

/** A value as JSON; undefined for an entry that is removed. */
type Text = string | undefined;

interface Entry {
  readonly key: string;
  readonly value: unknown;
}

const FLAGS = 0; // not compressed: IndexedDB has room, and CompressionStream would cost more time than all the rest

const DAMAGED =
  "An entry of the wallet connection was damaged and is kept aside. You may have to connect your wallet again.";

const ADVICE = " Reload the page; if that does not help, clear this site's data and connect your wallet again.";

class SealedSdkStorage implements SdkStorage {
  readonly #database: string;
  readonly #onNotice: (notice: string) => void;
  readonly #store: UseStore;
  readonly #told = new Set<string>();
  /** Values on their way to the disk. */
  readonly #pending = new Map<string, { readonly text: Text }>();
  /** The last write of each key: writes of one key follow one another. */
  readonly #turns = new Map<string, Promise<void>>();
  /** Values that could not be stored. */
  readonly #memory = new Map<string, Text>();
  readonly #places = new Map<string, string>();
  /** Places that may be written to: nothing that is needed lies there unread. */
  readonly #seen = new Set<string>();
  #opening: Promise<Sealer> | undefined;
  /** The disk is left alone for as long as this page lives. */
  #blocked = false;
  /** A write has not been answered yet; others wait in memory until it is. */
  #stalled = false;

  constructor({ database = "renvault", onNotice = () => {} }: SdkStorageOptions) {
    this.#database = database;
    this.#onNotice = onNotice;
    this.#store = durableStore(`${database}-sdk`);
  }

  get persistent(): boolean {
    return !this.#blocked && !this.#stalled && this.#memory.size === 0;
  }

  async getKeys(): Promise<string[]> {
    return [...(await this.#readAll()).keys()];
  }

  async getEntries<T = any>(): Promise<[string, T][]> {
    return [...(await this.#readAll())] as [string, T][];
  }

  async getItem<T = any>(key: string): Promise<T | undefined> {
    const value = (await this.#read(key)) as T | null | undefined;
    return value ?? undefined; // null comes back as undefined, as from the SDK's own storage
  }

  async setItem<T = any>(key: string, value: T): Promise<void> {
    await this.#write(key, toText(value));
  }

  async removeItem(key: string): Promise<void> {
    await this.#write(key, undefined);
  }

  // Writing

  async #write(key: string, text: Text): Promise<void> {
    this.#pending.set(key, { text });
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(() => this.#flush(key));
    this.#turns.set(key, turn);
    await turn;
    if (this.#turns.get(key) === turn) this.#turns.delete(key);
  }

  /** Stores the newest value of `key`; one that was asked for before it and is not stored yet is passed over. */
  async #flush(key: string): Promise<void> {
    const write = this.#pending.get(key);
    if (!write) return;
    const stored = await this.#attempt("write", async (sealer) => {
      const place = await this.#place(sealer, key);
      if (!this.#seen.has(place)) await this.#load(sealer, place);
      if (write.text === undefined) await del(place, this.#store);
      else await set(place, await seal(sealer, place, key, write.text), this.#store);
      return true;
    });
    if (this.#pending.get(key) === write) this.#pending.delete(key);
    if (stored) {
      this.#memory.delete(key);
      this.#retry(); // what the disk refused before, it may take now
    } else this.#memory.set(key, write.text);
  }

  /** Writes again what could not be stored. */
  #retry(): void {
    for (const [key, text] of this.#memory) if (!this.#pending.has(key)) void this.#write(key, text);
  }

  // Reading

  /** Returns the value on its way to the disk, else the one kept in memory, else the one on the disk. */
  async #read(key: string): Promise<unknown> {
    if (this.#pending.has(key)) return fromText(this.#pending.get(key)?.text);
    if (this.#memory.has(key)) return fromText(this.#memory.get(key));
    const found = await this.#attempt("read", async (sealer) => this.#load(sealer, await this.#place(sealer, key)));
    return found?.value;
  }

  /** Returns the entry at `place`. A damaged one is kept aside; at a foreign one it throws. */
  async #load(sealer: Sealer, place: string): Promise<Entry | undefined> {
    const text = await get<string>(place, this.#store);
    const entry = text === undefined ? undefined : await open(sealer, place, text);
    if (text !== undefined && !entry) {
      await keepAside(this.#store, place, text);
      this.#tell(DAMAGED);
    }
    this.#seen.add(place);
    return entry;
  }

  /** Returns every value by its key, in the order of the keys, as IndexedDB has them. */
  async #readAll(): Promise<Map<string, unknown>> {
    const stored = await this.#attempt("read", async (sealer) => {
      const records = await entries<string, string>(this.#store);
      return this.#openAll(sealer, records.filter(([place]) => place.startsWith(KEY_PREFIX)));
    });
    const all = new Map(stored?.map(({ key, value }) => [key, value]));
    for (const [key, text] of this.#memory) all.set(key, fromText(text));
    for (const [key, { text }] of this.#pending) all.set(key, fromText(text));
    const there = [...all].filter(([, value]) => value !== undefined);
    return new Map(there.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Opens records; those that cannot be read are left where they are and told of. */
  async #openAll(sealer: Sealer, records: [place: string, text: string][]): Promise<Entry[]> {
    const opened = await Promise.all(records.map(([place, text]) => open(sealer, place, text).catch(noneIfForeign)));
    const found = opened.filter((entry) => entry !== undefined);
    const unreadable = records.length - found.length;
    if (unreadable > 0) this.#tell(`Stored entries of the wallet connection that cannot be read: ${unreadable}.`);
    return found;
  }

  // The way to the disk

  /** Does `work` on the disk; undefined where that is not to be had. Never rejects, and ends within a limit. */
  async #attempt<T>(kind: "read" | "write", work: (sealer: Sealer) => Promise<T>): Promise<T | undefined> {
    let running: Promise<T> | undefined;
    try {
      this.#opening ??= this.#openSealer();
      const sealer = await this.#opening;
      if (this.#blocked || (this.#stalled && kind === "write")) return undefined;
      running = work(sealer);
      return await answered(running);
    } catch (error) {
      // What the SDK writes without having read what was there would take the place of keys that are still needed.
      if (kind === "read" || error instanceof Foreign) this.#blocked = true;
      else if (error instanceof Late && running) this.#stall(running);
      const reason = error instanceof Error ? error.message : String(error);
      const advice = error instanceof Foreign ? ADVICE : "";
      this.#tell(`The wallet connection could not be stored and may end with this page. ${reason}${advice}`);
      return undefined;
    }
  }

  /** Keeps what is written in memory until `write` is answered after all, then stores it. */
  #stall(write: Promise<unknown>): void {
    this.#stalled = true;
    const resume = () => {
      this.#stalled = false;
      this.#retry();
    };
    write.then(resume, resume);
  }

  async #openSealer(): Promise<Sealer> {
    try {
      const keys = await openKeys({ database: this.#database });
      if (!keys.persistent) throw new Error(keys.problem ?? "");
      return new Sealer(keys);
    } catch (error) {
      this.#blocked = true;
      throw error;
    }
  }

  async #place(sealer: Sealer, key: string): Promise<string> {
    let place = this.#places.get(key);
    if (place === undefined) {
      const [tag] = await sealer.tags([keyMessage(Purpose.sdkEntry, key)]);
      place = storageKey(tag!);
      this.#places.set(key, place);
    }
    return place;
  }

  /** Tells each thing once. */
  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#onNotice(notice);
  }
}

async function seal(sealer: Sealer, place: string, key: string, text: string): Promise<string> {
  const { keyId } = sealer;
  const plaintext = new TextEncoder().encode(`{"k":${JSON.stringify(key)},"v":${text}}`);
  const [sealed] = await sealer.seal([{ aad: recordAad(Purpose.sdkEntry, FLAGS, keyId, place), plaintext }]);
  if (!sealer.persistent) throw new Foreign(sealer.problem ?? "");
  return encodeRecord({ purpose: Purpose.sdkEntry, flags: FLAGS, keyId, sealed: sealed! });
}

/** Returns the entry of a record; undefined where it is damaged or lies where it does not belong. Throws `Foreign`. */
async function open(sealer: Sealer, place: string, text: unknown): Promise<Entry | undefined> {
  const record = decode(text, place);
  if (!record) return undefined;
  if (!sealer.knows(record.keyId)) throw new Foreign("An entry is sealed by a key that is not at hand.");
  const [body] = await sealer.open([record]);
  const entry = body ? parse(body) : undefined;
  if (!entry) return undefined;
  const [tag] = await sealer.tags([keyMessage(Purpose.sdkEntry, entry.key)]);
  return storageKey(tag!) === place ? entry : undefined;
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
    const { k, v } = JSON.parse(new TextDecoder().decode(body)) as { k: unknown; v: unknown };
    return typeof k === "string" ? { key: k, value: v } : undefined;
  } catch {
    return undefined; // as above
  }
}

function noneIfForeign(error: unknown): undefined {
  if (!(error instanceof Foreign)) throw error;
}

/** JSON as the SDK writes it: a bigint becomes the text "123n". What JSON leaves out altogether is no value. */
function toText(value: unknown): Text {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}

/** Parsed anew for each reader: the SDK changes what it is given. */
function fromText(text: Text): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
