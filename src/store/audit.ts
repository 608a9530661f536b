import type { AuditEntry } from '../../generated/prisma/client.ts';
import { ID_PREFIXES } from '../domain/ids.ts';
import type { Transaction } from './transaction.ts';

export type AuditAct = AuditEntry['act'];

/** Who does something, where, and in which request. */
export interface AuditedBy {
  readonly environmentId: string;
  /** The global id of a key; "command" for the programs of tools/, "gateway" for what is done by itself. */
  readonly actor: string;
  readonly requestId?: string | undefined;
}

/** What was done, and to what. Summaries hold no secrets, and no texts that people wrote. */
export interface Audited {
  readonly act: AuditAct;
  /** A global id. */
  readonly subject: string;
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

/** Writes an act down in the transaction that does it: there is never one without the other. */
export async function addAuditEntry(
  transaction: Transaction,
  { environmentId, actor, requestId }: AuditedBy,
  { act, subject, before, after }: Audited,
): Promise<void> {
  await transaction.query(
    `INSERT INTO audit_entry (environment_id, act, actor, subject, before, after, request_id)
     VALUES ($1, $2::audit_act, $3, $4, $5::jsonb, $6::jsonb, $7)`,
    [environmentId, act, actor, subject, jsonOf(before), jsonOf(after), requestId ?? null],
  );
}

function jsonOf(summary: object | undefined): string | null {
  return summary === undefined ? null : JSON.stringify(summary);
}

/** Part of a statement that disables webhook endpoints by itself: writes it down. @param disabled a table of their rows */
export const auditDisabled = (disabled: string): string => `
  INSERT INTO audit_entry (environment_id, act, actor, subject, before, after)
  SELECT environment_id, 'WEBHOOK_ENDPOINT_UPDATED', 'gateway', '${ID_PREFIXES.WebhookEndpoint}_' || id,
    '{"status": "ENABLED"}', jsonb_build_object('status', 'DISABLED', 'disabledReason', disabled_reason)
  FROM ${disabled}`;
