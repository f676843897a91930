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

/** `load`: the library did not come; `passphrase`: it does not fit; `file`: no such file, or a damaged one. */
type Answer = { value: string } | { error: "load" | "passphrase" | "file" };

type Age = typeof import("age-encryption");

/** scrypt's work factor as a power of 2, age's own default. */
const WORK_FACTOR = 18;

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
      const decrypter = new Decrypter();
      decrypter.addPassphrase(passphrase);
      return decrypter.decrypt(fromBase64(file));
    }),
};

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
    // The library's own words are not passed on: they could quote the file.
    return { error: error instanceof Error && error.message.includes(NO_MATCH) ? "passphrase" : "file" };
  }
}
