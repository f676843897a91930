/**
 * All that Python sees of the browser. Text, numbers and JSON strings cross, nothing else, so that no proxy is left
 * behind. Bytes travel as base64 inside the JSON.
 */
import { passphraseFile, type PassphraseFileBridge } from "./age-file.ts";
import { answer, type Tell } from "./answer.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { KeyHold } from "./key-use.ts";
import { openKeys } from "./keys.ts";
import { type LoopBridge, loopBridge } from "./loop.ts";
import { sdkBridge } from "./sdk-store.ts";
import { decodeRecord, KEY_PREFIX, type OpenJob, Sealer } from "./seal.ts";
import { onForeignChange, openStorage, type TextStorage } from "./text-storage.ts";
import type { WalletAdapter } from "./wallet.ts";

/** How long our own origin may take to answer a check, ms. */
const CHECK_LIMIT_MS = 4_000;

const CHANNEL = "renvault";

/** What a page posts after a write (renvault_web/following.py), for a write of which only the browser told. */
const RECORDS_CHANGED = JSON.stringify({ kind: "records" });

export interface CipherBridge {
  readonly persistent: boolean;
  /** base64 of the 8-byte id of the key that seals now */
  readonly keyId: string;
  /** when that key was made, epoch milliseconds */
  readonly keyCreatedAt: number;
  /** JSON list of the ids of all keys at hand, the one that seals last */
  keyIds(): string;
  /** JSON list of base64 → the same, 32 bytes each */
  tags(json: string): Promise<string>;
  /** key id, JSON list of [aad, plaintext] → list of sealed */
  seal(keyId: string, json: string): Promise<string>;
  /** JSON list of [key id, aad, sealed] → list of plaintext or null */
  open(json: string): Promise<string>;
  rotate(): Promise<void>;
  /** JSON list of key ids → list of those that were deleted */
  retire(json: string): Promise<string>;
  forget(): Promise<void>;
  /** Lets the keys go, once nothing is under way, and what was decrypted; the next use opens them anew. */
  close(): void;
  /** Does what the method does, and tells Python its answer under `number`. */
  ask(number: number, tell: Tell, method: "tags" | "seal" | "open" | "retire", ...given: [string, string]): void;
}

export interface Bridge {
  /** What Python's event loop runs on. */
  readonly loop: LoopBridge;
  readonly storage: TextStorage;
  readonly cipher: CipherBridge;
  /** The SDK's own store. */
  readonly sdk: typeof sdkBridge;
  readonly network: {
    online(): boolean;
    check(): Promise<boolean>;
    subscribe(listener: (online: boolean) => void): () => void;
  };
  readonly passphraseFile: PassphraseFileBridge;
  readonly tabs: { post(json: string): void; subscribe(listener: (json: string) => void): () => void };
  /** The adopted client, put here just before Python is asked to initialise with it. */
  wallet: WalletAdapter | null;
  /** Python's end of the message pipe (renvault_web/gateway.py). */
  send(json: string): void;
}

/** Opens keys and storage, and begins to decrypt the stored records while Python is still being loaded. */
export async function createBridge(send: (json: string) => void): Promise<Bridge> {
  const use = await openKeys();
  const hold = new KeyHold(openKeys, use);
  // Records sealed by a key that dies with the page would be unreadable litter: they stay in memory with it.
  const storage = openStorage(() => hold.known.persistent);
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(CHANNEL) : null;
  return {
    loop: loopBridge(),
    storage,
    cipher: cipherBridge(hold, openAhead(new Sealer(use.keys), storage)),
    sdk: sdkBridge,
    network: { online: () => navigator.onLine, check, subscribe: onNetworkChange },
    passphraseFile,
    tabs: {
      post: (json) => channel?.postMessage(json),
      subscribe: (listener) => {
        const ends = [onMessage(channel, listener), onForeignChange(KEY_PREFIX, () => listener(RECORDS_CHANGED))];
        return () => ends.forEach((end) => end());
      },
    },
    wallet: null,
    send,
  };
}

