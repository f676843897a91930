/** Sessions as text, made at once and without Python (renvault_web/exchange.py reads and describes it). */
import { isBeingLeft } from "./leaving.ts";
import { type Bytes, claimedPurpose, KEY_PREFIX, Purpose } from "./seal.ts";
import { RenvaultError } from "./types.ts";
import type { View } from "./view.ts";
import { withoutSecrets } from "./without-secrets.ts";

const VERSION = "1.0.0";

/**
 * The known sessions, without secrets, for people and for other browsers; or, `sealed`, the records of sessions as they
 * lie in localStorage, for this browser alone. Null leaves the choice to the moment: sealed while the page is left.
 * Where no session is known, but records lie there that were not or cannot be read, they are in either form.
 */
export function exported({ known, state }: Pick<View, "known" | "state">, sealed: boolean | null): string {
  const records = sealedRecords();
  if (sealed ?? isBeingLeft()) return written({ sealed: records });
  const unread = !known || (state.sessions.length === 0 && Object.keys(records).length > 0);
  return written({ ...(unread && { sealed: records }), sessions: state.sessions.map(withoutSecrets) });
}

/** What a backup has at most, bytes (renvault_web/imports.py). */
const MAX_BYTES = 16 * 1024 * 1024;

/** The bytes of a file in any of the forms in which a page has one; one that is too large is not read. */
export async function bytesOf(file: unknown): Promise<Bytes> {
  const size = file instanceof Blob ? file.size : file instanceof ArrayBuffer || file instanceof Uint8Array ? file.byteLength : 0;
  if (size > MAX_BYTES) {
    throw new RenvaultError("import", `The file has ${size} bytes; a backup has ${MAX_BYTES} at most.`);
  }
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
    return Object.fromEntries(ours.filter(([, text]) => claimedPurpose(text) === Purpose.session));
  } catch {
    return {}; // blocked: then nothing of ours is there either
  }
}
