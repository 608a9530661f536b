import { declineForPayer, parseDeclineCode } from '../domain/decline.ts';
import { builder } from './builder.ts';
import type { Context } from './context.ts';

export interface DeclineShape {
  readonly declineCode: string | null;
  readonly declineMessage: string | null;
  readonly declineRetryable: boolean | null;
}

/** The decline that a row's three columns hold, if any; to payers, what they may be told of it. */
export function declineOf(
  row: DeclineShape,
  _arguments: object,
  { caller }: Context,
): { code: string; message: string; retryable: boolean } | null {
  if (row.declineCode === null) return null;
  if (caller.payer !== null) return declineForPayer(parseDeclineCode(row.declineCode));
  return { code: row.declineCode, message: row.declineMessage ?? '', retryable: row.declineRetryable ?? false };
}

export const Decline = builder.objectRef<NonNullable<ReturnType<typeof declineOf>>>('Decline').implement({
  description: 'Why an issuer or a processor would not do it. A decline is no error: it is a result.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'For programs: "insufficient_funds". docs/declines.md lists them.' }),
    message: t.exposeString('message', {
      description: 'For the merchant; for the payer where a client token reads it.',
    }),
    retryable: t.exposeBoolean('retryable', { description: 'The same card may be taken another time.' }),
  }),
});
