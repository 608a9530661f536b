import { checkAnswers } from './answers.ts';
import type { Books, Discrepancy } from './books.ts';
import { CORRUPTIONS } from './corruptions.ts';
import { checkEventLogs } from './event-log.ts';
import type { Memory } from './memory.ts';
import { checkMessages } from './messages.ts';
import { reconcile } from './reconcile.ts';

/** What does not agree between the gateway, the sandbox, the clients and the webhooks once everything has settled. */
export function compare(memory: Memory, books: Books): Discrepancy[] {
  return [
    ...reconcile(books),
    ...checkEventLogs(books.payments),
    ...checkAnswers(memory, books),
    ...checkMessages(books),
  ];
}

/** What could be done to books that agree without anybody's noticing it. */
export function unnoticed(memory: Memory, books: Books): string[] {
  return Object.entries(CORRUPTIONS).flatMap(([name, corrupt]) => {
    const corrupted = corrupt(books);
    return corrupted !== undefined && compare(memory, corrupted).length === 0 ? [name] : [];
  });
}
