import { flushCompileCache } from 'node:module';
import { pino } from 'pino';
import { startApp, type App } from '../../src/app.ts';
import { runDuePayments } from '../../src/due/payments.ts';
import { recoverDue } from '../../src/due/recover.ts';
import { newId } from '../../src/new-id.ts';
import { addAccount, addKey } from '../../src/store/access.ts';
import type { ChildOptions, ChildReady } from '../harness/crash-process.ts';
import type { Orders } from '../harness/crash-points.ts';
import { Failpoints } from './failpoints.ts';

/** A gateway in a process of its own, which ends where its parent orders it to. Started by startChild. */
const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
const failpoints = new Failpoints();
// Whoever started it is gone.
process.once('disconnect', () => process.exit());
const app = await startApp({
  ...options,
  host: '127.0.0.1',
  port: 0,
  log: pino({ level: 'silent' }),
  // Each of what stands still may hold a transaction and a connection of its own: more of both than there are cases.
  transactionsAtOnce: 32,
  poolSize: 48,
  sandbox: { ...options.sandbox, interpose: failpoints.interposed },
});
process.on('message', (orders: Orders) => {
  failpoints.obey(orders);
  if (orders.crash !== undefined) setInterval(runRounds, 200);
  process.send?.('obeyed');
});
const ready: ChildReady = { url: `${app.server.url}/graphql`, keys: options.keys ?? (await makeKeys(app)) };
process.send?.(ready);
// What is killed writes no cache at its end.
flushCompileCache();

/** What stands still holds up the gateway's own next round: these come all the same, as another process's would. */
function runRounds(): void {
  for (const run of [recoverDue, runDuePayments]) run(app.gateway).catch(() => 'it comes again');
}

async function makeKeys({ gateway: { database } }: App): Promise<ChildReady['keys']> {
  const shop = await addAccount(database, { name: 'A shop', newId });
  const other = await addAccount(database, { name: 'Another shop', newId });
  const keyFor = (environment: typeof shop.test) => addKey(database, { id: newId(), environment, name: 'a key' });
  return { test: await keyFor(shop.test), live: await keyFor(shop.live), other: await keyFor(other.test) };
}
