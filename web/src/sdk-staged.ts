/**
 * Sessions of a backup that wait for the SDK's next start. A running client would not look at what is put beside its
 * maps and would not listen to it; so they lie sealed under `staged.` until a storage is opened.
 *
 * What a session needs to be listed, heard and pinged by another client (@walletconnect/core and sign-client 2.25):
 * - in `session` its record, and in `keychain` its symKey: without it the engine deletes the session at its start;
 * - in `subscription` its topic: the client subscribes what stands there and nothing else, under ids that it computes
 *   anew for its own client id, and without any it opens no socket;
 * - in `expirer` its end: otherwise it would be listed for ever;
 * - in `pairing` its pairing, with its symKey, so that the same wallet is known again.
 *
 * The client seed is not needed: the relay's mailbox goes by topics. What is there already stays as it is, and what was
 * ended after the import stays ended. The last three entries are made here, whatever the backup has in their place: the
 * client asks the relay for all of its subscriptions at once, and one that the relay refuses would cost the others.
 */
import { del, entries, type UseStore } from "idb-keyval";
import { keepAside } from "./aside.ts";
import { toHex } from "./base64.ts";
import type { SdkDisk } from "./sdk-disk.ts";
import { adopt, isObject, type Parts, parts, shapeOf, whole, WRITE_ORDER } from "./sdk-merge.ts";
import { type Entry, LostKey, openEntry } from "./sdk-record.ts";

const PREFIX = "staged.";

/** The SDK's name for the secret behind the client's id: none leaves this browser, and none comes in. */
const CLIENT_SEED = "client_ed25519_seed";

/** How long a session, and a pairing, can last at the most (the SDK's SEVEN_DAYS and THIRTY_DAYS), s. */
const LIFE = { session: 7 * 86_400, pairing: 30 * 86_400 };

/** The only relay protocol that there is. */
const RELAY = "irn";

const LINK_MODE = "link_mode";

/** How far behind this device's clock may be, s. */
const SLACK = 86_400;

/** What of a client's maps is taken. */
type MapName = (typeof WRITE_ORDER)[number];
type Fields = { readonly [field: string]: unknown };

/** `wc@2:core:`, version, the host's prefix and the map's name. */
const KEY = /^wc@2:(core|client):([^:/]*)(.*)\/\/(\w+)$/s;

/** The maps of one client on the origin it comes from, by name: the key each has there, and its entries by id. */
type Maps = Map<MapName, { readonly key: string; readonly entries: Map<string, Fields | string> }>;

/** Seals `given` and puts it aside for the next start. */
export async function stageEntries(disk: SdkDisk, given: Fields): Promise<void> {
  const wanted = Object.entries(given).filter(([key]) => isMapName(shapeOf(key)?.name));
  const value = Object.fromEntries(wanted.map(([key, map]) => [key, withoutSeed(map)]));
  const id = toHex(crypto.getRandomValues(new Uint8Array(4)));
  const place = `${PREFIX}${String(Date.now()).padStart(13, "0")}-${id}`;
  await disk.writeAt(place, { key: place, value, tombstones: new Map() });
}

/** Merges what is staged into the store, oldest first. What cannot be brought in stays, and is told of at the end. */
export async function applyStaged(disk: SdkDisk): Promise<void> {
  const failed: unknown[] = [];
  for (const [place, text] of await stagedRecords(disk.store)) {
    await applyOne(disk, place, text).catch((error: unknown) => failed.push(error));
  }
  if (failed.length > 0) throw failed[0];
}

async function applyOne(disk: SdkDisk, place: string, text: string): Promise<void> {
  const staged = await openStaged(disk, place, text);
  if (!staged) return;
  const at = Number(place.slice(PREFIX.length, PREFIX.length + 13));
  for (const maps of clientsIn(staged.value)) await bring(disk, liveOf(maps, Date.now() / 1000), at);
  await del(place, disk.store); // what it brought has been read back
}

async function stagedRecords(store: UseStore): Promise<[place: string, text: string][]> {
  return (await entries<string, string>(store)).filter(([place]) => place.startsWith(PREFIX));
}

/** Returns what a record holds. One that can never be read goes aside; at a foreign one it throws. */
async function openStaged(disk: SdkDisk, place: string, text: string): Promise<Entry | undefined> {
  const entry = await openEntry(disk.sealer, place, text).catch((error: unknown) => {
    if (!(error instanceof LostKey)) throw error;
    return undefined;
  });
  if (!entry) {
    await keepAside(disk.store, place, text);
    await del(place, disk.store);
  }
  return entry;
}

