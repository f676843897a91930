/**
 * What the SDK's store holds, for a backup and for diagnostics, and what of it is missing there: a backup must not look
 * whole while the sessions in it could not live.
 */
import { answered } from "./durable-store.ts";
import { SdkDisk, type Snapshot } from "./sdk-disk.ts";
import { parts, shapeOf, whole } from "./sdk-merge.ts";
import { withoutSeed } from "./sdk-staged.ts";

/** How deep an entry of a map may nest: renvault_web/jsontext.py reads 100 levels, and a backup has four around it. */
const MAX_DEPTH = 90;

/** The maps without which a session, or the wallet behind it, is lost. */
const NEEDED = ["core/keychain", "core/pairing", "client/session"];

/** Version and host's prefix, which all maps of a client have in their keys; and of a client without a prefix. */
const CLIENT = /^wc@2:(?:core|client):(.*)\/\/\w+$/s;
const PLAIN_CLIENT = "0.3";

export interface SdkContent {
  /** The SDK's entries by their keys, decrypted, without the client seed and without what nests too deep. */
  readonly values: Readonly<Record<string, unknown>>;
  /** How many of the records that live sessions need cannot be read. */
  readonly unreadable: number;
  /** How many sessions nest too deep. */
  readonly leftOut: number;
}

export function sdkContent(database: string): Promise<SdkContent> {
  return SdkDisk.during(database, contentOf);
}

async function contentOf(disk: SdkDisk): Promise<SdkContent> {
  const snapshot = await answered(disk.readAll());
  const values: [string, unknown][] = [];
  let leftOut = 0;
  for (const { key, value } of snapshot.entries) {
    if (value === undefined) continue;
    const shape = shapeOf(key);
    const found = shape && parts(shape, value);
    const kept = found && new Map([...found].filter(([, json]) => !nestsDeeper(JSON.parse(json), MAX_DEPTH)));
    if (shape?.name === "session") leftOut += found && kept ? found.size - kept.size : 1; // another form: none is there
    if (shape && kept) values.push([key, shape.name === "keychain" ? withoutSeed(whole(shape, kept)) : whole(shape, kept)]);
    else if (!nestsDeeper(value, MAX_DEPTH)) values.push([key, value]);
  }
  return { values: Object.fromEntries(values), unreadable: await neededUnreadable(disk, snapshot), leftOut };
}

/** A record that cannot be read does not say what it is; but where a needed one lies is known. */
async function neededUnreadable(disk: SdkDisk, { entries, unreadable }: Snapshot): Promise<number> {
  if (unreadable.length === 0 || entries.length === 0) return unreadable.length;
  const clients = new Set([PLAIN_CLIENT, ...entries.flatMap(({ key }) => CLIENT.exec(key)?.[1] ?? [])]);
  const keys = [...clients].flatMap((client) => NEEDED.map((name) => `wc@2:${name.replace("/", `:${client}//`)}`));
  const places = await Promise.all(keys.map((key) => disk.place(key)));
  return unreadable.filter((place) => places.includes(place)).length;
}

/** Whether lists and objects stand in one another at more than so many levels. */
function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}
