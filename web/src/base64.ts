/** Bytes as text: base64, the base64url without padding that records are written in, and hex. */
import type { Bytes } from "./keys.ts";

export function toBase64(data: Bytes): string {
  let binary = "";
  // In slices: fromCharCode takes its arguments on the stack.
  for (let start = 0; start < data.length; start += 0x8000) {
    binary += String.fromCharCode(...data.subarray(start, start + 0x8000));
  }
  return btoa(binary);
}

export function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function toBase64Url(data: Bytes): string {
  return toBase64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Reads canonical base64url; an Error that says what is wrong with anything else. */
export function fromBase64Url(text: string): Bytes {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) throw new Error("The record is not base64url.");
  const data = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
  // atob ignores the spare bits of the last character; the way back shows them.
  if (toBase64Url(data) !== text) throw new Error("The record is not canonical base64url.");
  return data;
}

export function toHex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
