/**
 * @metamask/browser-passworder, which keeps MetaMask's vault. Its key is derived from a password by PBKDF2 once, outside
 * of what is timed: derived anew for each session it would take some hundred milliseconds more.
 */
import { decryptWithKey, encryptWithKey, generateSalt, keyFromPassword } from "@metamask/browser-passworder";
import { fromBase64, toBase64 } from "../src/base64.ts";
import { type Contender, keeping } from "./contender.ts";

/** What it asks of node's Buffer, which bundlers for the browser usually stand in for; this costs less than theirs. */
const Buffer = {
  from(data: string | ArrayBuffer | Uint8Array<ArrayBuffer>, encoding?: string): Uint8Array<ArrayBuffer> {
    if (typeof data !== "string") return new Bytes(data instanceof ArrayBuffer ? data : data.buffer);
    return encoding === "base64" ? fromBase64(data) : new TextEncoder().encode(data);
  },
};

class Bytes extends Uint8Array<ArrayBuffer> {
  override toString(encoding?: string): string {
    return encoding === "base64" ? toBase64(this) : new TextDecoder().decode(this);
  }
}

export async function passworder(): Promise<Contender> {
  Object.assign(globalThis, { Buffer });
  const key = await keyFromPassword("not a real password", generateSalt());
  return keeping(
    "passworder",
    "bench.passworder.",
    async (body) => JSON.stringify(await encryptWithKey(key, body)),
    (text) => decryptWithKey(key, JSON.parse(text)),
  );
}
