/**
 * The WalletConnect SDK's own storage, encrypted: an IKeyValueStorage over IndexedDB in which neither the names of the
 * entries nor the client seed and the symKeys inside can be read. It needs no Python, so that a failed runtime does
 * not take the wallet down.
 *
 * A value is on disk when `setItem` resolves. Where the browser has no lasting storage, or refuses a write, the value
 * stays in memory and the SDK goes on; `persistent` and a notice say so. Of several pages with one store each writes
 * its maps (sdk-merge.ts) without taking anything from the others.
 */
import { answered, Late } from "./durable-store.ts";
import { DATABASE } from "./keys.ts";
import { SdkDisk } from "./sdk-disk.ts";
import { inTurn } from "./sdk-lock.ts";
import { SdkMaps } from "./sdk-maps.ts";
import { SEALED } from "./sdk-mark.ts";
import { applyStaged } from "./sdk-staged.ts";
import { giveBackToPlainStore, takeOverPlainStore } from "./sdk-takeover.ts";
import { Foreign } from "./seal.ts";

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
  /**
   * Brings along what one client has stored in plain on this origin, before the first read, and deletes that at a later
   * start: `true` for the client without a `customStoragePrefix`, else that prefix. What other clients have in the
   * SDK's own store is left alone, by default all of it. `giveBackSdkStore()` is the way back.
   */
  takeOver?: boolean | string;
  /** Told, for people to read, when something cannot be stored or read. Never holds a secret. */
  onNotice?: (notice: string) => void;
}

/** Creates the storage to give to the SDK, one for each client: `SignClient.init({ storage: createSdkStorage() })`. */
export function createSdkStorage(options: SdkStorageOptions = {}): SdkStorage {
  return new SealedSdkStorage(options);
}

/** What to give back. */
export interface GiveBackOptions {
  /** The storage's `database`. */
  database?: string;
  /** The client's prefix; by default it has none. */
  customStoragePrefix?: string;
}

/**
 * Writes what is stored of one client back to the SDK's own plain store, where a host that does without RenVault finds
 * its sessions; resolves with how many entries. Stop the client first. The sealed entries stay until they are forgotten.
 */
export function giveBackSdkStore(options: GiveBackOptions = {}): Promise<number> {
  const { database = DATABASE, customStoragePrefix = "" } = options;
  return giveBackToPlainStore(database, customStoragePrefix);
}

/** A value as JSON; undefined for an entry that is removed. */
type Text = string | undefined;

class Forgotten extends Foreign {
  override readonly message = "It was forgotten on this device.";
}

const ADVICE = " Reload the page; if that does not help, clear this site's data and connect your wallet again.";

class SealedSdkStorage implements SdkStorage {
  readonly [SEALED] = true;
  readonly #database: string;
  /** The prefix of the client whose plain entries are taken over. */
  readonly #takeOver: string | undefined;
  readonly #onNotice: (notice: string) => void;
  readonly #told = new Set<string>();
  readonly #maps = new SdkMaps((notice) => this.#tell(notice));
  /** Values on their way to the disk. */
  readonly #pending = new Map<string, { readonly text: Text }>();
  /** The last write of each key: writes of one key follow one another. */
  readonly #turns = new Map<string, Promise<void>>();
  /** Values that could not be stored. */
  readonly #memory = new Map<string, Text>();
  /** Keys that may be written to: nothing that is needed lies there unread. */
  readonly #seen = new Set<string>();
  #opening: Promise<SdkDisk> | undefined;
  /** The disk is left alone for as long as this page lives. */
  #blocked = false;
  /** A write has not been answered yet; others wait in memory until it is. */
  #stalled = false;

