import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Circuit } from '../domain/circuit.ts';
import { encodeId } from '../domain/ids.ts';
import type { Gateway } from '../payments/gateway.ts';
import type { Refusal } from './notifications.ts';

const METRICS_PATH = '/metrics';

const CIRCUIT_STATES = ['CLOSED', 'HALF_OPEN', 'OPEN'] as const satisfies readonly Circuit['state'][];

/** What this process counts, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #refusedNotifications: Counter<'reason'>;

  constructor({ circuits }: Pick<Gateway, 'circuits'>) {
    const registers = [this.#registry];
    this.#refusedNotifications = new Counter({
      name: 'tender_refused_notifications_total',
      help: 'Notifications of processors that were not taken. Nothing else is kept of them.',
      labelNames: ['reason'],
      registers,
    });
    const circuit = new Gauge({
      name: 'tender_processor_circuit',
      help: '1 for the state in which the circuit of a processor account is, 0 for the others. Accounts are there once they were asked.',
      labelNames: ['account', 'state'],
      registers,
      collect: () => {
        for (const [id, { state }] of circuits.all()) {
          for (const each of CIRCUIT_STATES) {
            circuit.set({ account: encodeId('ProcessorAccount', id), state: each }, each === state ? 1 : 0);
          }
        }
      },
    });
  }

  notificationRefused(reason: Refusal): void {
    this.#refusedNotifications.inc({ reason });
  }

  /**
   * Answers whoever has the token.
   * @returns what answers a request, and tells whether it was one for it
   */
  page(token: string): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
    const expected = digest(`Bearer ${token}`);
    return async (request, response) => {
      if (request.url?.split('?')[0] !== METRICS_PATH) return false;
      if (timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
        response.writeHead(200, { 'content-type': this.#registry.contentType }).end(await this.#registry.metrics());
      } else {
        response
          .writeHead(401, { 'www-authenticate': 'Bearer', 'content-type': 'text/plain' })
          .end('A token is needed.\n');
      }
      return true;
    };
  }
}

/** Of one length, so that they can be compared in constant time. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
