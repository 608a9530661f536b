const DAY_MS = 24 * 3_600_000;

/** How long things take and are kept, for every command of an installation. */
export interface Settings {
  /** How long an idempotency key is kept: a day at least. */
  readonly idempotencyRetentionMs: number;
  /** How long after a call's deadline recovery first asks the processor: 1 to 30,000. */
  readonly recoveryDelayMs: number;
  /** How long what a process has taken on is left to it: a process that dies delays it by no more than this. */
  readonly leaseMs: number;
  /** How long recovery looks for an answer before it tells an operator. */
  readonly raiseAfterMs: number;
  /** How long the feed of events can be resumed from one of its cursors: a day at least. */
  readonly eventRetentionMs: number;
  /** How long after a charge was taken for never executed it is looked for once more. */
  readonly lateSuccessLookMs: number;
  /** How long a subscriber to whom nothing happens may outlive a key whose end was set meanwhile. */
  readonly keyLookMs: number;
  /** Whether webhooks may go to private networks, and without TLS: for development and tests. */
  readonly webhookPrivateNetworks: boolean;
  /** How long a webhook's receiver may take: less than its lease. */
  readonly webhookTimeoutMs: number;
}

/**
 * The settings that are given, and the defaults of the others.
 * @throws if recovery would come before anybody could tell, or too late
 */
export function settingsOf(given: Partial<Settings> = {}): Settings {
  const settings: Settings = {
    idempotencyRetentionMs: 30 * DAY_MS,
    recoveryDelayMs: 5_000,
    leaseMs: 30_000,
    raiseAfterMs: DAY_MS,
    eventRetentionMs: 30 * DAY_MS,
    lateSuccessLookMs: DAY_MS / 24,
    keyLookMs: 5_000,
    webhookPrivateNetworks: false,
    webhookTimeoutMs: 15_000,
    ...given,
  };
  if (settings.recoveryDelayMs < 1 || settings.recoveryDelayMs > 30_000) {
    throw new Error('recovery first asks 1 to 30,000 ms after the deadline of a call');
  }
  return settings;
}
