import type { Progress } from '../src/payments/reconcile.ts';

const WIDTH = 30;

/** "[===============               ]  50 %  1,000 of 2,000". */
export function progressBar({ done, total }: Progress): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = '='.repeat(Math.floor(part * WIDTH)).padEnd(WIDTH);
  const percent = String(Math.floor(part * 100)).padStart(3);
  return `[${filled}] ${percent} %  ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
}

/** Writes over the last line of a terminal; what is no terminal is left alone. */
export function overwrite(out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>, line: string): void {
  if (out.isTTY) out.write(`\r\u001B[2K${line}`);
}
