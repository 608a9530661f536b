import { randomUUID } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { Backstage } from '../harness/backstage.ts';
import { useGateway } from '../harness/gateway.ts';
import { Interposed } from '../harness/interposed.ts';
import { grant, Payer } from '../harness/payer.ts';
import { delayed } from '../harness/stand-ins.ts';
import { Till } from '../harness/till.ts';

/** A charge for an order that was given up, that the processor made after all, and whose order was paid anew meanwhile. */

const processor = new Interposed();
const gateway = useGateway({ sandbox: { interpose: processor } });
const till = new Till(gateway);
const backstage = new Backstage(gateway);

let order: string;
let payer: Payer;
const paidByMerchant = () => till.pay({ amount: 1000, destinations: [{ type: 'ORDER', id: order, amount: 1000 }] });

beforeEach(async () => {
  processor.use({});
  await till.setRetrySchedule();
  order = `ord_${randomUUID()}`;
  payer = await Payer.of(gateway(), { customerId: await till.customer(), grants: [grant(order)] });
});

/** A charge whose request is still on its way when it is given up. `arrive` lets the processor execute it, and say so. */
async function givenUp(pay: () => Promise<{ id: string }>) {
  const { standIn, arrive } = delayed();
  processor.use({ charge: standIn });
  const { id } = await pay();
  processor.use({});
  await backstage.letTimePass(id, 0.5);
  expect((await till.read(id)).status).toBe('FAILED');
  return {
    id,
    arrive: async () => {
      await arrive();
      await backstage.notify(id, 'CHARGE');
      // An answer that may have been asked for before the end is asked for anew.
      await backstage.letTimePass(id, 1);
    },
  };
}

test.each([
  ['the payer had made', () => payer.paid([order])],
  ['the merchant had made', paidByMerchant],
])('one that %s is given back: the order is paid once', async (_, pay) => {
  const first = await givenUp(pay);
  const second = await payer.paid([order]);
  await first.arrive();
  expect(await till.read(first.id)).toMatchObject({
    status: 'FAILED',
    amountCaptured: { amount: 0 },
    attempts: [{ status: 'FAILED', flag: 'LATE_SUCCESS_RETURNED' }],
  });
  expect((await till.read(second.id)).status).toBe('SUCCEEDED');
  expect(await backstage.standing(first.id)).toEqual([]);
  expect(await backstage.standing(second.id)).toEqual([1000]);
});

test('nothing else has paid the order: it is taken on, and not paid again', async () => {
  const { id, arrive } = await givenUp(() => payer.paid([order]));
  await arrive();
  expect(await till.read(id)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ flag: 'LATE_SUCCESS_ADOPTED' }] });
  expect(await payer.payOrders([order])).toMatchObject({ __typename: 'AlreadyPaidError' });
});

test('what the merchant charged in two payments stands: they may be parts of one thing', async () => {
  const first = await givenUp(paidByMerchant);
  const second = await paidByMerchant();
  await first.arrive();
  expect((await till.read(first.id)).status).toBe('SUCCEEDED');
  expect(await backstage.standing(second.id)).toEqual([1000]);
});
