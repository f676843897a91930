/**
 * Tells Python what became of a promise (renvault_web/browser/answers.py). The promise itself stays on this side: one
 * that crosses takes Pyodide longer than what a cipher does to a record.
 */
export type Tell = (number: number, text: string, error?: Error) => void;

export function answer(promise: Promise<string>, number: number, tell: Tell): void {
  promise.then(
    (text) => tell(number, text),
    (error: unknown) => tell(number, "", error instanceof Error ? error : new Error(String(error))),
  );
}
