import { vi } from 'vitest';
import { EventFeed } from '../../src/store/event-feed.ts';

type Listen = EventFeed['listen'];

/**
 * Counts who listens to event feeds, of every gateway that is started after this.
 * @returns how many do now
 */
export function countListeners(): () => number {
  let count = 0;
  const { value: listen } = Object.getOwnPropertyDescriptor(EventFeed.prototype, 'listen') as { value: Listen };
  vi.spyOn(EventFeed.prototype, 'listen').mockImplementation(function (this: EventFeed, ...args) {
    const stop = listen.apply(this, args);
    count++;
    let stopped = false;
    return () => {
      if (!stopped) count--;
      stopped = true;
      stop();
    };
  });
  return () => count;
}
