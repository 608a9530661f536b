import { encodeId } from '../domain/ids.ts';
import { builder } from './builder.ts';
import { PaymentEventType, PaymentRefundStatus, PaymentStatus } from './enums.ts';
import { Money } from './money.ts';
import { Node } from './node.ts';

export const PaymentEvent = builder.prismaObject('PaymentEvent', {
  description: 'One change of one payment, with its state and amounts as they were at that moment.',
  interfaces: [Node],
  fields: (t) => {
    const amount = (
      column: 'amountAuthorized' | 'amountCaptured' | 'amountRefunded' | 'amountRefunding' | 'amountReversed',
      description: string,
    ) =>
      t.field({
        type: Money,
        description,
        resolve: (event) => ({ amount: event[column], currency: event.currency }),
      });
    return {
      id: t.id({ description: 'evt_ and a UUID.', resolve: ({ id }) => encodeId('PaymentEvent', id) }),
      type: t.expose('type', { type: PaymentEventType, description: 'What happened.' }),
      sequence: t.exposeInt('sequence', { description: 'Counts the events of a payment from 1, in their order.' }),
      status: t.expose('status', { type: PaymentStatus, description: "The payment's state after it." }),
      refundStatus: t.expose('refundStatus', {
        type: PaymentRefundStatus,
        description: 'How far money had gone back.',
      }),
      amountAuthorized: amount('amountAuthorized', 'What was held.'),
      amountCaptured: amount('amountCaptured', 'What had been taken.'),
      amountRefunded: amount('amountRefunded', 'What had gone back.'),
      amountRefundPending: amount('amountRefunding', 'What was going back.'),
      amountReversed: amount('amountReversed', "What had been taken back by the payer's bank."),
      cursor: t.string({
        description: 'Where it stands in the order of commits: subscribe, or ask for events, after it.',
        resolve: (event, _, { feed }) => feed.log.cursorOf(event),
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it happened.' }),
      createdBy: t.exposeString('createdBy', { description: 'The key that caused it, or "processor".' }),
    };
  },
});

const PaymentEventEdge = builder.edgeObject({
  name: 'PaymentEventEdge',
  type: PaymentEvent,
  description: 'An entry of a list of events.',
});

export const PaymentEventConnection = builder.connectionObject(
  { name: 'PaymentEventConnection', type: PaymentEvent, description: 'A page of a list of events.' },
  PaymentEventEdge,
);
