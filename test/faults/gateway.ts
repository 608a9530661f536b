import { flushCompileCache } from 'node:module';
import type { Connection } from '../../src/postgres/connection.ts';
import { startApp } from '../../src/app.ts';
import { createLogger } from '../../src/telemetry.ts';
import { LIMITS, SANDBOX_TIMES, SETTINGS } from './gateway-timing.ts';
import { FaultyNotifications, type NotificationFault } from './faulty-notifications.ts';
import { FaultyProcessor, type Fault, type LateCall, type Plant } from './faulty-processor.ts';
import { Random } from './random.ts';

/** One gateway process of the fault run: its parent tells it what to do, and kills it. */

export type ToGateway =
  | {
      readonly type: 'start';
      readonly database: Connection;
      readonly secret: string;
      readonly seed: number;
      readonly plant: Plant | undefined;
    }
  /** No more faults: what is open can settle. */
  | { readonly type: 'calm' }
  | { readonly type: 'stop' };

export type FromGateway =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'fault'; readonly fault: Fault | NotificationFault }
  | { readonly type: 'late call'; readonly late: LateCall; readonly inMs: number }
  | { readonly type: 'overrun' };

/** Sent at once, while the parent may kill us at any moment. */
function tell(message: FromGateway): void {
  process.send?.(message);
}

async function start({ database, secret, seed, plant }: Extract<ToGateway, { type: 'start' }>): Promise<void> {
  const random = new Random(seed);
  const onFault = (fault: Fault | NotificationFault): void => tell({ type: 'fault', fault });
  const notifications = new FaultyNotifications(random.fork(), onFault);
  const options = {
    random: random.fork(),
    onFault,
    onLateCall: (late: LateCall, inMs: number): void => tell({ type: 'late call', late, inMs }),
    onOverrun: (): void => tell({ type: 'overrun' }),
    plant,
  };
  let processor: FaultyProcessor | undefined;
  const app = await startApp({
    database,
    secret,
    host: '127.0.0.1',
    port: 0,
    log: createLogger('warn'),
    settings: SETTINGS,
    sandbox: {
      ...SANDBOX_TIMES,
      limits: LIMITS,
      interpose: {
        processor: (sandbox) => (processor = new FaultyProcessor(sandbox, options)),
        receive: (receive) => notifications.wrap(receive),
      },
    },
  });
  process.on('message', (message: ToGateway) => {
    if (message.type === 'calm') {
      processor?.calm();
      notifications.calm();
    }
    if (message.type === 'stop') void app.close().then(() => process.exit(0));
  });
  tell({ type: 'ready', url: app.server.url });
  // Nobody who is killed writes its compiled code away at the end: the next one starts in half the time.
  flushCompileCache();
}

// Nobody is left who could end this process.
process.on('disconnect', () => process.exit(1));
process.once('message', (message: ToGateway) => {
  if (message.type === 'start') void start(message);
});
