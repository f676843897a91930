/** What is compared: ways to keep sessions, encrypted, in localStorage. */
import ten from "../../tests/fixtures/ten-sessions.json" with { type: "json" };

export interface Contender {
  readonly name: string;
  /** Stores that many sessions from that number on, one after the other; each is read back before the next. */
  store(from: number, count: number): Promise<void>;
  /** Reads and decrypts all that is stored, at once; returns how many there were, and rejects where it is not `count`. */
  load(count: number): Promise<number>;
  clear(): Promise<void>;
}

export type Samples = Record<string, number[]>;

const WEEK = 604_800; // s

/** Ten sessions that end in a week. */
const SESSIONS = ten.map(({ session, created, used }) => ({
  session: { ...session, expiry: Math.floor(Date.now() / 1000) + WEEK },
  created,
  used,
}));

/** Sessions that each contender has to store, and to load at once. */
export const MANY = 100;

/** The ten over and over, each with a topic of its own. */
export const BODIES = Array.from({ length: MANY }, (_, number) => {
  const body = SESSIONS[number % SESSIONS.length]!;
  const topic = number.toString(16).padStart(4, "0") + body.session.topic.slice(4);
  return { ...body, session: { ...body.session, topic } };
});

/** A contender that makes of each session a text and the other way round. */
export function keeping(
  name: string,
  prefix: string,
  seal: (body: object, key: string) => Promise<string>,
  open: (text: string, key: string) => Promise<unknown>,
): Contender {
  const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  return {
    name,
    async store(from, count) {
      for (const body of BODIES.slice(from, from + count)) {
        const key = prefix + body.session.topic;
        const text = await seal(body, key);
        localStorage.setItem(key, text);
        if (localStorage.getItem(key) !== text) throw new Error(`${name} did not read back what it wrote.`);
      }
    },
    async load(count) {
      const bodies = await Promise.all(keys().map((key) => open(localStorage.getItem(key) ?? "", key)));
      const topics = new Set(bodies.map((body) => (body as { session: { topic: string } }).session.topic));
      if (topics.size !== count) throw new Error(`${name} loaded ${topics.size} sessions, not ${count}.`);
      return topics.size;
    },
    async clear() {
      for (const key of keys()) localStorage.removeItem(key);
    },
  };
}
