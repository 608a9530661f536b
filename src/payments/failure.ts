import type { KeyScope } from '../domain/key-scope.ts';
import type { ChangeType, PaymentStatus } from '../domain/lifecycle.ts';
import { fail } from '../domain/result.ts';

/** Where in the input something is wrong: ["input", "card", "number"]. */
export type Path = readonly string[];

/**
 * Everything that a command can be expected to refuse. Nothing was written when one of these is answered.
 * schema/errors.ts turns each into a GraphQL type.
 */
export type Failure =
  | { readonly code: 'INVALID_INPUT'; readonly message: string; readonly path: Path }
  | { readonly code: 'NOT_FOUND'; readonly message: string; readonly path: Path }
  | {
      readonly code: 'FORBIDDEN';
      readonly message: string;
      readonly path: Path;
      /** What the key would have to have. */
      readonly requiredScope: KeyScope;
    }
  | { readonly code: 'IDEMPOTENCY_KEY_REUSED'; readonly message: string; readonly path: Path }
  | {
      readonly code: 'IDEMPOTENCY_IN_PROGRESS';
      readonly message: string;
      readonly path: Path;
      readonly retryAfterMs: number;
    }
  | {
      readonly code: 'ILLEGAL_STATE';
      readonly message: string;
      readonly path: Path;
      readonly status: PaymentStatus;
      readonly allowedTransitions: readonly ChangeType[];
    }
  | {
      readonly code: 'AMOUNT_TOO_LARGE';
      readonly message: string;
      readonly path: Path;
      /** Minor units that would be possible, of what `limit` names. */
      readonly maximum: bigint;
      readonly limit: 'REFUNDABLE' | 'CAPTURABLE';
      readonly currency: string;
    }
  | {
      readonly code: 'ALREADY_PAID';
      readonly message: string;
      readonly path: Path;
      /** Null where the payer may not know of it. */
      readonly paymentId: string | null;
    }
  | {
      readonly code: 'PAYMENTS_UNDER_WAY';
      readonly message: string;
      readonly path: Path;
      /** Some of them. */
      readonly paymentIds: readonly string[];
    }
  | { readonly code: 'TOO_MANY_ATTEMPTS'; readonly message: string; readonly path: Path }
  | { readonly code: 'CARD_REFUSED'; readonly message: string; readonly path: Path }
  | { readonly code: 'PROCESSOR_UNAVAILABLE'; readonly message: string; readonly path: Path };

export function invalid(message: string, ...path: string[]): { ok: false; failure: Failure } {
  return fail({ code: 'INVALID_INPUT', message, path: ['input', ...path] });
}

export function notFound(what: string, ...path: string[]): { ok: false; failure: Failure } {
  return fail({ code: 'NOT_FOUND', message: `There is no such ${what}.`, path: ['input', ...path] });
}
