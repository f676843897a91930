/**
 * The SDK's own store, in plain text: where @walletconnect/keyvaluestorage 1.1.1 keeps its entries, in IndexedDB by
 * idb-keyval, each as JSON text, and in older times in localStorage, from where it brings them into IndexedDB once.
 * There the package unstorage writes its keys in another way: `wc@2:core:0.3//keychain` as `wc@2:core:0.3:keychain`.
 *
 * All clients of the origin have this one store. Each has its `customStoragePrefix`, the empty one in most cases, and
 * only entries of the client that is asked for are looked at.
 */
import { promisifyRequest } from "idb-keyval";
import { answered } from "./durable-store.ts";

const DATABASE = "WALLET_CONNECT_V2_INDEXED_DB";
const STORE = "keyvaluestorage";

/** A client's key, in either form: scope and version, the host's prefix, the name. AppKit's (`@appkit/`) are others. */
const KEY = /^(wc@2:(?:core|client):\d[\d.]*)(:.*?)?(?:\/\/|:)([\w-]+)$/s;

/** A key of the UniversalProvider around a client, which has no prefix: without its namespaces it forgets its session. */
const PROVIDER_KEY = /^wc@2:universal_provider:\/?(\w+)$/;

/** By this entry the SDK knows that localStorage has been brought along; otherwise that would win. */
const VERSION_KEY = "wc_storage_version";
const VERSION = "1";

export interface PlainEntry {
  readonly place: "IndexedDB" | "localStorage";
  /** Its key there. */
  readonly at: string;
  /** Its key for the SDK. */
  readonly key: string;
  readonly text: string;
}

/** Returns the entries of the client with that prefix, byte for byte; of IndexedDB first. Nothing is created. */
export async function readPlain(prefix: string): Promise<PlainEntry[]> {
  const there = await withStore("readonly", false, async (store) => {
    const [keys, values] = await Promise.all([promisifyRequest(store.getAllKeys()), promisifyRequest(store.getAll())]);
    return keys.map((key, at) => [key, values[at] as unknown] as const);
  });
  const inDatabase = textsOf(prefix, "IndexedDB", there ?? []);
  return [...inDatabase, ...textsOf(prefix, "localStorage", localEntries())];
}

/** Deletes entries that are still as they were read. */
export async function deletePlain(entries: readonly PlainEntry[]): Promise<void> {
  const inDatabase = entries.filter(({ place }) => place === "IndexedDB");
  if (inDatabase.length > 0) {
    await withStore("readwrite", false, async (store) => {
      for (const { at, text } of inDatabase) {
        store.get(at).onsuccess = ({ target }) => {
          if ((target as IDBRequest<unknown>).result === text) store.delete(at);
        };
      }
    });
  }
  for (const { place, at, text } of entries) {
    if (place === "localStorage" && localStorage.getItem(at) === text) localStorage.removeItem(at);
  }
}

/** Writes entries where the SDK looks for them, all or none, and reads them back. */
export async function writePlain(entries: ReadonlyMap<string, string>): Promise<void> {
  await withStore("readwrite", true, async (store) => {
    for (const [key, text] of entries) store.put(text, written(key));
    store.put(VERSION, VERSION_KEY);
  });
  const there = await withStore("readonly", false, (store) =>
    Promise.all([...entries.keys()].map((key) => promisifyRequest<unknown>(store.get(written(key))))),
  );
  if ([...entries.values()].some((text, at) => there?.[at] !== text)) {
    throw new Error("What was given back to the SDK's own store could not be read there.");
  }
}

/** Returns the value of an entry as the SDK reads it. */
export function plainValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text; // as it writes a bare text
  }
}

/** Whether the SDK's key `key` is that of the client with that prefix. One that names no client goes with the empty one. */
export function isOf(prefix: string, key: string): boolean {
  return keyOf(prefix, key) === key || (prefix === "" && !KEY.test(key));
}

function textsOf(
  prefix: string,
  place: PlainEntry["place"],
  entries: readonly (readonly [unknown, unknown])[],
): PlainEntry[] {
  return entries.flatMap(([at, text]) => {
    const key = typeof at === "string" ? keyOf(prefix, at) : undefined;
    return key !== undefined && typeof text === "string" ? [{ place, at: at as string, key, text }] : [];
  });
}

/** Returns the SDK's key as it stands in IndexedDB (unstorage's `normalizeKey`). */
function written(key: string): string {
  return key.split("?")[0]!.replace(/[/\\]/g, ":").replace(/:+/g, ":").replace(/^:|:$/g, "");
}

/** The way back, from either form: the SDK's key, where it is one of a client with that prefix. */
function keyOf(prefix: string, at: string): string | undefined {
  const [, provided] = (prefix === "" && PROVIDER_KEY.exec(at)) || [];
  const [, begin, , name] = KEY.exec(at) ?? [];
  const key = provided ? `wc@2:universal_provider:/${provided}` : `${begin}${prefix && `:${prefix}`}//${name}`;
  return at === key || at === written(key) ? key : undefined;
}

function localEntries(): [string, string][] {
  try {
    return Object.entries(localStorage) as [string, string][];
  } catch {
    return []; // blocked: then the SDK has nothing there either
  }
}

/** Does `work` in one transaction and returns when it is on disk; undefined where there is no such store to be had. */
async function withStore<T>(
  mode: IDBTransactionMode,
  create: boolean,
  work: (store: IDBObjectStore) => Promise<T>,
): Promise<T | undefined> {
  const database = await answered(connect(create));
  if (!database) return undefined;
  try {
    if (!database.objectStoreNames.contains(STORE)) return undefined;
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const ended = promisifyRequest(transaction);
    const [result] = await answered(Promise.all([work(transaction.objectStore(STORE)), ended]));
    return result;
  } finally {
    database.close();
  }
}

function connect(create: boolean): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE);
    request.onupgradeneeded = () => {
      if (create) request.result.createObjectStore(STORE);
      else request.transaction!.abort(); // it was not there, and is not left behind
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => (request.error?.name === "AbortError" ? resolve(undefined) : reject(request.error));
  });
}
