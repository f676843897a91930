/**
 * A wallet to try RenVault with: the real WalletKit, with an encrypted store of its own. It holds no keys and signs
 * nothing. The pairing address comes in the fragment, which is taken out of the address bar at once.
 */
import { WalletKit } from "@reown/walletkit";
import { pause, within } from "../src/limit.ts";
import { createSdkStorage } from "../src/sdk-storage.ts";
import type { Emitter } from "../src/wallet-sdk.ts";
import { makeCore } from "./client.ts";
import { loadConfig, type PageConfig } from "./config.ts";
import { element, say, shown } from "./page.ts";

/** How long the relay, or the page that asks, may take, ms. */
const ANSWER_LIMIT_MS = 12_000;

/** The first 20 bytes of SHA-256("RenVault demo wallet") as an address, on Stacks' two networks. */
const ACCOUNTS = [
  "stacks:1:SP1R8G6AGMYPF9MQKMGVRVWKQW7FAFG0WTC0B0B0Z",
  "stacks:2147483648:ST1R8G6AGMYPF9MQKMGVRVWKQW7FAFG0WTEMRZ1HH",
];

const REJECTED = { code: 5000, message: "User rejected." };
const ENDED = { code: 6000, message: "User disconnected." };
const SIGNS_NOTHING = { code: 5001, message: "This is a demo wallet: it holds no keys and signs nothing." };

type Kit = Awaited<ReturnType<typeof WalletKit.init>>;
type Proposal = ReturnType<Kit["getPendingSessionProposals"]>[number];
type Request = ReturnType<Kit["getPendingSessionRequests"]>[number];
type Session = ReturnType<Kit["getActiveSessions"]>[string];

const status = element("wallet-status");
const section = element("proposal");
const text = element("proposal-text");
const approve = element<HTMLButtonElement>("approve");
const reject = element<HTMLButtonElement>("reject");
const list = element<HTMLUListElement>("wallet-sessions");

const ends = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

let proposal: Proposal | undefined;
let proposalsSeen = 0;

void main(takeAddress());

async function main(address: string | undefined): Promise<void> {
  say(status, "Starting…");
  try {
    const { config, problem } = await loadConfig();
    const kit = await start(config);
    listen(kit);
    showSessions(kit);
    addEventListener("hashchange", () => void pair(kit, takeAddress()));
    const open = Object.values(kit.getPendingSessionProposals()).findLast(isOpen); // from before a reload
    showProposal(open, open ? "" : (problem ?? "Ready. Open this wallet by the link beside a page's QR code."));
    await pair(kit, address);
  } catch (error) {
    say(status, `The wallet could not start: ${reason(error)}`);
  }
}

/** The pairing address in the fragment, which is gone from the address bar and the history afterwards. */
function takeAddress(): string | undefined {
  const address = new URLSearchParams(location.hash.slice(1)).get("wc");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return address ?? undefined;
}

async function start(config: PageConfig): Promise<Kit> {
  const storage = createSdkStorage({ database: "renvault-demo-wallet", onNotice: (notice) => say(status, notice) });
  const core = makeCore(config, storage, "demo-wallet");
  const description = "A wallet without funds, to try RenVault with";
  return WalletKit.init({ core, metadata: { name: "Demo wallet", description, url: location.origin, icons: [] } });
}

function listen(kit: Kit): void {
  // On the SignClient itself: WalletKit passes on some events only, and forgets all listeners of one at the first `off`.
  const client = kit.engine.signClient as unknown as Emitter;
  for (const event of ["session_update", "session_extend", "session_delete", "session_expire"]) {
    client.on(event, () => showSessions(kit));
  }
  client.on("session_delete", () => say(status, "The page has ended the session."));
  client.on("session_proposal", ({ params }: { params: Proposal }) => showProposal(params));
  client.on("proposal_expire", ({ id }: { id: number }) => {
    if (proposal?.id === id) showProposal(undefined, "The request has expired. Ask the page for a new code.");
  });
  client.on("session_request", ({ topic, id, params }: Request) => {
    say(status, `Refused ${shown(params.request.method)}: a demo wallet signs nothing.`);
    const response = { id, jsonrpc: "2.0", error: SIGNS_NOTHING };
    kit.respondSessionRequest({ topic, response }).catch(() => {}); // the page's own limit ends its waiting
  });
  approve.addEventListener("click", () => void decide((asked) => approved(kit, asked)));
  reject.addEventListener("click", () => void decide((asked) => rejected(kit, asked)));
}

/** Asks the page behind the address for its proposal. */
async function pair(kit: Kit, address: string | undefined): Promise<void> {
  if (!address) return;
  say(status, "Asking the page what it wants…");
  const seen = proposalsSeen;
  try {
    await within(ANSWER_LIMIT_MS, kit.pair({ uri: address }), unreachable);
    if (proposalsSeen === seen) await pause(ANSWER_LIMIT_MS);
    if (proposalsSeen === seen) say(status, "The page's request did not come. Ask the page for a new code.");
  } catch (error) {
    say(status, trouble(error));
  }
}

