/** Sessions as text, made at once and without Python (renvault_web/exchange.py reads and describes it). */
import { fromBase64Url } from "./base64.ts";
import { type Bytes, KEY_PREFIX, Purpose } from "./seal.ts";
import { RenvaultError } from "./types.ts";
import type { State } from "./view.ts";
import { withoutSecrets } from "./without-secrets.ts";

const VERSION = "1.0.0";

/** The known sessions, without secrets: for people and for other browsers. */
export function plainExport({ sessions }: State): string {
  return written({ sessions: sessions.map(withoutSecrets) });
}

/** The records of sessions as they lie in localStorage, for this browser alone. */
export function sealedExport(): string {
  return written({ sealed: sealedRecords() });
}

/** Before any record can be read: the records as they lie, and what was given to be stored and is not yet. */
export function earlyExport({ sessions }: State): string {
  return written({ sealed: sealedRecords(), sessions: sessions.map(withoutSecrets) });
}

/** The bytes of a file in any of the forms in which a page has one. */
export async function bytesOf(file: unknown): Promise<Bytes> {
  if (file instanceof Blob) return new Uint8Array(await file.arrayBuffer());
  if (file instanceof ArrayBuffer) return new Uint8Array(file);
  if (file instanceof Uint8Array) return Uint8Array.from(file);
  throw new RenvaultError("import", "A backup file is a Uint8Array, an ArrayBuffer or a Blob.");
}

function written(content: object): string {
  return JSON.stringify({ version: VERSION, timestamp: Date.now(), ...content });
}

function sealedRecords(): Record<string, string> {
  try {
    const ours = Object.entries(localStorage).filter(([key]) => key.startsWith(KEY_PREFIX));
    return Object.fromEntries(ours.filter(([, text]) => purposeOf(text) === Purpose.session));
  } catch {
    return {}; // blocked: then nothing of ours is there either
  }
}

function purposeOf(text: string): number | undefined {
  try {
    return fromBase64Url(text)[1];
  } catch {
    return undefined;
  }
}
