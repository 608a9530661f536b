import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Observer } from '../payments/observer.ts';
import type { Counts } from './counts.ts';
import { addGauges, type Watched } from './gauges.ts';
import type { Refusal } from './notifications.ts';
import type { Operation } from './observation.ts';

const METRICS_PATH = '/metrics';

/** Seconds. A read takes some milliseconds, a payment a processor's time, and a call to one ends after half a minute. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What this process counts, for Prometheus. Labels are names of the gateway's own: how many series there are is bounded. */
export class Metrics implements Counts {
  readonly #registry = new Registry();
  readonly #operations = this.#histogram('tender_operation_duration_seconds', {
    help: 'GraphQL operations, by the field of their root: from the request to the end of its answer.',
    labelNames: ['type', 'field', 'outcome'],
  });
  readonly #subscriptions = this.#counter('tender_subscriptions_total', {
    help: 'Subscriptions that were asked for. Over server-sent events they are counted when they end.',
    labelNames: ['field', 'outcome'],
  });
  readonly #calls = this.#histogram('tender_processor_call_duration_seconds', {
    help: 'Calls to processors, by what their answer says. Unknown means that nobody knows whether it was done.',
    labelNames: ['processor', 'kind', 'asked', 'outcome'],
  });
  readonly #declines = this.#counter('tender_declines_total', {
    help: 'Charges that were declined.',
    labelNames: ['processor', 'code'],
  });
  readonly #events = this.#counter('tender_payment_events_total', {
    help: 'Changes of payments, by the event that tells of them.',
    labelNames: ['type', 'processor'],
  });
  readonly #webhooks = this.#counter('tender_webhook_attempts_total', {
    help: 'Attempts to deliver a webhook: delivered, to be tried again, or exhausted, which was the last one.',
    labelNames: ['outcome'],
  });
  readonly #refusedNotifications = this.#counter('tender_refused_notifications_total', {
    help: 'Notifications of processors that were not taken. Nothing else is kept of them.',
    labelNames: ['reason'],
  });

  /** The header of whoever has the token. */
  readonly #expected: Buffer;

  constructor(token: string) {
    this.#expected = digest(`Bearer ${token}`);
  }

  /** Measures what is there to be measured when somebody asks. */
  watch(watched: Watched): void {
    addGauges(this.#registry, watched);
    collectDefaultMetrics({ register: this.#registry });
  }

  operationEnded({ type, field, outcome }: Operation, durationMs: number): void {
    // How long a subscription lasts says nothing about the gateway.
    if (type === 'subscription') this.#subscriptions.inc({ field, outcome });
    else this.#operations.observe({ type, field, outcome }, durationMs / 1_000);
  }

  processorAnswered({
    processor,
    kind,
    asked,
    outcome,
    durationMs,
  }: Parameters<Observer['processorAnswered']>[0]): void {
    this.#calls.observe({ processor, kind, asked, outcome }, durationMs / 1_000);
  }

  chargeDeclined(processor: string, code: string): void {
    this.#declines.inc({ processor, code });
  }

  paymentChanged(type: string, processor: string): void {
    this.#events.inc({ type, processor });
  }

  webhookAttempted(outcome: string): void {
    this.#webhooks.inc({ outcome });
  }

  notificationRefused(reason: Refusal): void {
    this.#refusedNotifications.inc({ reason });
  }

  /**
   * Answers whoever has the token.
   * @returns whether the request was one for it
   */
  readonly page = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (request.url?.split('?')[0] !== METRICS_PATH) return false;
    if (timingSafeEqual(digest(request.headers.authorization ?? ''), this.#expected)) {
      response.writeHead(200, { 'content-type': this.#registry.contentType }).end(await this.#registry.metrics());
    } else {
      response
        .writeHead(401, { 'www-authenticate': 'Bearer', 'content-type': 'text/plain' })
        .end('A token is needed.\n');
    }
    return true;
  };

  #counter<T extends string>(name: string, of: { readonly help: string; readonly labelNames: T[] }): Counter<T> {
    return new Counter({ name, ...of, registers: [this.#registry] });
  }

  #histogram<T extends string>(name: string, of: { readonly help: string; readonly labelNames: T[] }): Histogram<T> {
    return new Histogram({ name, ...of, buckets: BUCKETS, registers: [this.#registry] });
  }
}

/** Of one length, so that they can be compared in constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
