/** What Stripe says in an error. */
export interface ErrorBody {
  readonly type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly code?: string;
  readonly decline_code?: string;
  readonly message?: string;
  readonly param?: string;
  readonly payment_intent?: unknown;
}

/** An error that the stand-in answers. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, body: ErrorBody) {
    super(body.code ?? body.type);
    this.status = status;
    this.body = body;
  }
}

export function missing(param: string): Refusal {
  return new Refusal(404, { type: 'invalid_request_error', code: 'resource_missing', param });
}

export function unexpectedState(intent: unknown): Refusal {
  const code = 'payment_intent_unexpected_state';
  return new Refusal(400, { type: 'invalid_request_error', code, payment_intent: intent });
}

export function invalid(code: string, param?: string): Refusal {
  return new Refusal(400, { type: 'invalid_request_error', code, ...(param === undefined ? {} : { param }) });
}
