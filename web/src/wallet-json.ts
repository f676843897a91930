/**
 * What leaves the SDK, made safe to cross: plain JSON with whole characters and no giant text. A wallet may send
 * anything as its name, its icons or an event's data.
 */
import type { SessionRecord } from "./wallet-sdk.ts";

/** The longest text that crosses, UTF-16 units. */
const LONGEST_TEXT = 65_536;

/** The deepest nesting that crosses: JSON readers recurse. */
const DEEPEST = 32;

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** `value` as JSON can say it: texts cut and made well-formed, what is not data or lies too deep as null. */
export function cleaned(value: unknown, depth = 0): Json {
  if (typeof value === "string") return cleanText(value);
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "object" || value === null || depth === DEEPEST) return null;
  if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1));
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([name, item]) => [cleanText(name), cleaned(item, depth + 1)]));
}

/** The fields of a session that are nobody's secret, in the shape of renvault_web/ports.py. */
export function plainSession(record: SessionRecord): Json {
  const peer = fields(record.peer);
  const metadata = fields(peer["metadata"]);
  const namespaces = fields(record.namespaces);
  return cleaned({
    topic: record.topic,
    pairingTopic: text(record.pairingTopic),
    peer: {
      publicKey: text(peer["publicKey"]),
      metadata: {
        name: text(metadata["name"]),
        description: text(metadata["description"]),
        url: text(metadata["url"]),
        icons: texts(metadata["icons"]),
      },
    },
    expiry: record.expiry,
    accounts: Object.values(namespaces).flatMap((namespace) => texts(fields(namespace)["accounts"])),
    namespaces,
  });
}

/** A topic as messages may show it. */
export function short(topic: string): string {
  return topic.slice(0, 8);
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