/** What Python sees of the keys. `ahead` holds what is being decrypted before it is asked for. */
export function cipherBridge(hold: KeyHold, ahead = new Map<string, Promise<string | null>>()): CipherBridge {
  const bridge: CipherBridge = {
    get persistent() {
      return hold.known.persistent;
    },
    get keyId() {
      return toBase64(hold.known.keyId);
    },
    get keyCreatedAt() {
      return hold.known.createdAt;
    },
    keyIds: () => JSON.stringify(hold.known.ids.map(toBase64)),
    async tags(json) {
      const messages = (JSON.parse(json) as string[]).map(fromBase64);
      return JSON.stringify((await hold.during((keys) => new Sealer(keys).tags(messages))).map(toBase64));
    },
    async seal(keyId, json) {
      const jobs = (JSON.parse(json) as [string, string][]).map(([aad, plain]) => ({
        aad: fromBase64(aad),
        plaintext: fromBase64(plain),
      }));
      const sealed = await hold.during((keys) => new Sealer(keys).seal(fromBase64(keyId), jobs));
      return JSON.stringify(sealed.map(toBase64));
    },
    async open(json) {
      const jobs = JSON.parse(json) as [string, string, string][];
      const opened = await hold.during((keys) => {
        const sealer = new Sealer(keys);
        const all = jobs.map(([keyId, aad, sealed]) => {
          const early = ahead.get(sealed + aad);
          ahead.delete(sealed + aad); // a decrypted record is handed out once, then forgotten here
          const job = { keyId: fromBase64(keyId), aad: fromBase64(aad), sealed: fromBase64(sealed) };
          return early ?? openOne(sealer, job);
        });
        return Promise.all(all);
      });
      return JSON.stringify(opened);
    },
    rotate: () => hold.during((keys) => keys.rotate()),
    async retire(json) {
      const ids = (JSON.parse(json) as string[]).map(fromBase64);
      return JSON.stringify((await hold.during((keys) => keys.retire(ids))).map(toBase64));
    },
    forget: () => hold.during((keys) => keys.forget()),
    close() {
      hold.close();
      ahead.clear();
    },
    ask: (number, tell, method, ...given) => answer(bridge[method](...given), number, tell),
  };
  return bridge;
}

/** Starts to open every stored record at once; Python asks for them by the same bytes a moment later. */
function openAhead(sealer: Sealer, storage: TextStorage): Map<string, Promise<string | null>> {
  const ahead = new Map<string, Promise<string | null>>();
  for (const key of storage.keys()) {
    if (!key.startsWith(KEY_PREFIX)) continue;
    try {
      const record = decodeRecord(storage.get(key) ?? "", key);
      ahead.set(toBase64(record.sealed) + toBase64(record.aad), openOne(sealer, record));
    } catch {
      // Not readable as a record: Python reads it again and reports it.
    }
  }
  return ahead;
}

async function openOne(sealer: Sealer, job: OpenJob): Promise<string | null> {
  const [plaintext] = await sealer.open([job]);
  return plaintext ? toBase64(plaintext) : null;
}

/** Whether our own origin answers now. Any answer counts, an error page too: it came over the network. */
async function check(): Promise<boolean> {
  try {
    const url = location.origin + location.pathname;
    await fetch(url, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(CHECK_LIMIT_MS) });
    return true;
  } catch {
    return false;
  }
}

function onNetworkChange(listener: (online: boolean) => void): () => void {
  const owner = new AbortController();
  for (const name of ["online", "offline"] as const) {
    addEventListener(name, () => listener(name === "online"), { signal: owner.signal });
  }
  return () => owner.abort();
}

function onMessage(channel: BroadcastChannel | null, listener: (json: string) => void): () => void {
  const owner = new AbortController();
  channel?.addEventListener(
    "message",
    (event) => {
      if (typeof event.data === "string") listener(event.data.toWellFormed());
    },
    { signal: owner.signal },
  );
  return () => owner.abort();
}
