/**
 * Files sealed by a passphrase, in the age format (age-encryption.org/v1): what the `age` program makes and opens.
 * The library is loaded when it is first needed. Its scrypt takes a second or more, in which the page stands still:
 * that is what makes guessing a passphrase slow for everyone. Never rejects; answers are JSON.
 */
import { fromBase64, toBase64 } from "./base64.ts";
import { pause } from "./limit.ts";

export interface PassphraseFileBridge {
  /** base64 of what goes inside → base64 of the file */
  encrypt(passphrase: string, plaintext: string): Promise<string>;
  /** base64 of the file → base64 of what is inside */
  decrypt(passphrase: string, file: string): Promise<string>;
}

/**
 * `load`: the library did not come; `passphrase`: it does not fit; `file`: no such file, or a damaged one; `work`: to
 * try a passphrase would take too long.
 */
type Answer = { value: string } | { error: "load" | "passphrase" | "file" | "work" };

type Age = typeof import("age-encryption");

/** scrypt's work factor as a power of 2, age's own default. A file may ask for more: that is for its maker to wait for. */
const WORK_FACTOR = 18;

/** The work factor as it stands in a file that a passphrase opens; such a file has no other way to be opened. */
const SCRYPT = /^age-encryption\.org\/v1\n-> scrypt [^ \n]* ([0-9]+)\n/;

/** More than what stands before the work factor, bytes. */
const HEADER_SIZE = 1_024;

/** What the library says of a passphrase that does not fit. */
const NO_MATCH = "no identity matched";

/** Before the page stands still, what was to be shown is shown: two frames and a little, ms. */
const SHOW_MS = 50;

export const passphraseFile: PassphraseFileBridge = {
  encrypt: (passphrase, plaintext) =>
    answer(async ({ Encrypter }) => {
      const encrypter = new Encrypter();
      encrypter.setScryptWorkFactor(WORK_FACTOR);
      encrypter.setPassphrase(passphrase);
      return encrypter.encrypt(fromBase64(plaintext));
    }),
  decrypt: (passphrase, file) =>
    answer(async ({ Decrypter }) => {
      const data = fromBase64(file);
      if (workFactorOf(data) > WORK_FACTOR) throw new TooMuchWork();
      const decrypter = new Decrypter();
      decrypter.addPassphrase(passphrase);
      return decrypter.decrypt(data);
    }),
};

class TooMuchWork extends Error {}

/** Returns the work factor of a file; 0 where it tells none, and the library says the rest. */
function workFactorOf(data: Uint8Array): number {
  const header = new TextDecoder("latin1").decode(data.subarray(0, HEADER_SIZE));
  return Number(SCRYPT.exec(header)?.[1] ?? 0);
}

async function answer(work: (age: Age) => Promise<Uint8Array>): Promise<string> {
  return JSON.stringify(await outcome(work));
}

async function outcome(work: (age: Age) => Promise<Uint8Array>): Promise<Answer> {
  const age = await import("age-encryption").catch(() => null);
  if (!age) return { error: "load" };
  await pause(SHOW_MS);
  try {
    return { value: toBase64((await work(age)) as Uint8Array<ArrayBuffer>) };
  } catch (error) {
    if (error instanceof TooMuchWork) return { error: "work" };
    // The library's own words are not passed on: they could quote the file.
    return { error: error instanceof Error && error.message.includes(NO_MATCH) ? "passphrase" : "file" };
  }
}
