/**
 * When Python's event loop is to go on (renvault_web/browser/loop.py): in the page's next task, or after a time. One
 * message and one timer serve all that waits there, so that no proxy is made for each.
 */
export interface LoopBridge {
  /** Has `run` called from now on, and told whether it was the timer; once for a page. */
  start(run: (woken: boolean) => void): void;
  /** Calls `run` in the page's next task. */
  soon(): void;
  /** Calls `run` after that many milliseconds, and no longer at the time said before. */
  later(milliseconds: number): void;
}

export function loopBridge(): LoopBridge {
  // Not setTimeout: browsers hold its calls back by 4 ms once they follow each other.
  const { port1, port2 } = new MessageChannel();
  let run = (_woken: boolean) => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  port1.onmessage = () => run(false);
  return {
    start: (given) => void (run = given),
    soon: () => port2.postMessage(null),
    later(milliseconds) {
      clearTimeout(timer);
      timer = setTimeout(() => run(true), milliseconds);
    },
  };
}