/** Shows what a page asks for; without a proposal, `message` in its place. */
function showProposal(asked: Proposal | undefined, message = ""): void {
  proposal = asked;
  section.hidden = !asked;
  say(status, message);
  if (!asked) return;
  proposalsSeen += 1;
  const { chains, methods } = wanted(asked);
  const what = [...methods].map(shown).join(", ") || "nothing";
  text.textContent = `${peerName(asked.proposer.metadata)} asks to use ${[...chains].map(shown).join(", ")} for: ${what}.`;
}

function isOpen({ expiryTimestamp }: Proposal): boolean {
  return expiryTimestamp > Date.now() / 1000;
}

/** Carries out the user's answer; the buttons wait meanwhile. */
async function decide(answer: (asked: Proposal) => Promise<string>): Promise<void> {
  if (!proposal) return;
  approve.disabled = reject.disabled = true;
  try {
    showProposal(undefined, await within(ANSWER_LIMIT_MS, answer(proposal), unreachable));
  } catch (error) {
    say(status, trouble(error));
  } finally {
    approve.disabled = reject.disabled = false;
  }
}

async function approved(kit: Kit, asked: Proposal): Promise<string> {
  const { chains, methods, events } = wanted(asked);
  const accounts = ACCOUNTS.filter((account) => [...chains].some((chain) => account.startsWith(`${chain}:`)));
  if (accounts.length === 0) throw new Error("The page asks for no Stacks network; this wallet knows no other.");
  const namespaces = {
    stacks: { chains: accounts.map(chainOf), accounts, methods: [...methods], events: [...events] },
  };
  await kit.approveSession({ id: asked.id, namespaces });
  showSessions(kit);
  return `Connected to ${peerName(asked.proposer.metadata)}. You can go back to the page.`;
}

async function rejected(kit: Kit, asked: Proposal): Promise<string> {
  await kit.rejectSession({ id: asked.id, reason: REJECTED });
  return "Rejected. The page has been told.";
}

/** All that a proposal wants of Stacks, required or not. */
function wanted({ requiredNamespaces, optionalNamespaces }: Proposal) {
  const [chains, methods, events] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const [key, namespace] of [...Object.entries(requiredNamespaces), ...Object.entries(optionalNamespaces)]) {
    if (key.split(":")[0] !== "stacks") continue;
    for (const chain of key.includes(":") ? [key] : (namespace.chains ?? [])) chains.add(chain);
    for (const method of namespace.methods) methods.add(method);
    for (const event of namespace.events) events.add(event);
  }
  return { chains, methods, events };
}

/** Brings the list up to date; items that stay keep their place and their focus. */
function showSessions(kit: Kit): void {
  const sessions = Object.values(kit.getActiveSessions());
  const items = new Map([...list.querySelectorAll("li")].map((item) => [item.dataset["topic"], item]));
  for (const session of sessions) {
    const item = items.get(session.topic) ?? list.appendChild(newItem(kit, session));
    items.delete(session.topic);
    const end = new Date(session.expiry * 1000);
    const time = item.querySelector("time") as HTMLTimeElement;
    time.dateTime = end.toISOString();
    time.textContent = `ends ${ends.format(end)}`;
  }
  for (const item of items.values()) item.remove();
}

function newItem(kit: Kit, { topic, peer }: Session): HTMLLIElement {
  const item = document.createElement("li");
  item.dataset["topic"] = topic;
  const name = document.createElement("span");
  name.textContent = peerName(peer.metadata);
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "End session";
  button.addEventListener("click", () => void endSession(kit, topic, button));
  item.append(name, document.createElement("time"), button);
  return item;
}

async function endSession(kit: Kit, topic: string, button: HTMLButtonElement): Promise<void> {
  button.disabled = true;
  try {
    await within(ANSWER_LIMIT_MS, kit.disconnectSession({ topic, reason: ENDED }), unreachable);
    say(status, "The session has ended.");
  } catch (error) {
    say(status, trouble(error));
  } finally {
    button.disabled = false;
    showSessions(kit);
  }
}

function chainOf(account: string): string {
  return account.split(":").slice(0, 2).join(":");
}

function peerName({ name, url }: { name: string; url: string }): string {
  return shown(name) || shown(url) || "A page without a name";
}

function unreachable(): Error {
  return new Error("No internet connection");
}

/** What the user reads where something did not work. */
function trouble(error: unknown): string {
  const message = reason(error);
  if (/has expired|^Expired/.test(message)) return "This pairing code has expired. Ask the page for a new one.";
  if (/Pairing already exists/.test(message)) return "This pairing code was used already. Ask the page for a new one.";
  if (/pair\(\)|pairing uri/i.test(message)) return "This is not a pairing code. Open the link beside a page's QR code.";
  if (/No internet|[Ff]ailed to publish|establish socket|Subscribing to/.test(message)) {
    return "The relay cannot be reached. Check your network and try again.";
  }
  return message;
}

function reason(error: unknown): string {
  return shown((error as { message?: unknown } | null)?.message) || "The cause is not known.";
}
