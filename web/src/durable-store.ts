/**
 * An idb-keyval store whose writes are on disk when they resolve: with the default durability a browser that is killed
 * within seconds of a write may lose it.
 */
import { promisifyRequest, type UseStore } from "idb-keyval";
import { pause } from "./limit.ts";

const STORE = "entries";

const TICK_MS = 500;

/** How many ticks IndexedDB may take for anything: 5 s. It hangs for ever in some private modes and broken profiles. */
const TICKS = 10;

/** How often a use is tried, over 3 s: while it clears the site's data, the browser closes and opens no database. */
const TRIES = 6;
const TRY_AGAIN_MS = 50;

export class Late extends Error {
  override readonly message = `IndexedDB did not answer within ${(TICKS * TICK_MS) / 1000} s.`;
}

/** Settles as `promise` does, or rejects with `Late`. Time that the device sleeps or the page is frozen does not count. */
export function answered<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = TICKS;
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(timer);
      reject(new Late());
    }, TICK_MS);
    promise.then(resolve, reject).then(() => clearInterval(timer));
  });
}

export interface DurableStore extends UseStore {
  /** Closes the database; every later use rejects. */
  end(): void;
}

/**
 * Returns a store of its own in the database of that name. Nothing is opened before its first use. `onLost` is called
 * when the database is being deleted, or the browser has closed the connection because the site's data was cleared; the
 * next use opens the database anew.
 */
export function durableStore(database: string, onLost: () => void = () => {}): DurableStore {
  let connecting: Promise<IDBDatabase> | undefined;
  let isEnded = false;
  const connect = (): Promise<IDBDatabase> => {
    const opened = withStore(database);
    const forget = (): void => {
      if (connecting === opened) connecting = undefined;
    };
    opened.then((connection) => {
      const lost = (): void => {
        connection.close();
        forget();
        onLost();
      };
      connection.addEventListener("close", lost);
      connection.addEventListener("versionchange", lost);
    }, forget);
    return opened;
  };
  const use: UseStore = async (mode, callback) => {
    for (let tries = 1; ; tries += 1) {
      if (isEnded) throw new Error("The database was closed.");
      try {
        const connection = await (connecting ??= connect());
        return await callback(connection.transaction(STORE, mode, { durability: "strict" }).objectStore(STORE));
      } catch (error) {
        if (tries === TRIES || !isInterrupted(error)) throw error;
        await pause(2 ** tries * TRY_AGAIN_MS);
      }
    }
  };
  const end = (): void => {
    isEnded = true;
    connecting?.then(
      (connection) => connection.close(),
      () => {},
    );
    connecting = undefined;
  };
  return Object.assign(use, { end });
}

/** Opens the database. One that is there without our store, as whoever looks into it may have left it, gets that. */
async function withStore(database: string): Promise<IDBDatabase> {
  const connection = await open(database);
  if (connection.objectStoreNames.contains(STORE)) return connection;
  connection.close();
  return open(database, connection.version + 1);
}

function open(database: string, version?: number): Promise<IDBDatabase> {
  const request = indexedDB.open(database, version);
  request.onupgradeneeded = () => {
    if (!request.result.objectStoreNames.contains(STORE)) request.result.createObjectStore(STORE);
  };
  // In a browser that is clearing the site's data, a request may be lost for good.
  return answered(promisifyRequest(request));
}

/** Whether a database was closed under a request. The error of a transaction that the browser ended may be null. */
function isInterrupted(error: unknown): boolean {
  return error === null || (error instanceof DOMException && ["AbortError", "InvalidStateError"].includes(error.name));
}
