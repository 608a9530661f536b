import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  PaymentEventsDocument,
  PaymentStatusChangedDocument,
  RevokeClientTokensDocument,
} from '../../generated/operations/graphql.ts';
import { useGateway } from '../harness/gateway.ts';
import { countListeners } from '../harness/listeners.ts';
import { makeToken } from '../harness/payer.ts';
import { openSocket } from '../harness/socket.ts';
import { cutShort, temporaryKey } from '../harness/temporary.ts';
import { card, Till } from '../harness/till.ts';
import { until } from '../harness/until.ts';

/** A subscription ends with its credential, and says so: looked at as it goes over the wire. */

const listeners = countListeners();
const gateway = useGateway();
const till = new Till(gateway);

let customerId: string;
let paymentId: string;

beforeAll(async () => {
  customerId = await till.customer();
});
beforeEach(async () => {
  await until(() => listeners() === 0);
  ({ id: paymentId } = await till.pay({ customerId, process: false }));
});

interface Payload {
  readonly data?: Readonly<Record<string, { readonly cursor: string }>> | null;
  readonly errors?: readonly unknown[];
}

/** A subscription as a client sees it. */
interface Watched {
  /** The messages so far. */
  readonly told: () => readonly Payload[];
  /** The errors that it ended with; empty where it just ended. */
  readonly ended: Promise<readonly unknown[]>;
  /** How the next one with the same credential is answered. */
  next(): Promise<unknown>;
}

type Watch = (query: string, variables: object, credential: string) => Promise<Watched>;

const overWebSocket: Watch = async (query, variables, credential) => {
  const { messages, send, socket } = await openSocket(gateway(), { authorization: `Bearer ${credential}` });
  await until(() => messages.some(({ type }) => type === 'connection_ack'));
  const endOf = (id: string) =>
    until(() => messages.find((each) => each.id === id && ['error', 'complete'].includes(each.type)));
  send({ type: 'subscribe', id: 'one', payload: { query, variables } });
  return {
    told: () => messages.filter(({ type }) => type === 'next').map(({ payload }) => payload as Payload),
    ended: endOf('one').then(({ payload }) => (payload ?? []) as readonly unknown[]),
    next: async () => {
      // The socket stays open, for what it may carry besides.
      send({ type: 'subscribe', id: 'two', payload: { query, variables } });
      const { payload } = await endOf('two');
      socket.close();
      const { closed } = await openSocket(gateway(), { authorization: `Bearer ${credential}` });
      return { errors: payload, status: await closed };
    },
  };
};

const overEvents: Watch = async (query, variables, credential) => {
  const ask = () =>
    fetch(gateway().url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${credential}`,
        accept: 'text/event-stream',
        'content-type': 'application/json',
      },
      body: JSON.stringify({ query, variables }),
    });
  const response = await ask();
  let text = '';
  const read = async () => {
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) text += chunk;
  };
  const told = () =>
    Array.from(text.matchAll(/^event: next\ndata: (.*)$/gm), ([, data]) => JSON.parse(data ?? '') as Payload);
  return {
    told: () => told().filter(({ errors }) => errors === undefined),
    ended: read().then(() => {
      expect(text).toMatch(/\n\nevent: complete\n(data:.*\n)?\n$/);
      return told().at(-1)?.errors ?? [];
    }),
    next: async () => {
      const refused = await ask();
      const { errors } = JSON.parse(/\{.*\}/.exec(await refused.text())?.[0] ?? '{}') as Payload;
      return { errors, status: refused.status };
    },
  };
};

const SUBSCRIPTIONS = [
  ['paymentEvents', PaymentEventsDocument, () => ({})],
  ['paymentStatusChanged', PaymentStatusChangedDocument, () => ({ id: paymentId })],
] as const;

/** It ends, and says why and where it was. */
async function expectEnd(watched: Watched, message: RegExp): Promise<void> {
  const errors = await watched.ended;
  const [data] = Object.values(watched.told().at(-1)?.data ?? {});
  const extensions = { code: 'UNAUTHENTICATED', cursor: data?.cursor };
  expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(message), extensions })]);
  expect(data?.cursor).toMatch(/^evc_/);
  await until(() => listeners() === 0);
}

describe.each([
  ['WebSocket', overWebSocket, 4403],
  ['server-sent events', overEvents, 401],
] as const)('over %s', (_transport, watch, refused) => {
  describe.each(SUBSCRIPTIONS)('%s', (_name, document, variables) => {
    const begin = async (credential: string): Promise<Watched> => {
      const watched = await watch(String(document), variables(), credential);
      await until(() => watched.told().length === 1);
      return watched;
    };
    const refusal = {
      status: refused,
      errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAUTHENTICATED' }) })],
    };

    test('ends with its token, though nothing happens', async () => {
      // Not before the subscription has begun, however slow the machine is.
      const token = await cutShort(gateway(), await makeToken(gateway(), { customerId }), 8_000);
      const watched = await begin(token);
      await expectEnd(watched, /^This client token is over/);
      expect(watched.told()).toHaveLength(1);
      expect(await watched.next()).toEqual(refusal);
    });

    test('ends when its token was revoked, before the next event', async () => {
      const token = await makeToken(gateway(), { customerId });
      const watched = await begin(token);
      await gateway().execute(RevokeClientTokensDocument, { input: {} });
      await till.process({ paymentId, card: card() });
      await expectEnd(watched, /^This client token is over, or it was revoked/);
      expect(watched.told()).toHaveLength(1);
      expect(await watched.next()).toEqual(refusal);
    });

    test('ends when its secret key was revoked, before the next event', async () => {
      const { key, revoke } = await temporaryKey(gateway());
      const watched = await begin(key);
      await revoke();
      await till.process({ paymentId, card: card() });
      await expectEnd(watched, /^This key is over, or it was revoked/);
      expect(watched.told()).toHaveLength(1);
      expect(await watched.next()).toEqual(refusal);
    });

    test('told all that happened until then', async () => {
      const { key, revoke } = await temporaryKey(gateway());
      const watched = await begin(key);
      await till.process({ paymentId, card: card() });
      await until(() => watched.told().length === 3);
      await revoke();
      await till.refund({ paymentId });
      await expectEnd(watched, /^This key is over, or it was revoked/);
      expect(watched.told()).toHaveLength(3);
    });
  });
});