/** Sorts the maps of a backup by the client, that is by the prefix, that they belong to. */
function clientsIn(value: unknown): Maps[] {
  const clients = new Map<string, Maps>();
  for (const [key, map] of Object.entries(isObject(value) ? value : {})) {
    const [, , , prefix = "", name] = KEY.exec(key) ?? [];
    const shape = shapeOf(key);
    const found = shape && parts(shape, map);
    if (!found || !isMapName(name)) continue;
    const maps = clients.get(prefix) ?? new Map();
    clients.set(prefix, maps);
    maps.set(name, { key, entries: new Map([...found].map(([id, json]) => [id, JSON.parse(json)])) });
  }
  return [...clients.values()];
}

/** Returns of a client's maps what its live sessions and pairings need; what is missing of it is made. */
function liveOf(maps: Maps, now: number): Map<string, Map<string, string>> {
  const keychain = maps.get("keychain");
  const brought = new Map<MapName, Map<string, unknown>>(WRITE_ORDER.map((name) => [name, new Map()]));
  const add = (name: MapName, id: string, entry: unknown) => void brought.get(name)!.set(id, entry);
  const bringTopic = (name: "session" | "pairing", topic: string, record: Fields) => {
    const key = keychain?.entries.get(topic);
    const isLive = typeof record.expiry === "number" && record.expiry > now;
    if (!isKey(topic) || !isKey(key) || !isLive || !isObject(record.relay) || record.relay.protocol !== RELAY) return false;
    const expiry = Math.min(record.expiry as number, Math.floor(now) + LIFE[name] + SLACK);
    const target = `topic:${topic}`;
    const transport = record.transportType === LINK_MODE ? { transportType: LINK_MODE } : {};
    add("keychain", topic, key);
    add("subscription", topic, { topic, relay: { protocol: RELAY }, id: topic, ...transport });
    add("expirer", target, { target, expiry });
    add(name, topic, { ...record, expiry, relay: { protocol: RELAY } });
    return true;
  };
  for (const [topic, pairing] of maps.get("pairing")?.entries ?? []) {
    if (isObject(pairing) && pairing.active === true) bringTopic("pairing", topic, pairing);
  }
  for (const [topic, session] of maps.get("session")?.entries ?? []) {
    if (!isSession(session) || !bringTopic("session", topic, session)) continue;
    const own = keychain?.entries.get(session.self.publicKey);
    if (isKey(own)) add("keychain", session.self.publicKey, own); // the SDK deletes it with the session
  }
  const keyOf = (name: MapName) => maps.get(name)?.key ?? keychain?.key.replace(/\w+$/, name);
  const textsOf = (found: Map<string, unknown>) => new Map([...found].map(([id, one]) => [id, JSON.stringify(one)]));
  const filled = [...brought].filter(([, found]) => found.size > 0);
  return new Map(filled.map(([name, found]) => [keyOf(name)!, textsOf(found)]));
}

/** Adds entries to the store's maps and looks whether they are there; not what was removed after `at`, epoch ms. */
async function bring(disk: SdkDisk, brought: ReadonlyMap<string, Parts>, at: number): Promise<void> {
  for (const [key, added] of brought) {
    const shape = shapeOf(key)!;
    await disk.change(key, (entry) => {
      const there = parts(shape, entry?.value);
      if (!there) throw new Error("A map of the wallet connection has a form that is not known.");
      const merged = adopt(added, there, entry?.tombstones ?? new Map(), at);
      return { value: whole(shape, merged.entries), tombstones: merged.tombstones };
    });
    const entry = await disk.read(key);
    const read = parts(shape, entry?.value);
    const isMissing = (id: string) => !read?.has(id) && !entry?.tombstones.has(id); // or ended, maybe just now
    if ([...added.keys()].some(isMissing)) throw new Error("What was stored could not be read back.");
  }
}

/** Returns a keychain without the client's seed, anything else as it is. */
export function withoutSeed(map: unknown): unknown {
  return isObject(map) ? Object.fromEntries(Object.entries(map).filter(([tag]) => tag !== CLIENT_SEED)) : map;
}

function isMapName(name: unknown): name is MapName {
  return (WRITE_ORDER as readonly unknown[]).includes(name);
}

/** 32 bytes in hexadecimal: a key or a topic. */
function isKey(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

/** Whether the SDK can hold the record: it looks into these fields without asking. */
function isSession(value: unknown): value is Fields & { self: { publicKey: string } } {
  if (!isObject(value) || !isObject(value.self) || !isObject(value.peer) || !isObject(value.namespaces)) return false;
  return typeof value.self.publicKey === "string" && isObject(value.peer.metadata);
}
