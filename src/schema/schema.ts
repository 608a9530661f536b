import type { GraphQLSchema } from 'graphql';
import { builder } from './builder.ts';
import { CLOSED } from './reach.ts';
import './scalars.ts';
import './api-key.ts';
import './audit-log.ts';
import './client-token.ts';
import './erase-customer.ts';
import './node.ts';
import './payment-queries.ts';
import './payment-mutations.ts';
import './movement-mutations.ts';
import './operation.ts';
import './events.ts';
import './explain-routing.ts';
import './payer-relations.ts';
import './processor-account.ts';
import './reconciliation.ts';
import './refund-queries.ts';
import './routing.ts';
import './relations.ts';
import './retry-schedule.ts';
import './subscriptions.ts';
import './viewer.ts';
import './webhook-delivery.ts';
import './webhook-endpoint.ts';

builder.queryType({ ...CLOSED, description: 'What can be read.' });
builder.mutationType({
  ...CLOSED,
  description:
    'What can be done. Those that move money take an idempotency key; all answer a payload or a typed error.',
});

/** The whole schema. It needs no database. */
export function buildSchema(): GraphQLSchema {
  return builder.toSchema();
}
