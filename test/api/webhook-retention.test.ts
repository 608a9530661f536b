import { afterAll, beforeAll, expect, test } from 'vitest';
import { forgetDeliveries } from '../../src/due/webhooks.ts';
import { useGateway } from '../harness/gateway.ts';
import { Hooks } from '../harness/hooks.ts';
import { Receiver } from '../harness/receiver.ts';

const gateway = useGateway({ settings: { webhookPrivateNetworks: true } });
const hooks = new Hooks(gateway);
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.stop());

/** So many days pass for all webhooks. */
async function letDaysPass(days: number): Promise<void> {
  const { pool } = gateway().app.gateway.database;
  await pool.query(
    `UPDATE webhook_delivery SET created_at = created_at - $1 * interval '1 day', completed_at = completed_at - $1 * interval '1 day'`,
    [days],
  );
  await pool.query(`UPDATE webhook_endpoint SET updated_at = updated_at - $1 * interval '1 day'`, [days]);
}

async function forget(): Promise<void> {
  await forgetDeliveries(gateway().app.gateway);
}

test('a delivery can be read for 30 days after it is over, one that is not over for longer', async () => {
  const { id } = await hooks.endpoint(receiver.url('kept'));
  const over = await hooks.sendTest(id);
  await hooks.over(over);
  receiver.answer('never');
  const waiting = await hooks.sendTest(id);
  await receiver.wait('kept', 2);
  await letDaysPass(29.9);
  await forget();
  expect((await hooks.delivery(over)).attempts).toHaveLength(1);
  await letDaysPass(0.2);
  await forget();
  await expect(hooks.delivery(over)).rejects.toThrow('there is no delivery');
  expect(await hooks.delivery(waiting)).toMatchObject({ status: 'PENDING' });
  const { rows } = await gateway().app.gateway.database.pool.query('SELECT 1 FROM webhook_attempt');
  expect(rows).toEqual([]);
});

test('an endpoint that was deleted goes when its deliveries are gone', async () => {
  receiver.answer({ status: 200 });
  const kept = await hooks.endpoint(receiver.url('kept'));
  const { id } = await hooks.endpoint(receiver.url('deleted'));
  const delivery = await hooks.sendTest(id);
  await hooks.over(delivery);
  await hooks.delete(id);
  await forget();
  expect(await hooks.delivery(delivery)).toMatchObject({ endpoint: { status: 'DELETED' } });
  await letDaysPass(31);
  await forget();
  expect(await hooks.read(id)).toBeNull();
  expect(await hooks.read(kept.id)).toMatchObject({ status: 'ENABLED' });
});

test('more deliveries than one statement deletes', async () => {
  const { id } = await hooks.endpoint(receiver.url('many'));
  await hooks.over(await hooks.sendTest(id));
  const { pool } = gateway().app.gateway.database;
  await letDaysPass(31);
  await pool.query(
    `INSERT INTO webhook_delivery (environment_id, id, endpoint_id, status, attempts_left, created_at, completed_at)
     SELECT environment_id, gen_random_uuid(), endpoint_id, status, 0, created_at, completed_at
     FROM webhook_delivery, generate_series(1, 2500) WHERE endpoint_id::text = $1`,
    [id.slice('whe_'.length)],
  );
  await Promise.all([forget(), forget()]);
  await forget();
  expect(await hooks.deliveries({ endpointId: id })).toEqual([]);
});
