/**
 * Turns between pages. What is written is right without them (sdk-disk.ts); they keep pages that write much from
 * overtaking each other for ever.
 */

/** How long a turn is waited for, ms. A page that was frozen in its turn must not hold up the others. */
const WAIT_MS = 5_000;

/** How long no turn is asked for after one that did not come, ms: or each write would wait as long. */
const REST_MS = 60_000;

const resting = new Map<string, number>();

/** Does `work` while no other page does any under `name`; without a turn where none comes in time. */
export async function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (!navigator.locks || performance.now() < (resting.get(name) ?? 0)) return work();
  let begun = false;
  const begin = (): Promise<T> => {
    begun = true;
    return work();
  };
  try {
    return await navigator.locks.request(name, { signal: AbortSignal.timeout(WAIT_MS) }, begin);
  } catch (error) {
    if (begun) throw error;
    resting.set(name, performance.now() + REST_MS);
    return work();
  }
}
