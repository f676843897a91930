/**
 * What leaves the SDK, made safe to cross: plain JSON with whole characters, no giant text and no giant list. A wallet
 * may send anything as its name, its icons or an event's data.
 */
import type { SessionRecord } from "./wallet-sdk.ts";

/** The longest text that crosses, UTF-16 units. */
const LONGEST_TEXT = 65_536;

/** The longest name, description or address of a wallet, UTF-16 units. */
const LONGEST_METADATA = 2_000;

/** The most icons of a wallet. */
const MOST_ICONS = 8;

/** The most accounts of a session, and the most texts of any list: an event's accounts are one. */
const MOST_ACCOUNTS = 1_000;

/** The longest text of an error, UTF-16 units. */
const LONGEST_ERROR = 2_000;

/** The deepest nesting that crosses: JSON readers recurse. */
const DEEPEST = 32;

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** `value` as JSON can say it: texts cut and made well-formed, lists of texts cut, no data and too deep as null. */
export function cleaned(value: unknown, depth = 0): Json {
  if (typeof value === "string") return cleanText(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "object" || value === null || depth === DEEPEST) return null;
  if (Array.isArray(value)) {
    const most = value.every((item) => typeof item === "string") ? MOST_ACCOUNTS : value.length;
    return value.slice(0, most).map((item) => cleaned(item, depth + 1));
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([name, item]) => [cleanText(name), cleaned(item, depth + 1)]));
}

/** The fields of a session that are nobody's secret, in the shape of renvault_web/ports.py. */
export function plainSession(record: SessionRecord): Json {
  const peer = fields(record.peer);
  const metadata = fields(peer["metadata"]);
  const url = text(metadata["url"]);
  const accounts: string[] = [];
  const namespaces = Object.entries(fields(record.namespaces)).map(([name, namespace]) => {
    if (!Array.isArray(fields(namespace)["accounts"])) return [name, namespace];
    const own = texts(fields(namespace)["accounts"]).slice(0, MOST_ACCOUNTS - accounts.length);
    accounts.push(...own);
    return [name, { ...fields(namespace), accounts: own }];
  });
  return cleaned({
    topic: record.topic,
    pairingTopic: text(record.pairingTopic),
    peer: {
      publicKey: text(peer["publicKey"]),
      metadata: {
        name: text(metadata["name"]).slice(0, LONGEST_METADATA),
        description: text(metadata["description"]).slice(0, LONGEST_METADATA),
        url: isAddress(url) ? url : "",
        icons: texts(metadata["icons"]).filter(isAddress).slice(0, MOST_ICONS),
      },
    },
    expiry: record.expiry,
    accounts,
    namespaces: Object.fromEntries(namespaces),
  });
}

/** A topic as messages may show it. */
export function short(topic: string): string {
  return topic.slice(0, 8);
}

/** What an error says, cut: whatever was thrown, by the SDK or as a wallet's answer. */
export function errorText(error: unknown): string {
  const message = typeof error === "string" ? error : fields(error)["message"];
  return typeof message === "string" ? message.slice(0, LONGEST_ERROR) : "Unknown error.";
}

/** Whether an address may cross. One that is cut would be another address. */
function isAddress(text: string): boolean {
  return text.length <= LONGEST_METADATA;
}

function cleanText(value: string): string {
  return value.slice(0, LONGEST_TEXT).replace(/\p{Surrogate}/gu, "\uFFFD");
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
