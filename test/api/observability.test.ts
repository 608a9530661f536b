import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { tracerTo } from '../../src/tracing.ts';
import { startGateway, type TestGateway } from '../harness/gateway.ts';
import { until } from '../harness/until.ts';

const exporter = new InMemorySpanExporter();
let gateway: TestGateway;

beforeAll(async () => {
  const tracer = tracerTo(new SimpleSpanProcessor({ exporter }), { ratio: 1, serviceName: 'a test', commit: 'abc' });
  gateway = await startGateway({ tracer });
});

afterAll(() => gateway.close());

beforeEach(() => exporter.reset());

const CREATE = `mutation TheirName($input: CreatePaymentInput!) {
  createPayment(input: $input) {
    __typename
    ... on CreatePaymentPayload { payment { id status } }
  }
}`;

let keys = 0;

function input(card: { number: string; cvc: string }) {
  return {
    idempotencyKey: `observed ${keys++}`,
    amount: 4_999,
    currency: 'EUR',
    process: true,
    card: { ...card, expMonth: 12, expYear: 2034 },
  };
}

const GOOD = { number: '4242424242424242', cvc: '739' };

/** The spans of the one trace with such a root, once that has ended, in the order in which they began. */
async function traceOf(name: string): Promise<ReadableSpan[]> {
  const spans = () => exporter.getFinishedSpans();
  const root = await until(() => spans().find((span) => span.name === name));
  const { traceId } = root.spanContext();
  return spans()
    .filter((span) => span.spanContext().traceId === traceId)
    .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]);
}

test('one trace, from the operation to SQL and the processor', async () => {
  const { status } = await gateway.request(CREATE, { input: input(GOOD) });
  expect(status).toBe(200);
  const spans = await traceOf('mutation createPayment');
  console.log(
    spans
      .map(
        (s) =>
          `${s.name} <- ${spans.find((p) => p.spanContext().spanId === s.parentSpanContext?.spanId)?.name} ${JSON.stringify(s.attributes)}`,
      )
      .join('\n'),
  );
});
