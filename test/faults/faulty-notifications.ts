import { setTimeout as delay } from 'node:timers/promises';
import type { Notification } from '../../src/processors/port.ts';
import type { Random } from './random.ts';

type Receive = (notification: Notification) => Promise<void>;

/** What happens to a notification on its way, and how often, in per cent. */
const FAULTS = {
  none: 50,
  'delivered twice at once': 14,
  'delivered again later': 12,
  'held back': 14,
  'acknowledgement lost': 10,
} as const;

export type NotificationFault = Exclude<keyof typeof FAULTS, 'none'>;

/** How late a notification comes again at most: many others have come before it then. */
const LATER_MS = 1_500;

/** Lets notifications come twice and out of order. None is lost: one that is held back comes again. */
export class FaultyNotifications {
  readonly #random: Random;
  readonly #onFault: (fault: NotificationFault) => void;
  #isCalm = false;

  constructor(random: Random, onFault: (fault: NotificationFault) => void) {
    this.#random = random;
    this.#onFault = onFault;
  }

  /** No more faults. */
  calm(): void {
    this.#isCalm = true;
  }

  wrap(receive: Receive): Receive {
    return async (notification) => {
      const fault = this.#isCalm ? 'none' : this.#random.weighted(FAULTS);
      if (fault !== 'none') this.#onFault(fault);
      if (fault === 'held back') throw new Error('a notification was held back: it comes again');
      if (fault === 'delivered twice at once') {
        await Promise.all([receive(notification), receive(notification)]);
        return;
      }
      await receive(notification);
      if (fault === 'acknowledgement lost')
        throw new Error('an acknowledgement was lost: the notification comes again');
      if (fault === 'delivered again later') void this.#again(receive, notification);
    };
  }

  async #again(receive: Receive, notification: Notification): Promise<void> {
    await delay(this.#random.next() * LATER_MS);
    // It was taken once already: nobody waits for this one.
    await receive(notification).catch(() => {});
  }
}