  constructor({ database = DATABASE, takeOver = false, onNotice = () => {} }: SdkStorageOptions) {
    this.#database = database;
    this.#takeOver = takeOver === true ? "" : takeOver || undefined;
    this.#onNotice = onNotice;
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
    const store = () => this.#attempt("write", (disk) => this.#store(disk, key, fromText(write.text)));
    const stored = this.#maps.merges(key) ? await inTurn(`${this.#database}-sdk`, store) : await store();
    if (this.#pending.get(key) === write) this.#pending.delete(key);
    if (stored) {
      this.#memory.delete(key);
      this.#retry(); // what the disk refused before, it may take now
    } else this.#memory.set(key, write.text);
  }

  async #store(disk: SdkDisk, key: string, value: unknown): Promise<true> {
    if (this.#maps.merges(key)) await this.#maps.write(disk, key, value);
    else {
      if (!this.#seen.has(key)) await disk.read(key);
      this.#seen.add(key);
      await disk.write(key, value);
    }
    return true;
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
    return this.#attempt("read", async (disk) => {
      if (this.#maps.merges(key)) return this.#maps.read(disk, key);
      const entry = await disk.read(key);
      this.#seen.add(key);
      return entry?.value;
    });
  }

  /** Returns every value by its key, in the order of the keys, as IndexedDB has them. */
  async #readAll(): Promise<Map<string, unknown>> {
    const stored = await this.#attempt("read", (disk) => disk.readAll());
    if (stored && stored.unreadable.length > 0) {
      this.#tell(`Stored entries of the wallet connection that cannot be read: ${stored.unreadable.length}.`);
    }
    const all = new Map(stored?.entries.map(({ key, value }) => [key, value]));
    for (const [key, text] of this.#memory) all.set(key, fromText(text));
    for (const [key, { text }] of this.#pending) all.set(key, fromText(text));
    const there = [...all].filter(([, value]) => value !== undefined);
    return new Map(there.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  // The way to the disk

  /** Does `work` on the disk; undefined where that is not to be had. Never rejects, and ends within a limit. */
  async #attempt<T>(kind: "read" | "write", work: (disk: SdkDisk) => Promise<T>): Promise<T | undefined> {
    let running: Promise<T> | undefined;
    try {
      this.#opening ??= this.#open();
      const disk = await this.#opening;
      if (disk.isForgotten) throw new Forgotten();
      if (this.#blocked || (this.#stalled && kind === "write")) return undefined;
      running = work(disk);
      return await answered(running);
    } catch (error) {
      // What the SDK writes without having read what was there would take the place of keys that are still needed.
      if (kind === "read" || error instanceof Foreign) this.#blocked = true;
      else if (error instanceof Late && running) this.#stall(running);
      const advice = error instanceof Foreign && !(error instanceof Forgotten) ? ADVICE : "";
      this.#tell(`The wallet connection could not be stored and may end with this page. ${reason(error)}${advice}`);
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

  /** Opens the disk and brings in what waits for this: the SDK looks at its store once. */
  async #open(): Promise<SdkDisk> {
    let disk: SdkDisk;
    try {
      disk = await SdkDisk.open(this.#database, (notice) => this.#tell(notice));
    } catch (error) {
      this.#blocked = true;
      throw error;
    }
    const again = (what: string) => (error: unknown) => {
      this.#tell(`The ${what}; the next start tries again. ${reason(error)}`);
    };
    const prefix = this.#takeOver;
    if (prefix !== undefined) {
      const taken = inTurn(`${this.#database}-sdk-takeover`, () => takeOverPlainStore(disk, prefix));
      await taken.catch(again("earlier wallet connections could not be taken over"));
    }
    await answered(applyStaged(disk)).catch(again("imported wallet connections could not be brought in"));
    return disk;
  }

  /** Tells each thing once. */
  #tell(notice: string): void {
    if (this.#told.has(notice)) return;
    this.#told.add(notice);
    this.#onNotice(notice);
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** JSON as the SDK writes it: a bigint becomes the text "123n". What JSON leaves out altogether is no value. */
function toText(value: unknown): Text {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
}

/** Parsed anew for each reader: the SDK changes what it is given. */
function fromText(text: Text): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
