/**
 * The WalletConnect SDK's own storage, encrypted: an IKeyValueStorage over IndexedDB in which neither the names of the
 * entries nor the client seed and the symKeys inside can be read. It needs no Python, so that a failed runtime does
 * not take the wallet down.
 *
 * A value is on disk when `setItem` resolves. Where the browser has no lasting storage, or refuses a write, the value
 * stays in memory and the SDK goes on; `persistent` and a notice say so.
 */
import { del, entries, get, set, type UseStore } from "idb-keyval";
import { answered, durableStore, Late } from "./durable-store.ts";
import { openKeys } from "./keys.ts";
import {
  type Bytes,
  decodeRecord,
  encodeRecord,
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
      if (write.text === undefined) await del(place, this.#store);
      else await set(place, await seal(sealer, place, key, write.text), this.#store);
      return true;
    });
    if (stored) this.#memory.delete(key);
    else this.#memory.set(key, write.text);
    if (this.#pending.get(key) === write) this.#pending.delete(key);
  }

  // Reading

  /** Returns the value on its way to the disk, else the one kept in memory, else the one on the disk. */
  async #read(key: string): Promise<unknown> {
    if (this.#pending.has(key)) return fromText(this.#pending.get(key)?.text);
    if (this.#memory.has(key)) return fromText(this.#memory.get(key));
    const found = await this.#attempt("read", async (sealer) => {
      const place = await this.#place(sealer, key);
      const record = await get<string>(place, this.#store);
      return record === undefined ? [] : this.#open(sealer, [[place, record]]);
    });
    return found?.[0]?.value;
  }

  /** Returns every value by its key, in the order of the keys, as IndexedDB has them. */
  async #readAll(): Promise<Map<string, unknown>> {
    const stored = await this.#attempt("read", async (sealer) =>
      this.#open(sealer, await entries<string, string>(this.#store)),
    );
    const all = new Map(stored?.map(({ key, value }) => [key, value]));
    for (const [key, text] of this.#memory) all.set(key, fromText(text));
    for (const [key, { text }] of this.#pending) all.set(key, fromText(text));
    const there = [...all].filter(([, value]) => value !== undefined);
    return new Map(there.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  /** Opens records; one that cannot be read is left where it is and told of. */
  async #open(sealer: Sealer, records: [place: string, text: string][]): Promise<Entry[]> {
    const found: { place: string; record: SealedRecord }[] = [];
    for (const [place, text] of records) {
      const record = tryDecode(text, place);
      // Not unreadable for good: another page may have made a new key. To go on would be to write over it.
      if (record && !sealer.knows(record.keyId)) throw new Error("An entry is sealed by a key that is not at hand.");
      if (record) found.push({ place, record });
    }
    const bodies = await sealer.open(found.map(({ record }) => record));
    const claimed = bodies.map((body) => (body ? parse(body) : null));
    const tags = await sealer.tags(claimed.map((entry) => keyMessage(Purpose.sdkEntry, entry?.key ?? "")));
    const opened = claimed.filter(
      (entry, index): entry is Entry => entry !== null && storageKey(tags[index]!) === found[index]!.place,
    );
    const unreadable = records.length - opened.length;
    if (unreadable > 0) this.#tell(`Stored entries of the wallet connection that cannot be read: ${unreadable}.`);
    return opened;
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
      if (kind === "read") this.#blocked = true;
      else if (error instanceof Late && running) this.#stall(running);
      const reason = error instanceof Error ? error.message : String(error);
      this.#tell(`The wallet connection could not be stored and may end with this page. ${reason}`);
      return undefined;
    }
  }

  /** Keeps what is written in memory until `write` is answered after all, then stores it. */
  #stall(write: Promise<unknown>): void {
    this.#stalled = true;
    const resume = () => {
      this.#stalled = false;
      for (const [key, text] of this.#memory) if (!this.#pending.has(key)) void this.#write(key, text);
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
  return encodeRecord({ purpose: Purpose.sdkEntry, flags: FLAGS, keyId, sealed: sealed! });
}

function tryDecode(text: string, place: string): SealedRecord | null {
  try {
    const record = decodeRecord(text, place);
    return record.purpose === Purpose.sdkEntry && record.flags === FLAGS ? record : null;
  } catch {
    return null; // told of by the caller, who counts
  }
}

function parse(body: Bytes): Entry | null {
  try {
    const { k, v } = JSON.parse(new TextDecoder().decode(body)) as { k: unknown; v: unknown };
    return typeof k === "string" ? { key: k, value: v } : null;
  } catch {
    return null; // as above
  }
}

/** JSON as the SDK writes it: a bigint becomes the text "123n". What JSON leaves out altogether is no value. */
function toText(value: unknown): Text {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}

/** Parsed anew for each reader: the SDK changes what it is given. */
function fromText(text: Text): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
