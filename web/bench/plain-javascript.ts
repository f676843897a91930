/** The same work in plain JavaScript with what the browser brings: JSON, zlib, AES-256-GCM, base64, localStorage. */
import { fromBase64, toBase64 } from "../src/base64.ts";
import type { Bytes } from "../src/key-store.ts";
import { type Contender, keeping } from "./contender.ts";

const IV_SIZE = 12;

/** `compressed`: through CompressionStream, which is all the browser has for it; or not at all. */
export async function plainJavaScript(compressed: boolean): Promise<Contender> {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  async function seal(body: object, place: string): Promise<string> {
    const json = encoder.encode(JSON.stringify(body));
    const plaintext = compressed ? await through(json, new CompressionStream("deflate")) : json;
    const iv = crypto.getRandomValues(new Uint8Array(IV_SIZE));
    const parameters = { name: "AES-GCM", iv, additionalData: encoder.encode(place) };
    const ciphertext = new Uint8Array(await crypto.subtle.encrypt(parameters, key, plaintext));
    const sealed = new Uint8Array(IV_SIZE + ciphertext.length);
    sealed.set(iv);
    sealed.set(ciphertext, IV_SIZE);
    return toBase64(sealed);
  }

  async function open(text: string, place: string): Promise<unknown> {
    const sealed = fromBase64(text);
    const parameters = { name: "AES-GCM", iv: sealed.subarray(0, IV_SIZE), additionalData: encoder.encode(place) };
    const plaintext = new Uint8Array(await crypto.subtle.decrypt(parameters, key, sealed.subarray(IV_SIZE)));
    const json = compressed ? await through(plaintext, new DecompressionStream("deflate")) : plaintext;
    return JSON.parse(decoder.decode(json));
  }

  const name = compressed ? "plain" : "plain_uncompressed";
  return keeping(name, `bench.${name}.`, seal, open);
}

/** Writing by hand is quicker than a Blob's stream piped through. */
async function through(bytes: Bytes, stream: CompressionStream | DecompressionStream): Promise<Bytes> {
  const writer = stream.writable.getWriter();
  const read = new Response(stream.readable).arrayBuffer();
  await Promise.all([writer.write(bytes), writer.close(), read]);
  return new Uint8Array(await read);
}
